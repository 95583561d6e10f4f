/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What a layer that runs once for each frame made of a window's frames, for the next window.
 *
 * A row is a frame's values, as the layer is given them. Windows slide by some rows, so the others
 * are given again, one place further up. Whether a row is one of these is told by its bytes alone:
 * what is found is what the layer would give, whatever came between the two windows.
 */

#ifndef TOCSIN_TFLM_SRC_KEPT_H_
#define TOCSIN_TFLM_SRC_KEPT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The rows of one layer's last window. All zeros: nothing is kept. */
struct tocsin_kept {
	uint32_t rows;   /**< of a window; 0: nothing is kept */
	uint32_t slide;  /**< rows from one window to the next, below rows */
	uint32_t n_in;   /**< values of a row */
	uint32_t n_out;  /**< values that the layer makes of it */
	uint32_t first;  /**< place of the window's first row */
	uint32_t filled; /**< places that have a row: all or none count */
	int8_t *inputs;  /**< rows × n_in */
	int8_t *outputs; /**< rows × n_out */
};

/** @brief Bytes that keeping so many rows takes. */
static inline size_t tocsin_kept_needed_size(uint32_t rows, uint32_t n_in, uint32_t n_out)
{
	return (size_t)rows * (n_in + n_out);
}

/**
 * @brief Begin with nothing kept.
 * @param rows  of a window
 * @param slide rows from one window to the next, 1 to @p rows - 1
 * @param mem   tocsin_kept_needed_size() bytes, which stay the caller's and must outlive the use
 */
void tocsin_kept_init(struct tocsin_kept *kept, uint32_t rows, uint32_t slide, uint32_t n_in,
		      uint32_t n_out, int8_t *mem);

/** @brief Begin a window: its row r was the last one's row r + slide, if it slid. */
void tocsin_kept_begin(struct tocsin_kept *kept);

/**
 * @brief Look for a row of the window; to be called for each, in order.
 * @param row    below rows
 * @param input  n_in values
 * @param output n_out values, filled where the row is found
 * @return whether it is kept; if not, tocsin_kept_put() must follow
 */
bool tocsin_kept_find(const struct tocsin_kept *kept, uint32_t row, const int8_t *input,
		      int8_t *output);

/** @brief Keep a row and what the layer made of it. */
void tocsin_kept_put(struct tocsin_kept *kept, uint32_t row, const int8_t *input,
		     const int8_t *output);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_TFLM_SRC_KEPT_H_ */
