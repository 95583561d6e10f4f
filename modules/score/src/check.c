/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include "internal.h"

/* A table of n values: there, and finite. */
static bool table_valid(const float *x, size_t n)
{
	if (x == NULL) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (!tocsin_score_finite(x[i])) {
			return false;
		}
	}
	return true;
}

static bool components_valid(uint32_t k)
{
	return k >= 1 && k <= TOCSIN_SCORE_COMPONENTS_MAX;
}

static bool kmeans_valid(const struct tocsin_score_config *cfg)
{
	return components_valid(cfg->kmeans.k) &&
	       table_valid(cfg->kmeans.centroids, (size_t)cfg->kmeans.k * cfg->dim);
}

static bool gaussians_valid(const struct tocsin_score_config *cfg)
{
	const struct tocsin_score_gaussians *g = &cfg->gaussians;
	const size_t dim = cfg->dim;
	size_t whiten = dim;

	if (g->covariance == TOCSIN_SCORE_FULL) {
		whiten = dim * (dim + 1) / 2;
	} else if (g->covariance != TOCSIN_SCORE_DIAGONAL) {
		return false;
	}
	if (cfg->kind == TOCSIN_SCORE_MAHALANOBIS) {
		if (g->k != 1) {
			return false;
		}
	} else if (!components_valid(g->k) || !table_valid(g->log_const, g->k)) {
		return false;
	}
	/* At most 256 · 4096 · 4097 / 2 floats: more than 32 bits of bytes, not of values. */
	return table_valid(g->means, g->k * dim) && table_valid(g->whiten, g->k * whiten);
}

static bool neighbours_valid(const struct tocsin_score_config *cfg)
{
	const struct tocsin_score_neighbours *n = &cfg->neighbours;
	const size_t dim = cfg->dim;

	if (n->k < 1 || n->k > TOCSIN_SCORE_REFERENCES_MAX || n->references == NULL ||
	    !tocsin_score_finite(n->step) || !(n->step > 0.0f) || !table_valid(n->gain, n->k)) {
		return false;
	}
	for (uint32_t k = 0; k < n->k; k++) {
		if (!(n->gain[k] > 0.0f)) {
			return false;
		}
	}
	if (n->covariance == TOCSIN_SCORE_FULL) {
		return table_valid(n->whiten, dim * (dim + 1) / 2);
	}
	return n->covariance == TOCSIN_SCORE_DIAGONAL;
}

static bool quantisation_valid(float scale, int32_t zero)
{
	return tocsin_score_finite(scale) && scale > 0.0f && zero >= INT8_MIN && zero <= INT8_MAX;
}

static bool autoencoder_valid(const struct tocsin_score_autoencoder *ae)
{
	return quantisation_valid(ae->in_scale, ae->in_zero) &&
	       quantisation_valid(ae->out_scale, ae->out_zero);
}

int tocsin_score_check(const struct tocsin_score_config *cfg)
{
	bool valid = false;

	if (cfg == NULL || cfg->dim < 1 || cfg->dim > TOCSIN_SCORE_DIM_MAX ||
	    !table_valid(cfg->mean, cfg->dim) || !table_valid(cfg->inv_std, cfg->dim)) {
		return -EINVAL;
	}
	switch (cfg->kind) {
	case TOCSIN_SCORE_KMEANS:
		valid = kmeans_valid(cfg);
		break;
	case TOCSIN_SCORE_GMM:
	case TOCSIN_SCORE_MAHALANOBIS:
		valid = gaussians_valid(cfg);
		break;
	case TOCSIN_SCORE_AUTOENCODER:
		valid = autoencoder_valid(&cfg->autoencoder);
		break;
	case TOCSIN_SCORE_NEIGHBOURS:
		valid = neighbours_valid(cfg);
		break;
	default:
		break;
	}
	return valid ? 0 : -EINVAL;
}
