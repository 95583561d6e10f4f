/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Configurations of the dsp with their tables, and what a frame should give, in float64 by the
 * formulae of <tocsin/dsp.h> and a DFT by definition.
 */

#ifndef TOCSIN_TEST_DSP_FIXTURE_H_
#define TOCSIN_TEST_DSP_FIXTURE_H_

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/dsp.h>

#include "rng.h"

#define PI           3.14159265358979323846
#define BINS_MAX     (TOCSIN_DSP_FFT_MAX / 2 + 1)
#define FEATURES_MAX (TOCSIN_DSP_CHANNELS_MAX * (4 + TOCSIN_DSP_BANDS_MAX))

struct dsp_fixture {
	struct tocsin_dsp_config cfg;
	float window[BINS_MAX];
	float sine[TOCSIN_DSP_FFT_MAX];
	struct tocsin_dsp_band bands[TOCSIN_DSP_BANDS_MAX];
	float weights[3 * BINS_MAX];
};

/* Triangles that overlap by half, over all bins; with many bands some are empty. */
static inline void dsp_fixture_bands(struct dsp_fixture *f)
{
	const uint32_t bins = f->cfg.n_fft / 2 + 1;
	const uint32_t n = f->cfg.n_bands;
	uint32_t used = 0;

	for (uint32_t b = 0; b < n; b++) {
		const uint32_t first = bins * b / (n + 1);
		const uint32_t end = bins * (b + 2) / (n + 1);
		const double middle = 0.5 * (first + end - 1);

		f->bands[b] = (struct tocsin_dsp_band){(uint16_t)first, (uint16_t)(end - first)};
		for (uint32_t k = first; k < end; k++) {
			const double slope = fabs(k - middle) / (0.5 * (end - first + 1));

			f->weights[used++] = (float)((1.0 - slope) * 2.0 / (end - first));
		}
	}
	f->cfg.n_weights = used;
}

/* A valid configuration: fill in the rest afterwards. n_fft = 0 for none. */
static inline void dsp_fixture_init(struct dsp_fixture *f, uint32_t channels, uint32_t frame_length,
				    uint32_t n_fft, uint32_t n_bands)
{
	f->cfg = (struct tocsin_dsp_config){
		.sample_rate = 16000,
		.channels = channels,
		.scale = 1.0f / 32768.0f,
		.frame_length = frame_length,
		.hop = frame_length,
		.stats = n_bands == 0 ? 15 : 0,
		.n_fft = n_fft,
		.n_bands = n_bands,
		.log_floor = 1e-10f,
		.pool = TOCSIN_DSP_STACK,
		.window_frames = 1,
		.window_hop = 1,
	};
	if (n_bands == 0) {
		return;
	}
	for (uint32_t n = 0; n <= frame_length / 2; n++) {
		f->window[n] = (float)(0.5 - 0.5 * cos(2.0 * PI * n / frame_length));
	}
	for (uint32_t k = 0; k < n_fft; k++) {
		f->sine[k] = (float)sin(2.0 * PI * k / n_fft);
	}
	dsp_fixture_bands(f);
	f->cfg.window = f->window;
	f->cfg.sine = f->sine;
	f->cfg.bands = f->bands;
	f->cfg.weights = f->weights;
}

/* Uniform noise of that amplitude around an offset, clipped to int16. */
static inline void dsp_noise(struct rng *rng, int16_t *samples, size_t n, int amplitude, int offset)
{
	for (size_t i = 0; i < n; i++) {
		int d = offset + (int)rng_below(rng, 2 * (uint32_t)amplitude + 1) - amplitude;

		d = d > INT16_MAX ? INT16_MAX : d;
		samples[i] = (int16_t)(d < INT16_MIN ? INT16_MIN : d);
	}
}

