# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# tocsin_portable_library(NAME [HOT] SOURCES file... [DEPENDS module...])
#
# Defines the library tocsin_NAME from the portable C of modules/NAME, the same way in a Zephyr build and in a host
# build (the Python extension, the C tests, the fuzzers).
#
# The flags are promise 2 of the architecture: no fused multiply-add behind our back, no errno from sqrtf() (so that it
# is one instruction), nothing reassociated. They are set here, for every build, and nowhere else.
#
# HOT: runs for every sample or frame, which is worth -O2 even in an image that is built for size.
function(tocsin_portable_library name)
  cmake_parse_arguments(arg "HOT" "" "SOURCES;DEPENDS" ${ARGN})
  set(target tocsin_${name})

  if(COMMAND zephyr_library_named)
    zephyr_library_named(${target})
    zephyr_library_sources(${arg_SOURCES})
    zephyr_include_directories(include)
    zephyr_library_compile_options(-ffp-contract=off -fno-math-errno -fno-fast-math)
    if(arg_HOT AND CONFIG_SIZE_OPTIMIZATIONS)
      zephyr_library_compile_options(-O2)
    endif()
  else()
    add_library(${target} STATIC ${arg_SOURCES})
    target_include_directories(${target} PUBLIC include)
    target_compile_features(${target} PUBLIC c_std_11)
    if(CMAKE_C_COMPILER_FRONTEND_VARIANT STREQUAL "MSVC")
      # clang-cl ignores these flags with no more than a warning where they are not marked as clang's own.
      target_compile_options(${target} PRIVATE /clang:-ffp-contract=off /clang:-fno-math-errno /clang:-fno-fast-math)
    else()
      target_compile_options(${target} PRIVATE -ffp-contract=off -fno-math-errno -fno-fast-math
                             -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
    endif()
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON C_EXTENSIONS OFF)
    foreach(module IN LISTS arg_DEPENDS)
      target_link_libraries(${target} PUBLIC tocsin_${module})
    endforeach()
    if(UNIX)
      target_link_libraries(${target} PRIVATE m)
    endif()
  endif()
endfunction()
