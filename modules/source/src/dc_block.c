/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <tocsin/source_dc_block.h>

#define MEAN_BITS  44 /* behind the point of a mean: ERROR_BITS + those of k */
#define ERROR_BITS 14 /* of x - m: 17 bits before the point, so it fits an int32 */
#define K_BITS     30
#define K_MAX      (INT32_C(1) << (K_BITS - 1))

/* 2π · 2^30 */
#define TWO_PI UINT64_C(6746518852)

void tocsin_dc_block_init(struct tocsin_dc_block *block, uint32_t corner_mhz, uint32_t rate,
			  uint32_t channels)
{
	/* Also below 2^30, or the product would overflow. */
	const uint64_t sixteenth = (uint64_t)rate * 1000 / 16;
	const uint64_t highest = sixteenth < (1u << 30) ? sixteenth : 1u << 30;
	const uint64_t corner = corner_mhz < highest ? corner_mhz : highest;
	const uint64_t below = (uint64_t)rate * 1000;
	const uint64_t k = (corner * TWO_PI + below / 2) / below;

	*block = (struct tocsin_dc_block){
		.k = (int32_t)(k < K_MAX ? k : K_MAX),
		.channels = channels,
	};
}

static int16_t saturated(int32_t value)
{
	return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

void tocsin_dc_block_run(struct tocsin_dc_block *block, int16_t *samples, size_t frames)
{
	if (block->k == 0 || frames == 0) {
		return;
	}
	if (!block->begun) {
		for (uint32_t c = 0; c < block->channels; c++) {
			block->mean[c] = samples[c] * (INT64_C(1) << MEAN_BITS);
		}
		block->begun = true;
	}
	for (size_t i = 0; i < frames; i++) {
		for (uint32_t c = 0; c < block->channels; c++, samples++) {
			const int64_t half = INT64_C(1) << (MEAN_BITS - ERROR_BITS - 1);
			const int32_t mean =
				(int32_t)((block->mean[c] + half) >> (MEAN_BITS - ERROR_BITS));
			const int32_t error = *samples * (INT32_C(1) << ERROR_BITS) - mean;

			block->mean[c] += (int64_t)error * block->k;
			*samples =
				saturated((error + (INT32_C(1) << (ERROR_BITS - 1))) >> ERROR_BITS);
		}
	}
}
