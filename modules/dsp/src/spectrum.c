/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The steps on both sides of the transform: samples to physical units and windowed, powers to
 * bands.
 */

#include "internal.h"

/*
 * A run of samples with a run of the window's table, which goes forward or back. What is constant
 * at the call makes a loop of its own: most detectors hear one channel. Where the mean stays, the
 * centre is 0, which takes nothing away. Eight at a time, for the loop's own steps cost as much as
 * half a sample; the rest one by one, which keeps the code small.
 */
static inline __attribute__((always_inline)) void
load_run(tocsin_dsp_real *out, const tocsin_dsp_digit *digit, uint32_t stride, size_t n,
	 const float *window, int32_t step, float scale, struct tocsin_dsp_centre centre)
{
	for (; n >= 8; n -= 8) {
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++) {
			*out++ = tocsin_dsp_centred(*digit, centre) * scale * *window;
			digit += stride;
			window += step;
		}
	}
	for (; n != 0; n--) {
		*out++ = tocsin_dsp_centred(*digit, centre) * scale * *window;
		digit += stride;
		window += step;
	}
}

static void load_part(tocsin_dsp_real *out, const tocsin_dsp_digit *digit, uint32_t stride,
		      size_t n, const float *window, int32_t step, float scale,
		      struct tocsin_dsp_centre centre)
{
	if (stride != 1) {
		load_run(out, digit, stride, n, window, step, scale, centre);
	} else if (step > 0) {
		load_run(out, digit, 1, n, window, 1, scale, centre);
	} else {
		load_run(out, digit, 1, n, window, -1, scale, centre);
	}
}

/*
 * `count` digits of a frame, from position n on, each `stride` after the one before, in physical
 * units and windowed.
 */
static inline __attribute__((always_inline)) void
load(const struct tocsin_dsp_config *cfg, uint32_t n, const tocsin_dsp_digit *digit,
     uint32_t stride, uint32_t count, struct tocsin_dsp_centre centre, tocsin_dsp_real *out)
{
	const uint32_t turn = cfg->frame_length / 2 + 1; /* values in the window table */

	while (count > 0) {
		const bool rising = n < turn; /* the table has not turned */
		const uint32_t run = rising && count > turn - n ? turn - n : count;
		const float *window = cfg->window + (rising ? n : cfg->frame_length - n);

		load_part(out, digit, stride, run, window, rising ? 1 : -1, cfg->scale, centre);
		out += run;
		digit += (size_t)run * stride;
		n += run;
		count -= run;
	}
}

#ifndef TOCSIN_DSP_LANES /* lanes.c has frames side by side to load */
void tocsin_dsp_load(const struct tocsin_dsp *dsp, const struct tocsin_ring_view *view,
		     struct tocsin_dsp_centre centre, uint32_t c)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;
	float *out = dsp->fft;
	uint32_t n = 0;

	for (int p = 0; p < 2; p++) {
		const uint32_t count = (uint32_t)view->count[p];

		load(cfg, n, tocsin_dsp_channel(view, p, c), cfg->channels, count, centre, out);
		out += count;
		n += count;
	}
	for (; n < cfg->n_fft; n++) {
		*out++ = 0.0f;
	}
}
#endif

/* What is constant at the call makes a loop of its own here too. */
static inline __attribute__((always_inline)) void bands_of(const struct tocsin_dsp_config *cfg,
							   const tocsin_dsp_real *power,
							   tocsin_dsp_real *out, bool decibels)
{
	const float *weight = cfg->weights;

	for (uint32_t b = 0; b < cfg->n_bands; b++) {
		const tocsin_dsp_real *bin = power + cfg->bands[b].first;
		tocsin_dsp_real sum = {0};

#pragma GCC unroll 4
		for (uint32_t i = cfg->bands[b].count; i != 0; i--) {
			sum += *weight++ * *bin++;
		}
		out[b] = decibels ? tocsin_dsp_db_of(tocsin_dsp_above(sum, cfg->log_floor)) : sum;
	}
}

TOCSIN_DSP_PART void tocsin_dsp_bands(const struct tocsin_dsp_config *cfg,
				      const tocsin_dsp_real *power, tocsin_dsp_real *out)
{
	if ((cfg->flags & TOCSIN_DSP_POWER) != 0) {
		bands_of(cfg, power, out, false);
	} else {
		bands_of(cfg, power, out, true);
	}
}
