/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Convolutions of int8: over all channels, and depthwise.
 *
 * out[y][x][o] = clamp(requantise(Σ w · (in + input_offset) + bias[o]) + output_offset), summed
 * over the kernel's places inside the input, in TensorFlow Lite's arithmetic (32-bit sums that
 * wrap, rounding twice), so the bytes are those of its reference kernels. Any stride, dilation and
 * padding; weights and values may begin anywhere. Portable; on cores with the DSP extension
 * (CONFIG_TOCSIN_TFLM_DSP) with its instructions.
 */

#ifndef TOCSIN_TFLM_SRC_CONV_H_
#define TOCSIN_TFLM_SRC_CONV_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A layer, for one image. Multiplier and shift are TFLite's: real scale = multiplier · 2^(shift -
 * 31). */
struct tocsin_conv {
	uint32_t in_height;
	uint32_t in_width;
	uint32_t in_channels;
	uint32_t kernel_height;
	uint32_t kernel_width;
	uint32_t stride_height;
	uint32_t stride_width;
	uint32_t dilation_height;
	uint32_t dilation_width;
	uint32_t pad_top;  /**< rows of padding above the input */
	uint32_t pad_left; /**< columns of padding left of it */
	uint32_t out_height;
	uint32_t out_width;
	uint32_t out_channels; /**< depthwise: a multiple of in_channels */
	const int8_t *weights; /**< out × height × width × in; depthwise: height × width × out */
	const int32_t *bias;   /**< out_channels, or NULL */
	int32_t input_offset;  /**< minus the input's zero point */
	int32_t output_offset; /**< the output's zero point */
	int32_t least;         /**< of the fused activation, at least -128 */
	int32_t most;          /**< of the fused activation, at most 127 */
	const int32_t *multipliers; /**< one an output channel */
	const int32_t *shifts;      /**< one an output channel */
	uint32_t plain;             /**< tocsin_conv_plain() */
};

/**
 * @brief 1 where a layer's numbers are as almost all are, which is worth a faster way.
 * @param shifts   one an output channel
 * @param bias     one an output channel, or NULL
 * @param channels output channels
 * @param terms    products in an output's sum
 */
uint32_t tocsin_conv_plain(const int32_t *shifts, const int32_t *bias, uint32_t channels,
			   uint32_t terms);

/** @brief Bytes of work space for tocsin_conv_run(), by the products in an output's sum. */
static inline size_t tocsin_conv_needed_size(uint32_t terms)
{
	const size_t padded = ((size_t)terms + 3) & ~(size_t)3;

	return 10 * padded + 4;
}

/** @brief Bytes of work space for tocsin_depthwise_run(), by the kernel's places. */
static inline size_t tocsin_depthwise_needed_size(uint32_t places)
{
	return 2 * sizeof(uint32_t) * places;
}

/**
 * @brief Convolve one image over all channels.
 * @param input  in_height × in_width × in_channels values
 * @param output out_height × out_width × out_channels values; not the input's memory
 * @param work   tocsin_conv_needed_size() bytes, 4-byte aligned
 */
void tocsin_conv_run(const struct tocsin_conv *layer, const int8_t *input, int8_t *output,
		     void *work);

/**
 * @brief Convolve one image, each channel by itself.
 * @param input  in_height × in_width × in_channels values
 * @param output out_height × out_width × out_channels values; not the input's memory
 * @param work   tocsin_depthwise_needed_size() bytes, 4-byte aligned
 */
void tocsin_depthwise_run(const struct tocsin_conv *layer, const int8_t *input, int8_t *output,
			  void *work);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_TFLM_SRC_CONV_H_ */
