# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# What the application begins with, before project(): the workspace, the compiler, boards, and the simulator.
set(tocsin_root ${CMAKE_CURRENT_LIST_DIR}/..)
include(${CMAKE_CURRENT_LIST_DIR}/workspace.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/toolchain.cmake)

set(ZEPHYR_BOARD_ALIASES ${tocsin_root}/boards/aliases.cmake)
set(KCONFIG_ROOT ${tocsin_root}/Kconfig)
set(APPLICATION_CONFIG_DIR ${tocsin_root}/app)
list(APPEND BOARD_ROOT ${tocsin_root})
list(APPEND EXTRA_ZEPHYR_MODULES ${tocsin_root})
include(${tocsin_root}/boards/renode/runner.cmake)

find_package(Zephyr 4.3 REQUIRED HINTS $ENV{ZEPHYR_BASE})