/* A view of a frame in interleaved samples, in two pieces if split is not the whole. */
static inline struct tocsin_ring_view dsp_view(const struct tocsin_dsp_config *cfg, uint64_t index,
					       const int16_t *samples, size_t split)
{
	const size_t rest = cfg->frame_length - split;

	return (struct tocsin_ring_view){
		.index = index,
		.part = {samples, rest > 0 ? samples + split * cfg->channels : NULL},
		.count = {split, rest},
	};
}

/* |X|² of the first n/2 + 1 bins, by definition. */
static inline void reference_power(const double *x, size_t length, size_t n, double *power)
{
	static double sine[TOCSIN_DSP_FFT_MAX];

	for (size_t k = 0; k < n; k++) {
		sine[k] = sin(2.0 * PI * (double)k / (double)n);
	}
	for (size_t k = 0; k <= n / 2; k++) {
		double re = 0.0;
		double im = 0.0;

		for (size_t j = 0; j < length; j++) {
			const size_t phase = j * k % n;

			re += x[j] * sine[(phase + n / 4) % n];
			im -= x[j] * sine[phase];
		}
		power[k] = re * re + im * im;
	}
}

/*
 * One channel's features and how far a float32 result may be from each. The noise of the FFT goes
 * by the mean power of all bins, so weak bins beside strong ones may be further off in decibels.
 */
static inline size_t reference_channel(const struct dsp_fixture *f, const int16_t *samples,
				       uint32_t c, double *value, double *tolerance)
{
	static double x[TOCSIN_DSP_FFT_MAX];
	static double power[BINS_MAX];
	const struct tocsin_dsp_config *cfg = &f->cfg;
	const uint32_t n = cfg->frame_length;
	double mean = 0.0;
	double moment2 = 0.0;
	double moment4 = 0.0;
	double square = 0.0;
	double peak = 0.0;
	size_t out = 0;

	for (uint32_t i = 0; i < n; i++) {
		x[i] = samples[i * cfg->channels + c] * (double)cfg->scale;
		mean += x[i] / n;
	}
	for (uint32_t i = 0; i < n; i++) {
		moment2 += pow(x[i] - mean, 2) / n;
		moment4 += pow(x[i] - mean, 4) / n;
		x[i] -= (cfg->flags & TOCSIN_DSP_REMOVE_MEAN) != 0 ? mean : 0.0;
		square += x[i] * x[i] / n;
		peak = fmax(peak, fabs(x[i]));
	}

	const double stats[] = {sqrt(square), peak, square > 0 ? peak / sqrt(square) : 0.0,
				moment2 > 0 ? moment4 / (moment2 * moment2) : 0.0};
	const double relative[] = {3e-7, 3e-7, 6e-7, 3e-6};

	for (int s = 0; s < 4; s++) {
		if ((cfg->stats & (1u << s)) != 0) {
			value[out] = stats[s];
			tolerance[out++] = relative[s] * stats[s];
		}
	}
	if (cfg->n_bands == 0) {
		return out;
	}

	const float *weight = f->weights;
	double noise = 0.0;

	for (uint32_t i = 0; i < n; i++) {
		x[i] *= (double)f->window[i <= n / 2 ? i : n - i];
	}
	reference_power(x, n, cfg->n_fft, power);
	for (uint32_t k = 0; k <= cfg->n_fft / 2; k++) {
		noise += power[k] / (cfg->n_fft / 2);
	}
	for (uint32_t b = 0; b < cfg->n_bands; b++) {
		double sum = 0.0;
		double weights = 0.0;

		for (uint32_t k = 0; k < f->bands[b].count; k++) {
			weights += (double)*weight;
			sum += (double)*weight++ * power[f->bands[b].first + k];
		}
		sum = fmax(sum, (double)cfg->log_floor);
		value[out] = 10.0 * log10(sum);
		tolerance[out++] = 1e-5 + 5e-6 * sqrt(noise * weights / sum);
	}
	return out;
}

#endif /* TOCSIN_TEST_DSP_FIXTURE_H_ */
