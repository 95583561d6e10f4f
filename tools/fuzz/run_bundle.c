/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_bundle.h"
#include "rng.h"

/* A bundle may ask for more than a test wants to spend; a board would refuse it. */
#define MEMORY_MAX (16u << 20)

/* Roughly the values touched in a run, so that a single input stays fast. */
#define WORK_MAX 200000

struct stages {
	struct tocsin_dsp dsp;
	struct tocsin_score score;
	struct tocsin_decide decide;
	void *mem[3];
	float *vector;
	size_t dim;
	uint64_t at; /* where the next window of a made-up vector begins */
};

static void require(int condition)
{
	if (!condition) {
		abort();
	}
}

/* The network: gives back what it was given, again and again, which a perfect autoencoder would. */
static int infer(void *ctx, const int8_t *input, size_t n_in, int8_t *output, size_t n_out)
{
	const struct tocsin_score_config *cfg = ctx;

	require(n_in == tocsin_score_inputs(cfg) && n_out == tocsin_score_outputs(cfg));
	for (size_t i = 0; i < n_out; i++) {
		output[i] = input[i % n_in];
	}
	return 0;
}

/* Memory of exactly the size asked for. Returns whether there is enough. */
static int prepare(struct stages *stages, const struct tocsin_bundle *bundle)
{
	const size_t size[3] = {
		tocsin_dsp_needed_size(&bundle->dsp),
		tocsin_score_needed_size(&bundle->score),
		tocsin_decide_needed_size(&bundle->decide),
	};
	const int network = tocsin_score_quant_of(&bundle->score) != NULL;

	memset(stages, 0, sizeof(*stages));
	stages->dim = bundle->score.dim;
	require(size[0] > 0 && size[1] > 0 && size[2] > 0);
	require(stages->dim == tocsin_dsp_vector_size(&bundle->dsp));
	if (size[0] + size[1] + size[2] > MEMORY_MAX) {
		return 0;
	}
	for (int i = 0; i < 3; i++) {
		stages->mem[i] = malloc(size[i]);
	}
	stages->vector = malloc(stages->dim * sizeof(float));
	require(tocsin_dsp_init(&stages->dsp, &bundle->dsp, stages->mem[0], size[0]) == 0);
	require(tocsin_score_init(&stages->score, &bundle->score, network ? infer : NULL,
				  (void *)&bundle->score, stages->mem[1], size[1]) == 0);
	require(tocsin_decide_init(&stages->decide, &bundle->decide, stages->mem[2], size[2]) == 0);
	return 1;
}

/* Score the vector and decide on the score. */
static void judge(struct stages *stages, uint64_t begin, uint64_t end)
{
	struct tocsin_decide_event event;
	float score;
	int err = tocsin_score_vector(&stages->score, stages->vector, &score);

	if (err != 0) {
		require(err == -ERANGE);
		score = FLT_MAX;
	}
	require(score >= -FLT_MAX && score <= FLT_MAX);
	require(tocsin_decide_push(&stages->decide, begin, end, score, NULL, &event) == 0);
	if (event.kind != TOCSIN_DECIDE_NONE) {
		require(event.begin < event.end && event.end <= end);
		require(event.peak >= -FLT_MAX && event.peak <= FLT_MAX);
	}
}

/* Silence, full scale, or noise of any loudness. */
static void fill(int16_t *samples, size_t n, struct rng *rng)
{
	const uint32_t kind = rng_below(rng, 4);
	const int shift = (int)rng_below(rng, 16);

	for (size_t i = 0; i < n; i++) {
		const uint64_t random = rng_u64(rng);

		samples[i] = kind == 0   ? 0
			     : kind == 1 ? (random & 1 ? INT16_MIN : INT16_MAX)
			     : kind == 2 ? INT16_MIN
					 : (int16_t)((int16_t)random / (1 << shift));
	}
}

/* One frame as a ring gives it, in one or two pieces, each in memory of its own. */
static void push_frame(struct stages *stages, const struct tocsin_dsp_config *cfg, uint64_t index,
		       struct rng *rng)
{
	const size_t second = rng_below(rng, 2) ? rng_below(rng, cfg->frame_length) : 0;
	const size_t first = cfg->frame_length - second;
	int16_t *part[2] = {
		malloc(first * cfg->channels * sizeof(int16_t)),
		second > 0 ? malloc(second * cfg->channels * sizeof(int16_t)) : NULL,
	};
	const struct tocsin_ring_view view = {index, {part[0], part[1]}, {first, second}};
	struct tocsin_dsp_window window;
	int answer;

	fill(part[0], first * cfg->channels, rng);
	fill(part[1], second * cfg->channels, rng);
	answer = tocsin_dsp_push(&stages->dsp, &view, stages->vector, &window);
	require(answer == 0 || answer == 1);
	if (answer == 1) {
		require(window.begin < window.end);
		require(window.end == index + cfg->frame_length);
		judge(stages, window.begin, window.end);
		stages->at = window.end;
	}
	free(part[0]);
	free(part[1]);
}

/* Vectors that no frame would give: any bits, then anything finite, then near the means. */
static void push_vectors(struct stages *stages, const struct tocsin_bundle *bundle, struct rng *rng)
{
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < stages->dim; i++) {
			uint32_t bits = (uint32_t)rng_u64(rng);

			if (round == 1) {
				bits &= 0xFF7FFFFF;
			}
			memcpy(&stages->vector[i], &bits, sizeof(bits));
			if (round > 1) {
				stages->vector[i] =
					bundle->score.mean[i] + (float)(rng_unit(rng) * 8.0 - 4.0);
			}
		}
		judge(stages, stages->at, stages->at + 1);
		stages->at++;
	}
}

void run_bundle(const struct tocsin_bundle *bundle, uint32_t seed)
{
	const struct tocsin_dsp_config *cfg = &bundle->dsp;
	const size_t work = (size_t)cfg->channels *
			    (cfg->frame_length + 4 * (size_t)cfg->n_fft + cfg->n_weights);
	struct rng rng = {seed};
	struct stages stages;
	uint64_t index = 0;
	size_t frames;

	if (!prepare(&stages, bundle)) {
		return;
	}
	frames = cfg->window_frames + 3 * (size_t)cfg->window_hop;
	if (frames > WORK_MAX / work + 2) {
		frames = WORK_MAX / work + 2;
	}
	for (size_t i = 0; i < frames; i++) {
		push_frame(&stages, cfg, index, &rng);
		/* Now and then the samples have a gap. */
		index += cfg->hop + (rng_below(&rng, 64) == 0 ? rng_u64(&rng) >> 24 : 0);
	}
	push_vectors(&stages, bundle, &rng);
	for (int i = 0; i < 3; i++) {
		free(stages.mem[i]);
	}
	free(stages.vector);
}
