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

#include "internal.h"

/* Fourth powers are summed in blocks of this many, so that rounding errors do not pile up. */
#define KURTOSIS_BLOCK 32

/* A frame's mean in digits, as an integer and the rest, so that d - mean is rounded once. */
struct centre {
	int32_t whole;
	float part;
};

struct moments {
	int32_t n;
	int32_t min;
	int32_t max;
	int32_t sum;
	int64_t square; /* sum of squares */
};

static inline float centred(int16_t digit, struct centre centre)
{
	return (float)(digit - centre.whole) - centre.part;
}

/* The first sample of channel c in a piece of the view; an empty piece may be NULL. */
static inline const int16_t *channel_of(const struct tocsin_ring_view *view, int p, uint32_t c)
{
	return view->count[p] != 0 ? view->part[p] + c : NULL;
}

static struct moments moments_of(const struct tocsin_ring_view *view, uint32_t channels, uint32_t c)
{
	struct moments m = {.n = 0, .min = INT16_MAX, .max = INT16_MIN};

	for (int p = 0; p < 2; p++) {
		const int16_t *digit = channel_of(view, p, c);

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

static struct centre centre_of(const struct moments *m)
{
	const int32_t whole = m->sum / m->n;

	return (struct centre){whole, (float)(m->sum - whole * m->n) / (float)m->n};
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

static float peak_of(const struct moments *m, struct centre centre)
{
	const float above = (float)(m->max - centre.whole) - centre.part;
	const float below = (float)(centre.whole - m->min) + centre.part;

	return above > below ? above : below;
}

static float kurtosis_of(const struct moments *m, const struct tocsin_ring_view *view,
			 uint32_t channels, uint32_t c)
{
	const struct centre centre = centre_of(m);
	const float n = (float)m->n;
	const float variance = (float)variance_n2(m) / (n * n);
	float total = 0.0f;
	float block = 0.0f;
	uint32_t in_block = 0;

	if (variance == 0.0f) {
		return 0.0f;
	}
	for (int p = 0; p < 2; p++) {
		const int16_t *digit = channel_of(view, p, c);

		for (size_t i = 0; i < view->count[p]; i++) {
			const float x = centred(digit[i * channels], centre);
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
		       const struct moments *m, struct centre centre, uint32_t c, float *out)
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

/* The channel in physical units, windowed and zero-padded, to the FFT's work space. */
static void load(const struct tocsin_dsp *dsp, const struct tocsin_ring_view *view,
		 struct centre centre, uint32_t c)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;
	const uint32_t turn = cfg->frame_length / 2 + 1; /* values in the window table */
	const uint32_t stride = cfg->channels;
	const float scale = cfg->scale;
	float *out = dsp->fft;
	uint32_t n = 0;

	for (int p = 0; p < 2; p++) {
		const int16_t *digit = channel_of(view, p, c);
		const size_t rising = turn > n ? turn - n : 0; /* samples before the table turns */
		size_t i = 0;

		for (; i < view->count[p] && i < rising; i++, n++) {
			*out++ = centred(digit[i * stride], centre) * scale * cfg->window[n];
		}
		for (; i < view->count[p]; i++, n++) {
			*out++ = centred(digit[i * stride], centre) * scale *
				 cfg->window[cfg->frame_length - n];
		}
	}
	for (; n < cfg->n_fft; n++) {
		*out++ = 0.0f;
	}
}

/* |X|² for bins 0 … n/2 - 1 in place of X, and that of bin n/2 as the answer. */
static float power(float *x, uint32_t n)
{
	const float nyquist = x[1] * x[1];

	x[0] = x[0] * x[0];
	for (uint32_t k = 1; k < n / 2; k++) {
		x[k] = x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1];
	}
	return nyquist;
}

static float *bands_of(const struct tocsin_dsp *dsp, float *out)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;
	const float *weight = cfg->weights;

	tocsin_dsp_rfft(dsp->fft, cfg->n_fft, cfg->sine);
	/* Written after power(), which reads that place to the end. */
	const float nyquist = power(dsp->fft, cfg->n_fft);

	dsp->fft[cfg->n_fft / 2] = nyquist;

	for (uint32_t b = 0; b < cfg->n_bands; b++) {
		const float *bin = dsp->fft + cfg->bands[b].first;
		float sum = 0.0f;

		for (uint32_t i = cfg->bands[b].count; i != 0; i--) {
			sum += *weight++ * *bin++;
		}
		*out++ = tocsin_dsp_db(sum > cfg->log_floor ? sum : cfg->log_floor);
	}
	return out;
}

void tocsin_dsp_frame(struct tocsin_dsp *dsp, const struct tocsin_ring_view *view, float *features)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;
	const bool remove_mean = (cfg->flags & TOCSIN_DSP_REMOVE_MEAN) != 0;

	for (uint32_t c = 0; c < cfg->channels; c++) {
		struct centre centre = {0, 0.0f};

		if (cfg->stats != 0 || remove_mean) {
			const struct moments m = moments_of(view, cfg->channels, c);

			if (remove_mean) {
				centre = centre_of(&m);
			}
			if (cfg->stats != 0) {
				features = stats_of(cfg, view, &m, centre, c, features);
			}
		}
		if (cfg->n_bands != 0) {
			load(dsp, view, centre, c);
			features = bands_of(dsp, features);
		}
	}
}
