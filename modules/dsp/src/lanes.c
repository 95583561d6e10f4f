/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The spectrum of several frames at once, one in each lane of a vector. Compiled for a desk only,
 * once for each number of lanes (TOCSIN_DSP_LANES, see CMakeLists.txt); the arithmetic is the
 * devices' own source. What is here moves numbers into lanes and out of them.
 */

#include "internal.h"
#include "lanes.h"

#include "fft.c"
#include "power.c"
#include "spectrum.c"

#define LANES TOCSIN_DSP_LANES
#define ROW   8  /* digits that are transposed at once */
#define TILE  64 /* digits between transposing and loading */

typedef int16_t row __attribute__((vector_size(ROW * sizeof(int16_t)), may_alias));

_Static_assert(LANES <= TOCSIN_DSP_LANES_MAX && TILE % ROW == 0, "sizes must fit each other");

/*
 * LANES rows of ROW digits, from the n-th on, to ROW groups of LANES. With i the row and j the
 * place in it, a digit stands at i·ROW + j; interleaving the first half of the rows with the second
 * takes the highest bit of that place and makes it the lowest. As often as i has bits, it stands at
 * j·LANES + i.
 */
static inline void transpose(const int16_t *const *from, uint32_t n, tocsin_dsp_digit *to)
{
	row a[LANES];
	row b[LANES];

#pragma GCC unroll 8
	for (uint32_t i = 0; i < LANES; i++) {
		memcpy(&a[i], from[i] + n, sizeof(row));
	}
#pragma GCC unroll 3
	for (uint32_t bit = 1; bit < LANES; bit *= 2) {
#pragma GCC unroll 8
		for (uint32_t i = 0; i < LANES / 2; i++) {
			const row x = a[i];
			const row y = a[i + LANES / 2];

			b[2 * i] = __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
			b[2 * i + 1] = __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
		}
#pragma GCC unroll 8
		for (uint32_t i = 0; i < LANES; i++) {
			a[i] = b[i];
		}
	}
	memcpy(to, a, sizeof(a));
}

/* `count` digits of each frame; what lies between a channel's samples is left out. */
static void gather(const int16_t *const *from, uint32_t stride, uint32_t count,
		   tocsin_dsp_digit *to)
{
	uint32_t n = 0;

	if (stride == 1) {
		for (; n + ROW <= count; n += ROW) {
			transpose(from, n, to + n);
		}
	}
	for (; n < count; n++) {
		int16_t *lane = (int16_t *)(void *)&to[n];

		for (uint32_t i = 0; i < LANES; i++) {
			lane[i] = from[i][(size_t)n * stride];
		}
	}
}

/* The channel of all frames, in physical units, windowed and zero-padded. */
static void load_all(const struct tocsin_dsp_config *cfg, const struct tocsin_dsp_batch *batch,
		     tocsin_dsp_real *out)
{
	struct tocsin_dsp_centre centre = {{0}, {0}};
	tocsin_dsp_digit tile[TILE];
	const int16_t *from[LANES];

	for (uint32_t i = 0; i < LANES; i++) {
		/* Lanes without a frame of their own compute the last one again. */
		const uint32_t frame = i < batch->n ? i : batch->n - 1;

		from[i] = batch->samples + (size_t)frame * cfg->hop * cfg->channels;
		centre.whole[i] = batch->whole[frame];
		centre.part[i] = batch->part[frame];
	}
	for (uint32_t n = 0; n < cfg->frame_length; n += TILE) {
		const uint32_t left = cfg->frame_length - n;
		const uint32_t count = left < TILE ? left : TILE;

		gather(from, cfg->channels, count, tile);
		load(cfg, n, tile, 1, count, centre, out + n);
		for (uint32_t i = 0; i < LANES; i++) {
			from[i] += (size_t)count * cfg->channels;
		}
	}
	for (uint32_t n = cfg->frame_length; n < cfg->n_fft; n++) {
		out[n] = (tocsin_dsp_real){0};
	}
}

#define NAME_OF(lanes) tocsin_dsp_lanes##lanes
#define NAME(lanes)    NAME_OF(lanes)

void NAME(TOCSIN_DSP_LANES)(const struct tocsin_dsp_config *cfg,
			    const struct tocsin_dsp_batch *batch, void *work)
{
	tocsin_dsp_real *const power = work;
	tocsin_dsp_real *const bands = power + cfg->n_fft;

	load_all(cfg, batch, power);
	tocsin_dsp_power(power, cfg->n_fft, cfg->sine);
	tocsin_dsp_bands(cfg, power, bands);
	for (uint32_t i = 0; i < batch->n; i++) {
		const float *value = (const float *)work + cfg->n_fft * LANES + i;
		float *out = batch->out + i * batch->stride;

		for (uint32_t b = 0; b < cfg->n_bands; b++) {
			out[b] = value[b * LANES];
		}
	}
}
