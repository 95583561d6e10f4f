# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# What every test application here begins with: the workspace, the compiler, and this repository as a Zephyr module.
set(tocsin_root ${CMAKE_CURRENT_LIST_DIR}/../..)
include(${tocsin_root}/cmake/workspace.cmake)
include(${tocsin_root}/cmake/toolchain.cmake)
list(APPEND EXTRA_ZEPHYR_MODULES ${tocsin_root})
