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

static bool is_full(const struct tocsin_score_config *cfg)
{
	return (cfg->kind == TOCSIN_SCORE_GMM || cfg->kind == TOCSIN_SCORE_MAHALANOBIS) &&
	       cfg->gaussians.covariance == TOCSIN_SCORE_FULL;
}

size_t tocsin_score_needed_size(const struct tocsin_score_config *cfg)
{
	if (tocsin_score_check(cfg) != 0) {
		return 0;
	}

	size_t a_value = sizeof(float);

	if (is_full(cfg)) {
		a_value += sizeof(float);
	} else if (cfg->kind == TOCSIN_SCORE_AUTOENCODER) {
		a_value += 2 * sizeof(int8_t);
	}
	return a_value * cfg->dim;
}

int tocsin_score_init(struct tocsin_score *score, const struct tocsin_score_config *cfg,
		      tocsin_score_infer_t infer, void *ctx, void *mem, size_t size)
{
	const size_t needed = tocsin_score_needed_size(cfg);

	if (score == NULL || mem == NULL || (uintptr_t)mem % 8 != 0 || needed == 0 ||
	    (cfg->kind == TOCSIN_SCORE_AUTOENCODER && infer == NULL)) {
		return -EINVAL;
	}
	if (size < needed) {
		return -ENOMEM;
	}
	*score = (struct tocsin_score){.cfg = *cfg, .infer = infer, .ctx = ctx, .x = mem};
	if (is_full(cfg)) {
		score->work = score->x + cfg->dim;
	} else if (cfg->kind == TOCSIN_SCORE_AUTOENCODER) {
		score->input = (int8_t *)(score->x + cfg->dim);
		score->output = score->input + cfg->dim;
	}
	return 0;
}

static float kmeans(const struct tocsin_score *score)
{
	const struct tocsin_score_kmeans *model = &score->cfg.kmeans;
	const size_t dim = score->cfg.dim;
	const float *centroid = model->centroids;
	float nearest = 0.0f;

	for (uint32_t k = 0; k < model->k; k++) {
		float square = 0.0f;

		for (size_t i = 0; i < dim; i++) {
			const float d = score->x[i] - centroid[i];

			square += d * d;
		}
		nearest = k == 0 || square < nearest ? square : nearest;
		centroid += dim;
	}
	return sqrtf(nearest);
}

/* |W(x - μ)|² for component k. */
static float whitened_square(const struct tocsin_score *score, uint32_t k)
{
	const struct tocsin_score_gaussians *model = &score->cfg.gaussians;
	const size_t dim = score->cfg.dim;
	const float *mean = model->means + k * dim;
	float square = 0.0f;

	if (model->covariance == TOCSIN_SCORE_DIAGONAL) {
		const float *w = model->whiten + k * dim;

		for (size_t i = 0; i < dim; i++) {
			const float y = w[i] * (score->x[i] - mean[i]);

			square += y * y;
		}
		return square;
	}

	const float *w = model->whiten + k * (dim * (dim + 1) / 2);

	for (size_t i = 0; i < dim; i++) {
		float y = 0.0f;

		score->work[i] = score->x[i] - mean[i];
		for (size_t j = 0; j <= i; j++) {
			y += *w++ * score->work[j];
		}
		square += y * y;
	}
	return square;
}

/*
 * -log Σ e^t, t = log_const - ½|W(x-μ)|², with the greatest t so far taken out of the sum. A
 * component infinitely far away adds nothing; if all are, or one cannot be told, the answer is not
 * finite.
 */
static float mixture(const struct tocsin_score *score)
{
	const struct tocsin_score_gaussians *model = &score->cfg.gaussians;
	float greatest = 0.0f;
	float sum = 0.0f;

	for (uint32_t k = 0; k < model->k; k++) {
		const float t = model->log_const[k] - 0.5f * whitened_square(score, k);

		if (t < -FLT_MAX) {
			continue;
		}
		if (!tocsin_score_finite(t)) {
			return t;
		}
		if (sum == 0.0f) {
			greatest = t;
			sum = 1.0f;
		} else if (t > greatest) {
			sum = sum * tocsin_score_exp(greatest - t) + 1.0f;
			greatest = t;
		} else {
			sum += tocsin_score_exp(t - greatest);
		}
	}
	return sum == 0.0f ? INFINITY : -(greatest + tocsin_score_log(sum));
}

/* W x in place: from the last row up, a row needs no value that has been written before it. */
static void whiten(const float *packed, float *x, size_t dim)
{
	for (size_t i = dim; i-- > 0;) {
		const float *w = packed + i * (i + 1) / 2;
		float y = 0.0f;

		for (size_t j = 0; j <= i; j++) {
			y += w[j] * x[j];
		}
		x[i] = y;
	}
}

static float neighbours(const struct tocsin_score *score)
{
	const struct tocsin_score_neighbours *model = &score->cfg.neighbours;
	const size_t dim = score->cfg.dim;
	const int8_t *reference = model->references;
	float nearest = 0.0f;

	if (model->covariance == TOCSIN_SCORE_FULL) {
		whiten(model->whiten, score->x, dim);
	}
	for (uint32_t k = 0; k < model->k; k++) {
		float square = 0.0f;

#pragma GCC unroll 4
		for (size_t i = 0; i < dim; i++) {
			const float d = score->x[i] - model->step * (float)reference[i];

			square += d * d;
		}
		const float distance = sqrtf(square) * model->gain[k];

		nearest = k == 0 || distance < nearest ? distance : nearest;
		reference += dim;
	}
	return nearest;
}

int tocsin_score_vector(struct tocsin_score *score, const float *vector, float *out)
{
	const struct tocsin_score_config *cfg = &score->cfg;
	float result = INFINITY;
	int err;

	if (cfg->kind == TOCSIN_SCORE_AUTOENCODER) {
		err = tocsin_score_autoencoder_begin(cfg, vector, score->x, score->input);
		if (err != 0) {
			return err;
		}
		err = score->infer(score->ctx, score->input, score->output, cfg->dim);
		if (err != 0) {
			return err;
		}
		result = tocsin_score_autoencoder_end(cfg, score->x, score->output);
	} else {
		if (!tocsin_score_normalise(cfg, vector, score->x)) {
			return -ERANGE;
		}
		if (cfg->kind == TOCSIN_SCORE_KMEANS) {
			result = kmeans(score);
		} else if (cfg->kind == TOCSIN_SCORE_GMM) {
			result = mixture(score);
		} else if (cfg->kind == TOCSIN_SCORE_NEIGHBOURS) {
			result = neighbours(score);
		} else {
			result = sqrtf(whitened_square(score, 0));
		}
	}
	if (!tocsin_score_finite(result)) {
		return -ERANGE;
	}
	*out = result;
	return 0;
}
