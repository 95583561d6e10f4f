# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# Random networks, written by a test's make_networks.py when it is built, and found by it as `networks`.
set(TOCSIN_NETWORKS_SEED 1 CACHE STRING "Seed of the random networks")
set(makers ${CMAKE_CURRENT_SOURCE_DIR}/make_networks.py ${CMAKE_CURRENT_LIST_DIR}/networks/make_networks.py)
set(networks ${CMAKE_CURRENT_BINARY_DIR}/networks-${TOCSIN_NETWORKS_SEED}.bin)
add_custom_command(OUTPUT ${networks}
  COMMAND ${PYTHON_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/make_networks.py ${networks} --seed ${TOCSIN_NETWORKS_SEED}
  DEPENDS ${makers}
  COMMENT "Random networks")
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/networks.S
  ".section .rodata.networks, \"a\"\n.balign 16\n.global networks\nnetworks:\n.incbin \"${networks}\"\n")
set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/networks.S PROPERTIES OBJECT_DEPENDS ${networks})
target_sources(app PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/networks.S)
