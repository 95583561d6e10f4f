/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * From frames to windows.
 *
 * Pooled statistics are kept for each block of window_hop frames, and a window merges the blocks it
 * is made of: memory for window_frames/window_hop blocks instead of window_frames frames, and a
 * value that went by long ago leaves no rounding error behind. Within a block the mean and the sum
 * of squared differences M2 go by Welford's update, blocks merge by Chan, Golub and LeVeque's
 * (Updating formulae and a pairwise algorithm for computing sample variances, 1979, eq. 2.1),
 * oldest first. A constant feature has a standard deviation of exactly 0.
 */

#include <errno.h>
#include <math.h>

#include "internal.h"

#define WANTS_MEAN (TOCSIN_DSP_MEAN | TOCSIN_DSP_STD)

/* One for all, for the sake of the image's size. */
static __attribute__((noinline)) void copy(float *to, const float *from, size_t n)
{
	tocsin_dsp_copy(to, from, n);
}

/* Where a block keeps its values, and how many floats it has. */
struct layout {
	size_t mean;
	size_t m2;
	size_t max;
	size_t size;
};

static struct layout layout_of(uint32_t pool, size_t n_features)
{
	struct layout at = {0};

	if ((pool & WANTS_MEAN) != 0) {
		at.mean = at.size;
		at.size += n_features;
	}
	if ((pool & TOCSIN_DSP_STD) != 0) {
		at.m2 = at.size;
		at.size += n_features;
	}
	if ((pool & TOCSIN_DSP_MAX) != 0) {
		at.max = at.size;
		at.size += n_features;
	}
	return at;
}

size_t tocsin_dsp_needed_size(const struct tocsin_dsp_config *cfg)
{
	if (tocsin_dsp_check(cfg) != 0) {
		return 0;
	}

	const size_t n_features = tocsin_dsp_frame_size(cfg);
	const size_t frames = (cfg->pool & TOCSIN_DSP_STACK) != 0 ? cfg->window_frames : 1;
	const size_t blocks = cfg->window_frames / cfg->window_hop;

	return sizeof(float) *
	       (cfg->n_fft + frames * n_features + blocks * layout_of(cfg->pool, n_features).size);
}

int tocsin_dsp_init(struct tocsin_dsp *dsp, const struct tocsin_dsp_config *cfg, void *mem,
		    size_t size)
{
	const size_t needed = tocsin_dsp_needed_size(cfg);

	if (dsp == NULL || mem == NULL || (uintptr_t)mem % 8 != 0 || needed == 0) {
		return -EINVAL;
	}
	if (size < needed) {
		return -ENOMEM;
	}

	const bool stacked = (cfg->pool & TOCSIN_DSP_STACK) != 0;

	*dsp = (struct tocsin_dsp){
		.cfg = *cfg,
		.n_features = (uint32_t)tocsin_dsp_frame_size(cfg),
		.n_blocks = cfg->window_frames / cfg->window_hop,
		.fft = mem,
	};
	dsp->frame = dsp->fft + cfg->n_fft;
	dsp->blocks = dsp->frame + (stacked ? cfg->window_frames : 1) * (size_t)dsp->n_features;
	return 0;
}

void tocsin_dsp_reset(struct tocsin_dsp *dsp)
{
	dsp->running = false;
	dsp->frames = 0;
	dsp->slot = 0;
	dsp->block = 0;
	dsp->in_block = 0;
}

/* Welford's update by one frame; m2 is NULL where only the mean is wanted. */
static void add_to_mean(float *restrict mean, float *restrict m2, const float *restrict frame,
			size_t n, float weight)
{
	if (m2 == NULL) {
		for (size_t i = 0; i < n; i++) {
			mean[i] = mean[i] + (frame[i] - mean[i]) * weight;
		}
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const float delta = frame[i] - mean[i];

		mean[i] = mean[i] + delta * weight;
		m2[i] = m2[i] + delta * (frame[i] - mean[i]);
	}
}

