/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Log band powers of one channel of a frame. Its steps are functions of their own for the
 * benchmarks. */

#include "internal.h"

/*
 * A run of samples with a run of the window's table, which goes forward or back. What is constant
 * at the call makes a loop of its own: most detectors hear one channel, and as it is.
 */
static inline __attribute__((always_inline)) void
load_run(float *out, const int16_t *digit, uint32_t stride, size_t n, const float *window,
	 int32_t step, float scale, struct tocsin_dsp_centre centre, bool centred)
{
#pragma GCC unroll 4
	for (size_t i = 0; i < n; i++) {
		const float x = centred ? tocsin_dsp_centred(*digit, centre) : (float)*digit;

		*out++ = x * scale * *window;
		digit += stride;
		window += step;
	}
}

static void load_part(float *out, const int16_t *digit, uint32_t stride, size_t n,
		      const float *window, int32_t step, float scale,
		      struct tocsin_dsp_centre centre)
{
	if (stride != 1 || centre.whole != 0 || centre.part != 0.0f) {
		load_run(out, digit, stride, n, window, step, scale, centre, true);
	} else if (step > 0) {
		load_run(out, digit, 1, n, window, 1, scale, centre, false);
	} else {
		load_run(out, digit, 1, n, window, -1, scale, centre, false);
	}
}

void tocsin_dsp_load(const struct tocsin_dsp *dsp, const struct tocsin_ring_view *view,
		     struct tocsin_dsp_centre centre, uint32_t c)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;
	const uint32_t turn = cfg->frame_length / 2 + 1; /* values in the window table */
	const uint32_t stride = cfg->channels;
	float *out = dsp->fft;
	uint32_t n = 0;

	for (int p = 0; p < 2; p++) {
		const int16_t *digit = tocsin_dsp_channel(view, p, c);
		uint32_t left = (uint32_t)view->count[p];

		while (left > 0) {
			const bool rising = n < turn; /* the table has not turned */
			const uint32_t run = rising && left > turn - n ? turn - n : left;
			const float *window = cfg->window + (rising ? n : cfg->frame_length - n);

			load_part(out, digit, stride, run, window, rising ? 1 : -1, cfg->scale,
				  centre);
			out += run;
			digit += (size_t)run * stride;
			n += run;
			left -= run;
		}
	}
	for (; n < cfg->n_fft; n++) {
		*out++ = 0.0f;
	}
}

void tocsin_dsp_bands(const struct tocsin_dsp_config *cfg, const float *power, float *out)
{
	const bool decibels = (cfg->flags & TOCSIN_DSP_POWER) == 0;
	const float *weight = cfg->weights;

	for (uint32_t b = 0; b < cfg->n_bands; b++) {
		const float *bin = power + cfg->bands[b].first;
		float sum = 0.0f;

#pragma GCC unroll 4
		for (uint32_t i = cfg->bands[b].count; i != 0; i--) {
			sum += *weight++ * *bin++;
		}
		out[b] = decibels ? tocsin_dsp_db_of(sum > cfg->log_floor ? sum : cfg->log_floor)
				  : sum;
	}
}

float *tocsin_dsp_spectrum(const struct tocsin_dsp *dsp, const struct tocsin_ring_view *view,
			   struct tocsin_dsp_centre centre, uint32_t c, float *out)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;

	tocsin_dsp_load(dsp, view, centre, c);
	tocsin_dsp_power(dsp->fft, cfg->n_fft, cfg->sine);
	tocsin_dsp_bands(cfg, dsp->fft, out);
	return out + cfg->n_bands;
}
