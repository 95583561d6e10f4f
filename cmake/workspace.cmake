# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# Finds the Zephyr workspace (tools/workspace.py says where one is looked for) and a Python that Zephyr's build scripts
# can run with, so that a plain `cmake` needs no environment. Which modules the workspace has, Zephyr asks west itself.

find_program(tocsin_any_python NAMES python3 python REQUIRED NO_CACHE)

if(NOT DEFINED ZEPHYR_BASE)
  execute_process(COMMAND ${tocsin_any_python} ${CMAKE_CURRENT_LIST_DIR}/../tools/workspace.py --quiet
                  OUTPUT_VARIABLE tocsin_base OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT tocsin_base)
    message(FATAL_ERROR "No Zephyr workspace was found. Set ZEPHYR_BASE, or make one with this repository's manifest:\n"
                        "  west init -l . && west update && west zephyr-export")
  endif()
  set(ENV{ZEPHYR_BASE} ${tocsin_base})
else()
  set(tocsin_base ${ZEPHYR_BASE})
endif()

# Zephyr's documentation puts the virtual environment into the workspace, as .venv; the one that runs `cmake` or
# `west` may be another, without the packages that Zephyr's scripts import.
function(tocsin_find_python topdir)
  find_program(tocsin_venv_python NAMES python PATHS $ENV{VIRTUAL_ENV}/bin NO_DEFAULT_PATH NO_CACHE)
  foreach(candidate IN ITEMS "${WEST_PYTHON}" "${tocsin_venv_python}" ${tocsin_any_python} ${topdir}/.venv/bin/python
                             ${topdir}/.venv/Scripts/python.exe)
    if(candidate AND EXISTS "${candidate}")
      execute_process(COMMAND ${candidate} -c "import elftools, west, yaml" RESULT_VARIABLE failed
                      OUTPUT_QUIET ERROR_QUIET)
      if(NOT failed)
        set(Python3_EXECUTABLE ${candidate} CACHE FILEPATH "Python that runs Zephyr's build scripts")
        return()
      endif()
    endif()
  endforeach()
  message(WARNING "No Python with Zephyr's packages was found. Activate the workspace's virtual environment, or "
                  "install ${topdir}/zephyr/scripts/requirements.txt.")
endfunction()

if(NOT DEFINED Python3_EXECUTABLE)
  cmake_path(GET tocsin_base PARENT_PATH tocsin_topdir)
  tocsin_find_python(${tocsin_topdir})
endif()
