/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The models that need no network, on a vector of `dim` values. */

#include <math.h>

#include "internal.h"

static float kmeans(const struct tocsin_score_kmeans *model, const float *x, size_t dim, float away)
{
	const float *centroid = model->centroids;
	float nearest = 0.0f;

	for (uint32_t k = 0; k < model->k; k++) {
		float square = 0.0f;

		for (size_t i = 0; i < dim; i++) {
			const float d = x[i] - centroid[i];

			square += d * d;
		}
		nearest = k == 0 || square < nearest ? square : nearest;
		centroid += dim;
	}
	return sqrtf(nearest + away);
}

/* |W(x - μ)|² for component k. */
static float whitened_square(const struct tocsin_score_gaussians *model, const float *x, size_t dim,
			     float *work, uint32_t k)
{
	const float *mean = model->means + k * dim;
	float square = 0.0f;

	if (model->covariance == TOCSIN_SCORE_DIAGONAL) {
		const float *w = model->whiten + k * dim;

		for (size_t i = 0; i < dim; i++) {
			const float y = w[i] * (x[i] - mean[i]);

			square += y * y;
		}
		return square;
	}

	const float *w = model->whiten + k * (dim * (dim + 1) / 2);

	for (size_t i = 0; i < dim; i++) {
		float y = 0.0f;

		work[i] = x[i] - mean[i];
		for (size_t j = 0; j <= i; j++) {
			y += *w++ * work[j];
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
static float mixture(const struct tocsin_score_gaussians *model, const float *x, size_t dim,
		     float away, float *work)
{
	float greatest = 0.0f;
	float sum = 0.0f;

	for (uint32_t k = 0; k < model->k; k++) {
		const float t =
			model->log_const[k] - 0.5f * whitened_square(model, x, dim, work, k);

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
	return sum == 0.0f ? INFINITY : 0.5f * away - (greatest + tocsin_score_log(sum));
}

/* A component whose distance overflows is not the nearest, unless all do. */
static float mahalanobis(const struct tocsin_score_gaussians *model, const float *x, size_t dim,
			 float away, float *work)
{
	float nearest = INFINITY;

	for (uint32_t k = 0; k < model->k; k++) {
		const float square = whitened_square(model, x, dim, work, k);

		nearest = square < nearest ? square : nearest;
	}
	return sqrtf(nearest + away);
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

static float neighbours(const struct tocsin_score_neighbours *model, float *x, size_t dim,
			float away)
{
	const int8_t *reference = model->references;
	float nearest = 0.0f;

	if (model->covariance == TOCSIN_SCORE_FULL) {
		whiten(model->whiten, x, dim);
	}
	for (uint32_t k = 0; k < model->k; k++) {
		float square = 0.0f;

#pragma GCC unroll 4
		for (size_t i = 0; i < dim; i++) {
			const float d = x[i] - model->step * (float)reference[i];

			square += d * d;
		}
		const float distance = sqrtf(square + away) * model->gain[k];

		nearest = k == 0 || distance < nearest ? distance : nearest;
		reference += dim;
	}
	return nearest;
}

float tocsin_score_classical(uint32_t kind, const void *parameters, float *x, size_t dim,
			     float away, float *work)
{
	switch (kind) {
	case TOCSIN_SCORE_KMEANS:
		return kmeans(parameters, x, dim, away);
	case TOCSIN_SCORE_GMM:
		return mixture(parameters, x, dim, away, work);
	case TOCSIN_SCORE_MAHALANOBIS:
		return mahalanobis(parameters, x, dim, away, work);
	default:
		return neighbours(parameters, x, dim, away);
	}
}

size_t tocsin_score_classical_work(uint32_t kind, const void *parameters, size_t dim)
{
	const struct tocsin_score_gaussians *gaussians = parameters;

	return (kind == TOCSIN_SCORE_GMM || kind == TOCSIN_SCORE_MAHALANOBIS) &&
			       gaussians->covariance == TOCSIN_SCORE_FULL
		       ? dim
		       : 0;
}
