/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include "internal.h"

#define ALL_STATS (TOCSIN_DSP_RMS | TOCSIN_DSP_PEAK | TOCSIN_DSP_CREST | TOCSIN_DSP_KURTOSIS)
#define ALL_POOL  (TOCSIN_DSP_STACK | TOCSIN_DSP_MEAN | TOCSIN_DSP_STD | TOCSIN_DSP_MAX)
#define ALL_FLAGS (TOCSIN_DSP_REMOVE_MEAN | TOCSIN_DSP_POWER)
#define POOLED    (TOCSIN_DSP_MEAN | TOCSIN_DSP_STD | TOCSIN_DSP_MAX)

/* On the bit pattern, so that no compiler option can assume the answer. */
static bool is_finite(float x)
{
	return (tocsin_dsp_bits(x) & 0x7f800000u) != 0x7f800000u;
}

static bool finite_all(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_finite(x[i])) {
			return false;
		}
	}
	return true;
}

static bool normal_positive(float x)
{
	return is_finite(x) && x >= FLT_MIN;
}

static uint32_t ones(uint32_t bits)
{
	uint32_t n = 0;

	for (; bits != 0; bits &= bits - 1) {
		n++;
	}
	return n;
}

static bool bands_valid(const struct tocsin_dsp_config *cfg)
{
	const uint32_t bins = cfg->n_fft / 2 + 1;
	uint32_t total = 0;

	for (uint32_t b = 0; b < cfg->n_bands; b++) {
		if ((uint32_t)cfg->bands[b].first + cfg->bands[b].count > bins) {
			return false;
		}
		total += cfg->bands[b].count;
	}
	return total == cfg->n_weights && finite_all(cfg->weights, total);
}

static bool spectrum_valid(const struct tocsin_dsp_config *cfg)
{
	const uint32_t n = cfg->n_fft;

	if (cfg->n_bands == 0) {
		return n == 0 && cfg->n_weights == 0;
	}
	if (cfg->n_bands > TOCSIN_DSP_BANDS_MAX || n < TOCSIN_DSP_FFT_MIN ||
	    n > TOCSIN_DSP_FFT_MAX || (n & (n - 1)) != 0 || cfg->frame_length > n) {
		return false;
	}
	if (cfg->window == NULL || cfg->sine == NULL || cfg->bands == NULL ||
	    (cfg->weights == NULL && cfg->n_weights != 0)) {
		return false;
	}
	return finite_all(cfg->window, cfg->frame_length / 2 + 1) && finite_all(cfg->sine, n) &&
	       bands_valid(cfg);
}

static bool pool_valid(const struct tocsin_dsp_config *cfg)
{
	if (cfg->pool == 0 || (cfg->pool & ~(uint32_t)ALL_POOL) != 0) {
		return false;
	}
	if (cfg->window_frames < 1 || cfg->window_frames > TOCSIN_DSP_WINDOW_FRAMES_MAX ||
	    cfg->window_hop < 1 || cfg->window_hop > cfg->window_frames) {
		return false;
	}
	/* Powers as they are would be out of all proportion beside decibels. */
	if ((cfg->flags & TOCSIN_DSP_POWER) != 0 &&
	    (cfg->n_bands == 0 || (cfg->pool & (TOCSIN_DSP_STACK | TOCSIN_DSP_STD)) != 0)) {
		return false;
	}
	return (cfg->pool & POOLED) == 0 || cfg->window_frames % cfg->window_hop == 0;
}

int tocsin_dsp_check(const struct tocsin_dsp_config *cfg)
{
	if (cfg == NULL || cfg->sample_rate < 1 || cfg->channels < 1 ||
	    cfg->channels > TOCSIN_DSP_CHANNELS_MAX) {
		return -EINVAL;
	}
	if (!is_finite(cfg->scale) || !(cfg->scale > 0.0f) || !normal_positive(cfg->log_floor)) {
		return -EINVAL;
	}
	if (cfg->frame_length < TOCSIN_DSP_FRAME_MIN || cfg->frame_length > TOCSIN_DSP_FFT_MAX ||
	    cfg->hop < 1 || cfg->hop > cfg->frame_length) {
		return -EINVAL;
	}
	if ((cfg->stats & ~(uint32_t)ALL_STATS) != 0 || (cfg->flags & ~(uint32_t)ALL_FLAGS) != 0) {
		return -EINVAL;
	}
	if (!spectrum_valid(cfg) || !pool_valid(cfg)) {
		return -EINVAL;
	}

	const size_t n_vector = tocsin_dsp_vector_size(cfg);

	return n_vector >= 1 && n_vector <= TOCSIN_DSP_VECTOR_MAX ? 0 : -EINVAL;
}

size_t tocsin_dsp_frame_size(const struct tocsin_dsp_config *cfg)
{
	return (size_t)cfg->channels * (ones(cfg->stats) + cfg->n_bands);
}

size_t tocsin_dsp_vector_size(const struct tocsin_dsp_config *cfg)
{
	const size_t stacked = (cfg->pool & TOCSIN_DSP_STACK) != 0 ? cfg->window_frames : 0;

	return tocsin_dsp_frame_size(cfg) * (stacked + ones(cfg->pool & POOLED));
}
