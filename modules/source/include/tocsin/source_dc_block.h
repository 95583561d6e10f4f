/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Takes a slowly changing offset out of int16 samples: a one-pole high-pass. No Zephyr.
 *
 * y[n] = x[n] - m[n-1], m[n] = m[n-1] + k·y[n], which is H(z) = (1 - z⁻¹)/(1 - (1 - k)·z⁻¹) with
 * k = 2π·corner/rate. The mean m begins at the first sample, so an offset that is there from the
 * start gives no step. Integer arithmetic alone: the same samples give the same bits everywhere,
 * within one digit of the exact filter. No dead zone: m keeps 44 bits behind the point.
 */

#ifndef TOCSIN_SOURCE_DC_BLOCK_H_
#define TOCSIN_SOURCE_DC_BLOCK_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_DC_BLOCK_CHANNELS_MAX 3

/** State of the filter; treat as opaque. */
struct tocsin_dc_block {
	int64_t mean[TOCSIN_DC_BLOCK_CHANNELS_MAX]; /* digits in 2^-44 */
	int32_t k;                                  /* in 2^-30; 0: samples pass unchanged */
	uint32_t channels;
	bool begun; /* the means are known */
};

/**
 * @brief Prepare the filter; the next sample begins a stream.
 *
 * @param corner_mhz corner (-3 dB) in thousandths of a hertz, 0 to pass samples unchanged; brought
 *                   down to rate/16 where it is higher
 * @param rate       samples a second of each channel, at least 1
 * @param channels   1 to TOCSIN_DC_BLOCK_CHANNELS_MAX
 */
void tocsin_dc_block_init(struct tocsin_dc_block *block, uint32_t corner_mhz, uint32_t rate,
			  uint32_t channels);

/** @brief Filter @p frames interleaved frames in place; what leaves int16 saturates. */
void tocsin_dc_block_run(struct tocsin_dc_block *block, int16_t *samples, size_t frames);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SOURCE_DC_BLOCK_H_ */
