# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# What every test application here begins with.
include(${CMAKE_CURRENT_LIST_DIR}/../../cmake/module.cmake)
