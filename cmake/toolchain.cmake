# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# Chooses the cross compiler where nobody has: the Zephyr SDK if there is one (Zephyr finds it itself), otherwise the
# distribution's arm-none-eabi-gcc with picolibc, as in Debian's gcc-arm-none-eabi and picolibc-arm-none-eabi.
# native_sim is built with the host's compiler.
#
# Where the variant gnuarmemb was chosen, here or by the environment, the compiler is looked for and its C library checked:
# Zephyr would take newlib, and Debian's newlib cannot be locked.

set(tocsin_debian_packages "gcc-arm-none-eabi picolibc-arm-none-eabi libstdc++-arm-none-eabi-picolibc")

# The value of a variable of CMake or, without one, of the environment; empty without either.
function(tocsin_setting name out)
  if(DEFINED ${name})
    set(${out} "${${name}}" PARENT_SCOPE)
  else()
    set(${out} "$ENV{${name}}" PARENT_SCOPE)
  endif()
endfunction()

# Whether an SDK of Zephyr is installed where Zephyr looks for it.
function(tocsin_has_sdk out)
  # No SDK has version 0.0.0: the search only lists those there are.
  find_package(Zephyr-sdk 0.0.0 EXACT QUIET CONFIG
               PATHS /usr /usr/local /opt $ENV{HOME} $ENV{HOME}/.local $ENV{HOME}/.local/opt $ENV{HOME}/bin)
  if(Zephyr-sdk_CONSIDERED_VERSIONS)
    set(${out} TRUE PARENT_SCOPE)
  else()
    set(${out} FALSE PARENT_SCOPE)
  endif()
endfunction()

# Says where the compiler of the variant gnuarmemb is, and which C library it has.
function(tocsin_set_up_gnuarmemb)
  tocsin_setting(GNUARMEMB_TOOLCHAIN_PATH prefix)
  if(prefix)
    set(gcc ${prefix}/bin/arm-none-eabi-gcc)
    if(NOT EXISTS "${gcc}" AND NOT EXISTS "${gcc}.exe")
      message(FATAL_ERROR "GNUARMEMB_TOOLCHAIN_PATH is ${prefix}, and there is no bin/arm-none-eabi-gcc in it. Set it to "
                          "the folder above the compiler's bin (/usr for a distribution's), or unset it.")
    endif()
  else()
    find_program(gcc arm-none-eabi-gcc NO_CACHE)
    if(NOT gcc)
      message(FATAL_ERROR "No cross compiler was found. Install the Zephyr SDK, or a distribution's arm-none-eabi-gcc "
                          "with picolibc and its libstdc++ (Debian: ${tocsin_debian_packages}), or set "
                          "ZEPHYR_TOOLCHAIN_VARIANT.")
    endif()
    cmake_path(GET gcc PARENT_PATH bin)
    cmake_path(GET bin PARENT_PATH prefix)
  endif()
  set(GNUARMEMB_TOOLCHAIN_PATH ${prefix} CACHE PATH "Where arm-none-eabi-gcc is installed")

  tocsin_setting(TOOLCHAIN_HAS_PICOLIBC given)
  if(NOT given STREQUAL "")
    return()
  endif()
  execute_process(COMMAND ${gcc} -print-file-name=picolibc.specs OUTPUT_VARIABLE c OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND ${gcc} -print-file-name=picolibcpp.specs OUTPUT_VARIABLE cxx OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(IS_ABSOLUTE "${c}" AND IS_ABSOLUTE "${cxx}")
    set(TOOLCHAIN_HAS_PICOLIBC ON CACHE BOOL "True if toolchain supports picolibc")
    return()
  endif()
  # Arm's own toolchain has a newlib that can be locked; that does.
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/tocsin_newlib.c
       "#include <newlib.h>\n#ifndef _RETARGETABLE_LOCKING\n#error\n#endif\n")
  execute_process(COMMAND ${gcc} -fsyntax-only ${CMAKE_CURRENT_BINARY_DIR}/tocsin_newlib.c RESULT_VARIABLE failed
                  OUTPUT_QUIET ERROR_QUIET)
  if(failed)
    message(FATAL_ERROR "${gcc} has neither picolibc with its libstdc++ nor a newlib that Zephyr can use. Install them "
                        "(Debian: ${tocsin_debian_packages}), or the Zephyr SDK.")
  endif()
endfunction()

function(tocsin_choose_toolchain)
  if("${BOARD}" MATCHES "^native_sim")
    # Zephyr takes the host's compiler for it, whatever was chosen. No choice at all would have it look for an SDK.
    tocsin_setting(ZEPHYR_TOOLCHAIN_VARIANT variant)
    if(NOT variant)
      set(ZEPHYR_TOOLCHAIN_VARIANT host CACHE STRING "Zephyr toolchain variant")
    endif()
    return()
  endif()
  tocsin_setting(ZEPHYR_TOOLCHAIN_VARIANT variant)
  tocsin_setting(ZEPHYR_SDK_INSTALL_DIR sdk)
  if(NOT variant AND NOT sdk)
    tocsin_has_sdk(found)
    if(NOT found)
      set(variant gnuarmemb)
      set(ZEPHYR_TOOLCHAIN_VARIANT ${variant} CACHE STRING "Zephyr toolchain variant" FORCE)
    endif()
  endif()
  if(variant STREQUAL "gnuarmemb")
    tocsin_set_up_gnuarmemb()
  endif()
endfunction()

tocsin_choose_toolchain()
