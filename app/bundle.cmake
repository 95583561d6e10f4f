# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# Embeds a bundle as the image's default detector:  -DTOCSIN_BUNDLE=path/to/my.tocsin

# CMake makes a command-line value absolute, from where the user stands, when the cache says that it is a path.
set(TOCSIN_BUNDLE "" CACHE FILEPATH "The bundle to embed; empty: the one that suits the sensor")
if(NOT TOCSIN_BUNDLE)
  # Not into the cache: another FILE_SUFFIX may want another.
  set(TOCSIN_BUNDLE ${CMAKE_CURRENT_LIST_DIR}/bundles/${CONFIG_TOCSIN_DEFAULT_BUNDLE})
endif()

if(NOT EXISTS ${TOCSIN_BUNDLE})
  message(FATAL_ERROR "TOCSIN_BUNDLE: there is no file ${TOCSIN_BUNDLE}\n"
                      "Name a bundle that `tocsin train` has written, or leave TOCSIN_BUNDLE out for the default one.")
endif()
file(READ ${TOCSIN_BUNDLE} tocsin_magic LIMIT 8 HEX)
if(NOT tocsin_magic STREQUAL "544f4353494e0d0a")
  message(FATAL_ERROR "TOCSIN_BUNDLE: ${TOCSIN_BUNDLE} is not a Tocsin bundle (its first bytes are ${tocsin_magic})")
endif()
message(STATUS "Default bundle: ${TOCSIN_BUNDLE}")

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${TOCSIN_BUNDLE})
configure_file(${CMAKE_CURRENT_LIST_DIR}/default_bundle.S.in ${CMAKE_CURRENT_BINARY_DIR}/default_bundle.S @ONLY)
# The target is not of this folder, where the property would otherwise be unknown to it.
set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/default_bundle.S
                            TARGET_DIRECTORY app PROPERTIES OBJECT_DEPENDS ${TOCSIN_BUNDLE})
target_sources(app PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/default_bundle.S)
