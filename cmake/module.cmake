# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# What an application begins with that lies in this repository and uses its modules alone, before find_package(Zephyr):
# the workspace, the compiler, and this repository as a Zephyr module.
get_filename_component(tocsin_root ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)
include(${CMAKE_CURRENT_LIST_DIR}/workspace.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/toolchain.cmake)
list(APPEND EXTRA_ZEPHYR_MODULES ${tocsin_root})