static void add_to_max(float *restrict max, const float *restrict frame, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		max[i] = frame[i] > max[i] ? frame[i] : max[i];
	}
}

/* A block of one frame. */
static void block_begin(float *block, struct layout at, uint32_t pool, const float *frame, size_t n)
{
	if ((pool & WANTS_MEAN) != 0) {
		copy(block + at.mean, frame, n);
	}
	for (size_t i = 0; i < n && (pool & TOCSIN_DSP_STD) != 0; i++) {
		block[at.m2 + i] = 0.0f;
	}
	if ((pool & TOCSIN_DSP_MAX) != 0) {
		copy(block + at.max, frame, n);
	}
}

/* Take a frame into the block that is being filled. */
static void block_add(struct tocsin_dsp *dsp, const float *frame)
{
	const uint32_t pool = dsp->cfg.pool;
	const size_t n = dsp->n_features;
	const struct layout at = layout_of(pool, n);
	float *block = dsp->blocks + dsp->block * at.size;

	if (dsp->in_block == 0) {
		block_begin(block, at, pool, frame, n);
		return;
	}
	if ((pool & WANTS_MEAN) != 0) {
		add_to_mean(block + at.mean, (pool & TOCSIN_DSP_STD) != 0 ? block + at.m2 : NULL,
			    frame, n, 1.0f / (float)(dsp->in_block + 1));
	}
	if ((pool & TOCSIN_DSP_MAX) != 0) {
		add_to_max(block + at.max, frame, n);
	}
}

/* Mean and M2 of one feature over all blocks, oldest (dsp->block) first. */
static float merge(const struct tocsin_dsp *dsp, struct layout at, size_t i, float *m2)
{
	const bool spread = (dsp->cfg.pool & TOCSIN_DSP_STD) != 0;
	const float hop = (float)dsp->cfg.window_hop;
	uint32_t b = dsp->block;
	float mean = 0.0f;

	*m2 = 0.0f;
	for (uint32_t merged = 0; merged < dsp->n_blocks; merged++) {
		const float *block = dsp->blocks + b * at.size;
		const float share = 1.0f / (float)(merged + 1); /* n_b/(n_a + n_b) */
		const float delta = merged == 0 ? 0.0f : block[at.mean + i] - mean;

		mean = merged == 0 ? block[at.mean + i] : mean + delta * share;
		if (spread) {
			const float both = hop * (float)merged * share; /* n_a·n_b/(n_a + n_b) */

			*m2 += block[at.m2 + i] + delta * delta * both;
		}
		b = b + 1 == dsp->n_blocks ? 0 : b + 1;
	}
	return mean;
}

/* The logarithm of pooled band powers, in place; statistics stand before each channel's bands. */
static void to_decibels(const struct tocsin_dsp_config *cfg, size_t n_features, float *pooled)
{
	const size_t a_channel = n_features / cfg->channels;

	for (uint32_t c = 0; c < cfg->channels; c++) {
		float *band = pooled + (c + 1) * a_channel - cfg->n_bands;

		for (uint32_t b = 0; b < cfg->n_bands; b++) {
			band[b] = tocsin_dsp_db_of(tocsin_dsp_above(band[b], cfg->log_floor));
		}
	}
}

