# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# `west simulate` on the nRF52840 DK. Zephyr's own board has no simulator, so what its board.cmake would say is said here.
if("${BOARD}" MATCHES "^nrf52840dk($|[/@])")
  set(BOARD_SIM_RUNNER renode)
  set_property(GLOBAL APPEND PROPERTY ZEPHYR_RUNNERS renode)
  set_property(GLOBAL APPEND PROPERTY BOARD_RUNNER_ARGS_renode
    "--renode-arg=--disable-gui"
    "--renode-arg=--console"
    "--renode-command=$elf=@${CMAKE_BINARY_DIR}/zephyr/zephyr.elf"
    "--renode-command=include @${CMAKE_CURRENT_LIST_DIR}/simulate.resc"
  )
endif()
