# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# For a desk: lanes.c once for each number of lanes that the compiler can do. frames.c asks the processor at run time.
include(CheckCSourceCompiles)

# tocsin_dsp_add_lanes(LANES flag...)
#
# The check links, too: on Windows the library that answers __builtin_cpu_supports() may be missing.
function(tocsin_dsp_add_lanes lanes)
  list(JOIN ARGN " " CMAKE_REQUIRED_FLAGS)
  set(CMAKE_REQUIRED_QUIET ON)
  check_c_source_compiles("
    typedef float real __attribute__((vector_size(4 * ${lanes})));
    typedef int whole __attribute__((vector_size(4 * ${lanes})));
    typedef short row __attribute__((vector_size(16)));
    int main(int argc, char **argv)
    {
      real x = __builtin_convertvector((whole){argc}, real) * 2.0f;
      row y = __builtin_shufflevector((row){1}, (row){2}, 0, 8, 1, 9, 2, 10, 3, 11);
#if ${lanes} == 8
      if (!__builtin_cpu_supports(\"avx2\"))
        return 1;
#endif
      return (int)x[0] + y[1] + (argv == 0);
    }" TOCSIN_DSP_LANES${lanes}_COMPILE)
  if(NOT TOCSIN_DSP_LANES${lanes}_COMPILE)
    return()
  endif()

  set(target tocsin_dsp_lanes${lanes})
  add_library(${target} OBJECT src/lanes.c)
  target_include_directories(${target} PRIVATE $<TARGET_PROPERTY:tocsin_dsp,INCLUDE_DIRECTORIES>)
  target_compile_features(${target} PRIVATE c_std_11)
  target_compile_definitions(${target} PRIVATE TOCSIN_DSP_LANES=${lanes})
  target_compile_options(${target} PRIVATE $<TARGET_PROPERTY:tocsin_dsp,COMPILE_OPTIONS> ${ARGN})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON C_EXTENSIONS OFF)
  target_sources(tocsin_dsp PRIVATE $<TARGET_OBJECTS:${target}>)
  target_compile_definitions(tocsin_dsp PRIVATE TOCSIN_DSP_HAVE_LANES${lanes})
endfunction()

target_sources(tocsin_dsp PRIVATE src/frames.c)
tocsin_dsp_add_lanes(4)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  tocsin_dsp_add_lanes(8 -mavx2)
endif()