static void pool_window(const struct tocsin_dsp *dsp, float *out)
{
	const uint32_t pool = dsp->cfg.pool;
	const size_t n = dsp->n_features;
	const struct layout at = layout_of(pool, n);
	const float frames = (float)dsp->cfg.window_frames;
	float *const std = out + ((pool & TOCSIN_DSP_MEAN) != 0 ? n : 0);

	for (size_t i = 0; i < n && (pool & WANTS_MEAN) != 0; i++) {
		float m2;
		const float mean = merge(dsp, at, i, &m2);

		if ((pool & TOCSIN_DSP_MEAN) != 0) {
			out[i] = mean;
		}
		if ((pool & TOCSIN_DSP_STD) != 0) {
			std[i] = sqrtf(m2 / frames);
		}
	}
	if ((pool & TOCSIN_DSP_MAX) != 0) {
		float *const max = std + ((pool & TOCSIN_DSP_STD) != 0 ? n : 0);

		copy(max, dsp->blocks + at.max, n);
		for (size_t b = 1; b < dsp->n_blocks; b++) {
			const float *block = dsp->blocks + b * at.size + at.max;

			for (size_t i = 0; i < n; i++) {
				max[i] = block[i] > max[i] ? block[i] : max[i];
			}
		}
	}
	if ((dsp->cfg.flags & TOCSIN_DSP_POWER) != 0) {
		/* Mean, maximum or both, one after the other: a standard deviation is refused. */
		for (size_t at_value = 0; at_value < at.size; at_value += n) {
			to_decibels(&dsp->cfg, n, out + at_value);
		}
	}
}

/* The frames of the ring, oldest (dsp->slot) first. */
static void stack_window(const struct tocsin_dsp *dsp, float *out)
{
	const size_t n = dsp->n_features;
	const size_t tail = (dsp->cfg.window_frames - dsp->slot) * n;

	copy(out, dsp->frame + dsp->slot * n, tail);
	copy(out + tail, dsp->frame, dsp->slot * n);
}

/* Begin another window where this frame does not follow the last one. */
static void follow(struct tocsin_dsp *dsp, uint64_t index)
{
	if (!dsp->running || index != dsp->next) {
		tocsin_dsp_reset(dsp);
		dsp->running = true;
	}
	dsp->next = index + dsp->cfg.hop;
}

/* Where the next frame's features go. */
static float *place_of(const struct tocsin_dsp *dsp)
{
	const bool stacked = (dsp->cfg.pool & TOCSIN_DSP_STACK) != 0;

	return dsp->frame + (stacked ? dsp->slot * (size_t)dsp->n_features : 0);
}

/* The frame that begins at `index`, whose features are in their place, completes a window or not.
 */
static int take(struct tocsin_dsp *dsp, uint64_t index, const float *frame, float *vector,
		struct tocsin_dsp_window *window)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;

	block_add(dsp, frame);
	dsp->slot = dsp->slot + 1 == cfg->window_frames ? 0 : dsp->slot + 1;
	if (++dsp->in_block == cfg->window_hop) {
		dsp->in_block = 0;
		dsp->block = dsp->block + 1 == dsp->n_blocks ? 0 : dsp->block + 1;
	}
	if (++dsp->frames < cfg->window_frames) {
		return 0;
	}
	dsp->frames -= cfg->window_hop;

	if ((cfg->pool & TOCSIN_DSP_STACK) != 0) {
		stack_window(dsp, vector);
		vector += cfg->window_frames * (size_t)dsp->n_features;
	}
	pool_window(dsp, vector);
	window->begin = index - (uint64_t)(cfg->window_frames - 1) * cfg->hop;
	window->end = index + cfg->frame_length;
	return 1;
}

int tocsin_dsp_push(struct tocsin_dsp *dsp, const struct tocsin_ring_view *view, float *vector,
		    struct tocsin_dsp_window *window)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;

	if (view->count[0] > cfg->frame_length ||
	    view->count[1] != cfg->frame_length - view->count[0]) {
		return -EINVAL;
	}
	follow(dsp, view->index);

	float *const frame = place_of(dsp);

	tocsin_dsp_frame(dsp, view, frame);
	return take(dsp, view->index, frame, vector, window);
}

int tocsin_dsp_push_features(struct tocsin_dsp *dsp, uint64_t index, const float *features,
			     float *vector, struct tocsin_dsp_window *window)
{
	follow(dsp, index);

	float *const frame = place_of(dsp);

	copy(frame, features, dsp->n_features);
	return take(dsp, index, frame, vector, window);
}
