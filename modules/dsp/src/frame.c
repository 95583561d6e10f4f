/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Features of one frame.
 *
 * What can be exact is exact: sums and sums of squares are taken over the int16 digits in integers
 * (4096 samples of 16 bits fit easily), and the statistics are worked out in digits and scaled at
 * the end. So a large constant part, as of gravity in an accelerometer, costs no precision, and
 * nothing depends on where the ring splits the view.
 */

#include <math.h>
#include <string.h>

#include "internal.h"

/* Fourth powers are summed in blocks of this many, so that rounding errors do not pile up. */
#define KURTOSIS_BLOCK 32

struct moments {
	int32_t n;
	int32_t min;
	int32_t max;
	int32_t sum;
	int64_t square; /* sum of squares */
};

static struct moments moments_of(const struct tocsin_ring_view *view, uint32_t channels, uint32_t c)
{
	struct moments m = {.n = 0, .min = INT16_MAX, .max = INT16_MIN};

	for (int p = 0; p < 2; p++) {
		const int16_t *digit = tocsin_dsp_channel(view, p, c);

		for (size_t i = 0; i < view->count[p]; i++) {
			const int32_t d = digit[i * channels];

			m.min = d < m.min ? d : m.min;
			m.max = d > m.max ? d : m.max;
			m.sum += d;
			m.square += d * d;
		}
		m.n += (int32_t)view->count[p];
	}
	return m;
}

/* The sum of n digits that follow each other, two at a time; in which order they lie is all one. */
static int32_t sum_of_run(const int16_t *digit, size_t n)
{
	int32_t low = (n & 1) != 0 ? digit[n - 1] : 0;
	int32_t high = 0;

#pragma GCC unroll 8
	for (size_t i = n / 2; i != 0; i--) {
		int32_t pair;

		memcpy(&pair, digit, sizeof(pair));
		low += (int16_t)pair;
		high += pair >> 16;
		digit += 2;
	}
	return low + high;
}

/* As moments_of(), of a frame whose bands alone are wanted. */
static int32_t sum_of(const struct tocsin_ring_view *view, uint32_t channels, uint32_t c)
{
	int32_t sum = 0;

	for (int p = 0; p < 2; p++) {
		const int16_t *digit = tocsin_dsp_channel(view, p, c);

		if (channels == 1) {
			sum += sum_of_run(digit, view->count[p]);
			continue;
		}
		for (size_t i = 0; i < view->count[p]; i++) {
			sum += digit[i * channels];
		}
	}
	return sum;
}

/* Rounded down: so a constant more in every digit leaves the rest, and its rounding, the same. */
static struct tocsin_dsp_centre centre_of(int32_t sum, int32_t n)
{
	const int32_t whole = sum / n - (sum % n < 0 ? 1 : 0);

	return (struct tocsin_dsp_centre){whole, (float)(sum - whole * n) / (float)n};
}

/* n² times the population variance, exactly: at most 2^12 · 2^42. */
static int64_t variance_n2(const struct moments *m)
{
	return m->n * m->square - (int64_t)m->sum * m->sum;
}

static float rms_of(const struct moments *m, bool centre)
{
	const float n = (float)m->n;

	if (centre) {
		return sqrtf((float)variance_n2(m)) / n;
	}
	return sqrtf((float)m->square / n);
}

static float peak_of(const struct moments *m, struct tocsin_dsp_centre centre)
{
	const float above = (float)(m->max - centre.whole) - centre.part;
	const float below = (float)(centre.whole - m->min) + centre.part;

	return above > below ? above : below;
}

static float kurtosis_of(const struct moments *m, const struct tocsin_ring_view *view,
			 uint32_t channels, uint32_t c)
{
	const struct tocsin_dsp_centre centre = centre_of(m->sum, m->n);
	const float n = (float)m->n;
	const float variance = (float)variance_n2(m) / (n * n);
	float total = 0.0f;
	float block = 0.0f;
	uint32_t in_block = 0;

	if (variance == 0.0f) {
		return 0.0f;
	}
	for (int p = 0; p < 2; p++) {
		const int16_t *digit = tocsin_dsp_channel(view, p, c);

		for (size_t i = 0; i < view->count[p]; i++) {
			const float x = tocsin_dsp_centred(digit[i * channels], centre);
			const float square = x * x;

			block += square * square;
			if (++in_block == KURTOSIS_BLOCK) {
				total += block;
				block = 0.0f;
				in_block = 0;
			}
		}
	}
	return (total + block) / n / (variance * variance);
}

static float *stats_of(const struct tocsin_dsp_config *cfg, const struct tocsin_ring_view *view,
		       const struct moments *m, struct tocsin_dsp_centre centre, uint32_t c,
		       float *out)
{
	const float rms = rms_of(m, (cfg->flags & TOCSIN_DSP_REMOVE_MEAN) != 0);
	const float peak = peak_of(m, centre);

	if ((cfg->stats & TOCSIN_DSP_RMS) != 0) {
		*out++ = rms * cfg->scale;
	}
	if ((cfg->stats & TOCSIN_DSP_PEAK) != 0) {
		*out++ = peak * cfg->scale;
	}
	if ((cfg->stats & TOCSIN_DSP_CREST) != 0) {
		*out++ = rms == 0.0f ? 0.0f : peak / rms;
	}
	if ((cfg->stats & TOCSIN_DSP_KURTOSIS) != 0) {
		*out++ = kurtosis_of(m, view, cfg->channels, c);
	}
	return out;
}

/* Log band powers of one channel; gives where the next feature goes. */
static float *spectrum_of(const struct tocsin_dsp *dsp, const struct tocsin_ring_view *view,
			  struct tocsin_dsp_centre centre, uint32_t c, float *out)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;

	tocsin_dsp_load(dsp, view, centre, c);
	tocsin_dsp_power(dsp->fft, cfg->n_fft, cfg->sine);
	tocsin_dsp_bands(cfg, dsp->fft, out);
	return out + cfg->n_bands;
}

float *tocsin_dsp_statistics(const struct tocsin_dsp_config *cfg,
			     const struct tocsin_ring_view *view, uint32_t c,
			     struct tocsin_dsp_centre *centre, float *out)
{
	const bool remove_mean = (cfg->flags & TOCSIN_DSP_REMOVE_MEAN) != 0;

	*centre = (struct tocsin_dsp_centre){0, 0.0f};
	if (cfg->stats == 0) {
		if (remove_mean) {
			*centre = centre_of(sum_of(view, cfg->channels, c),
					    (int32_t)cfg->frame_length);
		}
		return out;
	}

	const struct moments m = moments_of(view, cfg->channels, c);

	if (remove_mean) {
		*centre = centre_of(m.sum, m.n);
	}
	return stats_of(cfg, view, &m, *centre, c, out);
}

void tocsin_dsp_frame(struct tocsin_dsp *dsp, const struct tocsin_ring_view *view, float *features)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;

	for (uint32_t c = 0; c < cfg->channels; c++) {
		struct tocsin_dsp_centre centre;

		features = tocsin_dsp_statistics(cfg, view, c, &centre, features);
		if (cfg->n_bands != 0) {
			features = spectrum_of(dsp, view, centre, c, features);
		}
	}
}
