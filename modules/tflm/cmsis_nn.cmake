# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# CMSIS-NN, but only what TensorFlow Lite Micro's kernels call. Zephyr's own option for it (CONFIG_CMSIS_NN) compiles
# every function of a family and selects CMSIS-DSP, of which CMSIS-NN uses nothing.
set(nn ${ZEPHYR_CMSIS_NN_MODULE_DIR}/Source)
set(convolution ${nn}/ConvolutionFunctions)
set(dense ${nn}/FullyConnectedFunctions)
set(support ${nn}/NNSupportFunctions)
set(pool ${nn}/PoolingFunctions)
# What more than one operator needs.
set(shared
  ${convolution}/arm_convolve_1x1_s8_fast.c
  ${convolution}/arm_convolve_get_buffer_sizes_s8.c
  ${support}/arm_nn_mat_mult_nt_t_s8.c
  ${support}/arm_q7_to_q15_with_offset.c)
set(sources)

if(CONFIG_TOCSIN_TFLM_OP_FULLY_CONNECTED AND NOT CONFIG_TOCSIN_TFLM_DENSE)
  list(APPEND sources ${shared}
    ${dense}/arm_fully_connected_get_buffer_sizes_s16.c
    ${dense}/arm_fully_connected_get_buffer_sizes_s8.c
    ${dense}/arm_fully_connected_per_channel_s8.c
    ${dense}/arm_fully_connected_s16.c
    ${dense}/arm_fully_connected_s4.c
    ${dense}/arm_fully_connected_s8.c
    ${dense}/arm_fully_connected_wrapper_s8.c
    ${dense}/arm_vector_sum_s8.c
    ${support}/arm_nn_vec_mat_mult_t_per_ch_s8.c
    ${support}/arm_nn_vec_mat_mult_t_s16.c
    ${support}/arm_nn_vec_mat_mult_t_s4.c
    ${support}/arm_nn_vec_mat_mult_t_s8.c)
endif()
if(CONFIG_TOCSIN_TFLM_OP_CONV_2D AND NOT CONFIG_TOCSIN_TFLM_CONV)
  list(APPEND sources ${shared}
    ${convolution}/arm_convolve_1_x_n_s4.c
    ${convolution}/arm_convolve_1_x_n_s8.c
    ${convolution}/arm_convolve_1x1_s4.c
    ${convolution}/arm_convolve_1x1_s4_fast.c
    ${convolution}/arm_convolve_1x1_s8.c
    ${convolution}/arm_convolve_get_buffer_sizes_s16.c
    ${convolution}/arm_convolve_get_buffer_sizes_s4.c
    ${convolution}/arm_convolve_s16.c
    ${convolution}/arm_convolve_s4.c
    ${convolution}/arm_convolve_s8.c
    ${convolution}/arm_convolve_wrapper_s16.c
    ${convolution}/arm_convolve_wrapper_s4.c
    ${convolution}/arm_convolve_wrapper_s8.c
    ${convolution}/arm_nn_mat_mult_kernel_row_offset_s8_s16.c
    ${convolution}/arm_nn_mat_mult_kernel_s16.c
    ${convolution}/arm_nn_mat_mult_kernel_s4_s16.c
    ${convolution}/arm_nn_mat_mult_kernel_s8_s16.c
    ${support}/arm_nn_mat_mult_nt_t_s4.c
    ${support}/arm_s8_to_s16_unordered_with_offset.c)
endif()
if(CONFIG_TOCSIN_TFLM_OP_DEPTHWISE_CONV_2D AND NOT CONFIG_TOCSIN_TFLM_CONV)
  list(APPEND sources ${shared}
    ${convolution}/arm_depthwise_conv_3x3_s8.c
    ${convolution}/arm_depthwise_conv_fast_s16.c
    ${convolution}/arm_depthwise_conv_get_buffer_sizes_s16.c
    ${convolution}/arm_depthwise_conv_get_buffer_sizes_s4.c
    ${convolution}/arm_depthwise_conv_get_buffer_sizes_s8.c
    ${convolution}/arm_depthwise_conv_s16.c
    ${convolution}/arm_depthwise_conv_s4.c
    ${convolution}/arm_depthwise_conv_s4_opt.c
    ${convolution}/arm_depthwise_conv_s8.c
    ${convolution}/arm_depthwise_conv_s8_opt.c
    ${convolution}/arm_depthwise_conv_wrapper_s16.c
    ${convolution}/arm_depthwise_conv_wrapper_s4.c
    ${convolution}/arm_depthwise_conv_wrapper_s8.c)
endif()
if(CONFIG_TOCSIN_TFLM_OP_POOL_2D)
  list(APPEND sources
    ${pool}/arm_avgpool_get_buffer_sizes_s16.c
    ${pool}/arm_avgpool_get_buffer_sizes_s8.c
    ${pool}/arm_avgpool_s16.c
    ${pool}/arm_avgpool_s8.c
    ${pool}/arm_max_pool_s16.c
    ${pool}/arm_max_pool_s8.c)
endif()
if(CONFIG_TOCSIN_TFLM_OP_ADD)
  list(APPEND sources
    ${nn}/BasicMathFunctions/arm_elementwise_add_s16.c
    ${nn}/BasicMathFunctions/arm_elementwise_add_s8.c)
endif()
if(NOT sources)
  return()
endif()
list(REMOVE_DUPLICATES sources)

zephyr_library_named(tocsin_cmsis_nn)
zephyr_library_sources(${sources})
zephyr_library_include_directories(${ZEPHYR_CMSIS_NN_MODULE_DIR}/Include)
# Not our code: its warnings are its authors'.
zephyr_library_compile_options(-w -O2)
