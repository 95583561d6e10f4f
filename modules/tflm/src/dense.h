/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief A fully connected int8 layer: with the DSP extension's instructions where the core has
 * them (Cortex-M4, M7, M33, M55; CONFIG_TOCSIN_TFLM_DSP), else portable.
 *
 * out[r] = clamp(requantise(Σ (w[r][c] + weight_offset) · (in[c] + input_offset) + bias[r]) +
 * output_offset), in TensorFlow Lite's arithmetic (32-bit sums, rounding twice), so the bytes are
 * those of its reference kernel.
 */

#ifndef TOCSIN_TFLM_SRC_DENSE_H_
#define TOCSIN_TFLM_SRC_DENSE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A layer. Multiplier and shift are TFLite's: real scale = multiplier · 2^(shift - 31). */
struct tocsin_dense {
	uint32_t rows;              /**< outputs */
	uint32_t columns;           /**< inputs */
	const int8_t *weights;      /**< rows × columns, where the model has them; any alignment */
	const int32_t *bias;        /**< rows, or NULL */
	int32_t input_offset;       /**< minus the input's zero point */
	int32_t weight_offset;      /**< minus the weights' zero point; 0 but for old models */
	int32_t output_offset;      /**< the output's zero point */
	int32_t least;              /**< of the fused activation, at least -128 */
	int32_t most;               /**< of the fused activation, at most 127 */
	const int32_t *multipliers; /**< one, or one a row */
	const int32_t *shifts;      /**< one, or one a row */
	uint32_t per_row;           /**< 0: one for all, 1: one a row */
	uint32_t shifts_right;      /**< tocsin_dense_shifts_right() of all of them */
};

/** @brief 1 where each of @p n shifts goes to the right, as almost all do: worth a faster way. */
static inline uint32_t tocsin_dense_shifts_right(const int32_t *shifts, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (shifts[i] >= 0) {
			return 0;
		}
	}
	return 1;
}

/** @brief Bytes of work space for a layer with so many inputs; 4-byte aligned. */
static inline size_t tocsin_dense_needed_size(uint32_t columns)
{
	return sizeof(int16_t) * (((size_t)columns + 3) & ~(size_t)3);
}

/**
 * @brief Run the layer once.
 * @param input  columns values
 * @param output rows values
 * @param work   tocsin_dense_needed_size() bytes, 4-byte aligned
 */
void tocsin_dense_run(const struct tocsin_dense *layer, const int8_t *input, int8_t *output,
		      int16_t *work);

/** What dense_threes.S works on; it moves the pointers and counts the groups down. */
struct tocsin_dense_pass {
	const int8_t *weights; /**< of the first row, 4-byte aligned */
	uint32_t stride;       /**< columns, a multiple of 4 */
	const int16_t *x;      /**< the widened input */
	const int16_t *end32;  /**< its end, as far as whole 32s of columns go … */
	const int16_t *end8;   /**< … whole eights … */
	const int16_t *end;    /**< … and all */
	const int32_t *bias;   /**< of the first row; three at least */
	uint32_t bias_step;    /**< bytes from one group's to the next's */
	int32_t base;          /**< added to every sum */
	uint32_t groups;       /**< of three rows, at least 1 */
	int8_t *output;        /**< of the first row */
	intptr_t multiplier;   /**< or the address of one a row */
	intptr_t shift;        /**< or the address of one a row; negative */
	int32_t offset;        /**< of the output */
	int32_t least;
	int32_t most;
};

/** @brief Groups of three rows, with one multiplier for all. */
void tocsin_dense_threes(struct tocsin_dense_pass *pass);

/** @brief The same with a multiplier and a shift for each row. */
void tocsin_dense_threes_per_row(struct tocsin_dense_pass *pass);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_TFLM_SRC_DENSE_H_ */
