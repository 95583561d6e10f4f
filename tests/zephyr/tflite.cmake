# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# What a test needs that calls TensorFlow Lite Micro beside our interface to it: its headers, ours that are not public, and random.h.
target_include_directories(app PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}
  ${tocsin_root}/modules/tflm/src
  ${ZEPHYR_TFLITE_MICRO_MODULE_DIR}
  ${ZEPHYR_TFLITE_MICRO_MODULE_DIR}/third_party_static/flatbuffers/include
  ${ZEPHYR_TFLITE_MICRO_MODULE_DIR}/third_party_static/gemmlowp
  ${ZEPHYR_TFLITE_MICRO_MODULE_DIR}/third_party_static/ruy)
target_compile_definitions(app PRIVATE TF_LITE_STATIC_MEMORY NDEBUG)
target_compile_options(app PRIVATE -Wno-double-promotion -Wno-unused-parameter -Wno-sign-compare)
