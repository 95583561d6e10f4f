/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <math.h>

#include "internal.h"

bool tocsin_score_normalise(const struct tocsin_score_config *cfg, const float *vector, float *x)
{
	const float *mean = cfg->mean;
	const float *inv_std = cfg->inv_std;
	const size_t dim = cfg->dim;
	float odd =
		0.0f; /* x - x is 0, but NaN where x is infinite or NaN: one look for all of them */

#pragma GCC unroll 4
	for (size_t i = 0; i < dim; i++) {
		x[i] = (vector[i] - mean[i]) * inv_std[i];
		odd += x[i] - x[i];
	}
	return tocsin_score_finite(odd);
}

/* Floats that a member works in beside the vector. */
static size_t member_work(const struct tocsin_score_member *member, size_t dim)
{
	return member->kind == TOCSIN_SCORE_NETWORK
		       ? tocsin_score_network_work(&member->network)
		       : tocsin_score_classical_work(member->kind, &member->classical.kmeans, dim);
}

/* Floats that a model works in beside the vector; members take turns. */
static size_t work_of(const struct tocsin_score_config *cfg)
{
	if (cfg->kind == TOCSIN_SCORE_COMBINED) {
		const size_t a = member_work(&cfg->combined.members[0], cfg->dim);
		const size_t b = member_work(&cfg->combined.members[1], cfg->dim);

		return a > b ? a : b;
	}
	if (cfg->kind == TOCSIN_SCORE_NETWORK) {
		return tocsin_score_network_work(&cfg->network);
	}
	return tocsin_score_classical_work(cfg->kind, &cfg->kmeans, cfg->dim);
}

size_t tocsin_score_in_place_size(const struct tocsin_score_config *cfg)
{
	return sizeof(float) * work_of(cfg);
}

size_t tocsin_score_needed_size(const struct tocsin_score_config *cfg)
{
	if (tocsin_score_check(cfg) != 0) {
		return 0;
	}
	return sizeof(float) * cfg->dim + tocsin_score_in_place_size(cfg) +
	       tocsin_score_inputs(cfg) + tocsin_score_outputs(cfg);
}

/* What is wrong with either kind of stage; the floats of working memory come first in both. */
static int begin_init(struct tocsin_score *score, const struct tocsin_score_config *cfg,
		      tocsin_score_infer_t infer, void *ctx, void *mem)
{
	if (score == NULL || mem == NULL || (uintptr_t)mem % 8 != 0 ||
	    tocsin_score_check(cfg) != 0 || (tocsin_score_quant_of(cfg) != NULL && infer == NULL)) {
		return -EINVAL;
	}
	*score = (struct tocsin_score){.cfg = *cfg, .infer = infer, .ctx = ctx, .work = mem};
	return 0;
}

int tocsin_score_init(struct tocsin_score *score, const struct tocsin_score_config *cfg,
		      tocsin_score_infer_t infer, void *ctx, void *mem, size_t size)
{
	const int err = begin_init(score, cfg, infer, ctx, mem);

	if (err != 0) {
		return err;
	}
	if (size < tocsin_score_needed_size(cfg)) {
		return -ENOMEM;
	}
	score->x = score->work + work_of(cfg);
	score->input = (int8_t *)(score->x + cfg->dim);
	score->output = score->input + tocsin_score_inputs(cfg);
	return 0;
}

int tocsin_score_init_in_place(struct tocsin_score *score, const struct tocsin_score_config *cfg,
			       tocsin_score_infer_t infer, void *ctx,
			       const struct tocsin_score_ends *ends, void *mem, size_t size)
{
	const int err = begin_init(score, cfg, infer, ctx, mem);

	if (err != 0) {
		return err;
	}
	if (infer != NULL && (ends->input == NULL || ends->output == NULL)) {
		return -EINVAL;
	}
	if (size < tocsin_score_in_place_size(cfg)) {
		return -ENOMEM;
	}
	score->input = ends->input;
	score->output = ends->output;
	return 0;
}

int tocsin_score_begin(const struct tocsin_score_config *cfg, const float *vector, float *x,
		       int8_t *input)
{
	if (!tocsin_score_normalise(cfg, vector, x)) {
		return -ERANGE;
	}
	if (tocsin_score_quant_of(cfg) != NULL) {
		tocsin_score_quantise(cfg, x, input);
	}
	return 0;
}

/* A distance that overflows, or differences of such, is as strange as can be told. */
static float saturate(float score)
{
	if (tocsin_score_finite(score)) {
		return score;
	}
	return score < 0.0f ? -FLT_MAX : FLT_MAX;
}

static float member_score(const struct tocsin_score *score,
			  const struct tocsin_score_member *member, float *x, const int8_t *output)
{
	const float found =
		member->kind == TOCSIN_SCORE_NETWORK
			? tocsin_score_network_end(&member->network, x, score->cfg.dim, output,
						   score->work)
			: tocsin_score_classical(member->kind, &member->classical.kmeans, x,
						 score->cfg.dim, 0.0f, score->work);

	return saturate(member->weight * (saturate(found) - member->offset));
}

/* Neighbours use their vector up, so they come last; the sum does not depend on who came first. */
static float combined(const struct tocsin_score *score, float *x, const int8_t *output)
{
	const struct tocsin_score_combined *model = &score->cfg.combined;
	const int last = model->members[0].kind == TOCSIN_SCORE_NEIGHBOURS ? 0 : 1;
	const float a = member_score(score, &model->members[1 - last], x, output);
	const float b = member_score(score, &model->members[last], x, output);

	if (model->mode == TOCSIN_SCORE_SUM) {
		return a + b;
	}
	return a > b ? a : b;
}

int tocsin_score_end(struct tocsin_score *score, float *x, const int8_t *output, float *out)
{
	const struct tocsin_score_config *cfg = &score->cfg;
	float result;

	switch (cfg->kind) {
	case TOCSIN_SCORE_AUTOENCODER:
		result = tocsin_score_autoencoder_end(&cfg->autoencoder, x, output, cfg->dim);
		break;
	case TOCSIN_SCORE_NETWORK:
		result = tocsin_score_network_end(&cfg->network, x, cfg->dim, output, score->work);
		break;
	case TOCSIN_SCORE_COMBINED:
		result = combined(score, x, output);
		break;
	default:
		result = tocsin_score_classical(cfg->kind, &cfg->kmeans, x, cfg->dim, 0.0f,
						score->work);
		break;
	}
	*out = saturate(result);
	return 0;
}

int tocsin_score_vector(struct tocsin_score *score, const float *vector, float *out)
{
	int err = tocsin_score_begin(&score->cfg, vector, score->x, score->input);

	if (err == 0 && score->infer != NULL) {
		err = score->infer(score->ctx, score->input, tocsin_score_inputs(&score->cfg),
				   score->output, tocsin_score_outputs(&score->cfg));
	}
	return err == 0 ? tocsin_score_end(score, score->x, score->output, out) : err;
}

int tocsin_score_in_place(struct tocsin_score *score, float *vector, float *out)
{
	score->x = vector;
	return tocsin_score_vector(score, vector, out);
}
