# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# Chooses the cross compiler where nobody has: the Zephyr SDK if there is one (Zephyr finds it itself), otherwise the
# distribution's arm-none-eabi-gcc with picolibc, as in Debian's gcc-arm-none-eabi and picolibc-arm-none-eabi.
# native_sim is built with the host's compiler.

function(tocsin_choose_toolchain)
  if(DEFINED ZEPHYR_TOOLCHAIN_VARIANT OR DEFINED ENV{ZEPHYR_TOOLCHAIN_VARIANT} OR DEFINED ZEPHYR_SDK_INSTALL_DIR
     OR DEFINED ENV{ZEPHYR_SDK_INSTALL_DIR})
    return()
  endif()

  # No SDK has version 0.0.0: the search only lists those there are, in the places where Zephyr looks.
  find_package(Zephyr-sdk 0.0.0 EXACT QUIET CONFIG
               PATHS /usr /usr/local /opt $ENV{HOME} $ENV{HOME}/.local $ENV{HOME}/.local/opt $ENV{HOME}/bin)
  if(Zephyr-sdk_CONSIDERED_VERSIONS)
    return()
  endif()

  if("${BOARD}" MATCHES "^native_sim")
    set(ZEPHYR_TOOLCHAIN_VARIANT host CACHE STRING "Zephyr toolchain variant")
    return()
  endif()

  find_program(tocsin_gcc arm-none-eabi-gcc NO_CACHE)
  if(NOT tocsin_gcc)
    message(FATAL_ERROR "No cross compiler was found. Install the Zephyr SDK, or a distribution's arm-none-eabi-gcc "
                        "with picolibc and its libstdc++ (Debian: gcc-arm-none-eabi picolibc-arm-none-eabi "
                        "libstdc++-arm-none-eabi-picolibc), or set ZEPHYR_TOOLCHAIN_VARIANT.")
  endif()
  cmake_path(GET tocsin_gcc PARENT_PATH bin)
  cmake_path(GET bin PARENT_PATH prefix)
  set(ZEPHYR_TOOLCHAIN_VARIANT gnuarmemb CACHE STRING "Zephyr toolchain variant")
  set(GNUARMEMB_TOOLCHAIN_PATH ${prefix} CACHE PATH "Where arm-none-eabi-gcc is installed")

  execute_process(COMMAND ${tocsin_gcc} -print-file-name=picolibc.specs OUTPUT_VARIABLE specs
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(IS_ABSOLUTE "${specs}")
    set(TOOLCHAIN_HAS_PICOLIBC ON CACHE BOOL "True if toolchain supports picolibc")
  endif()
endfunction()

tocsin_choose_toolchain()
