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

static bool kmeans_valid(const struct tocsin_score_kmeans *model, size_t dim)
{
	return components_valid(model->k) && table_valid(model->centroids, model->k * dim);
}

static bool gaussians_valid(const struct tocsin_score_gaussians *model, size_t dim, bool mixture)
{
	size_t whiten = dim;

	if (model->covariance == TOCSIN_SCORE_FULL) {
		whiten = dim * (dim + 1) / 2;
	} else if (model->covariance != TOCSIN_SCORE_DIAGONAL) {
		return false;
	}
	if (!components_valid(model->k) || (mixture && !table_valid(model->log_const, model->k))) {
		return false;
	}
	/* At most 256 · 4096 · 4097 / 2 floats: more than 32 bits of bytes, not of values. */
	return table_valid(model->means, model->k * dim) &&
	       table_valid(model->whiten, model->k * whiten);
}

static bool neighbours_valid(const struct tocsin_score_neighbours *model, size_t dim)
{
	if (model->k < 1 || model->k > TOCSIN_SCORE_REFERENCES_MAX || model->references == NULL ||
	    !tocsin_score_finite(model->step) || !(model->step > 0.0f) ||
	    !table_valid(model->gain, model->k)) {
		return false;
	}
	for (uint32_t k = 0; k < model->k; k++) {
		if (!(model->gain[k] > 0.0f)) {
			return false;
		}
	}
	if (model->covariance == TOCSIN_SCORE_FULL) {
		return table_valid(model->whiten, dim * (dim + 1) / 2);
	}
	return model->covariance == TOCSIN_SCORE_DIAGONAL;
}

/* One of the first four kinds; `parameters` is the kind's struct. */
static bool classical_valid(uint32_t kind, const void *parameters, size_t dim)
{
	switch (kind) {
	case TOCSIN_SCORE_KMEANS:
		return kmeans_valid(parameters, dim);
	case TOCSIN_SCORE_GMM:
	case TOCSIN_SCORE_MAHALANOBIS:
		return gaussians_valid(parameters, dim, kind == TOCSIN_SCORE_GMM);
	case TOCSIN_SCORE_NEIGHBOURS:
		return neighbours_valid(parameters, dim);
	default:
		return false;
	}
}

static bool end_valid(float scale, int32_t zero)
{
	return tocsin_score_finite(scale) && scale > 0.0f && zero >= INT8_MIN && zero <= INT8_MAX;
}

static bool quant_valid(const struct tocsin_score_quant *quant)
{
	return end_valid(quant->in_scale, quant->in_zero) &&
	       end_valid(quant->out_scale, quant->out_zero);
}

static bool use_valid(const struct tocsin_score_network *network, size_t dim)
{
	switch (network->use) {
	case TOCSIN_SCORE_RECONSTRUCT:
		return network->n_out == dim && network->first == 0;
	case TOCSIN_SCORE_PREDICT:
		return network->n_out < dim && network->first <= dim - network->n_out;
	case TOCSIN_SCORE_EMBED:
		return network->first == 0 && network->head.kind != 0;
	default:
		return false;
	}
}

static bool network_valid(const struct tocsin_score_network *network, size_t dim)
{
	if (!quant_valid(&network->quant) || network->n_out < 1 ||
	    network->n_out > TOCSIN_SCORE_DIM_MAX || network->fold < 1 ||
	    network->n_out % network->fold != 0 || !use_valid(network, dim)) {
		return false;
	}
	if (network->head.kind == 0) {
		return network->fold == 1;
	}
	return classical_valid(network->head.kind, &network->head.kmeans,
			       network->n_out / network->fold);
}

/* There is one network, and neighbours use the vector up: so no two of a kind. */
static bool combined_valid(const struct tocsin_score_combined *model, size_t dim)
{
	for (int i = 0; i < 2; i++) {
		const struct tocsin_score_member *member = &model->members[i];
		const bool network = member->kind == TOCSIN_SCORE_NETWORK;

		if (!tocsin_score_finite(member->offset) || !tocsin_score_finite(member->weight) ||
		    !(member->weight > 0.0f) ||
		    !(network ? network_valid(&member->network, dim)
			      : classical_valid(member->kind, &member->classical.kmeans, dim))) {
			return false;
		}
	}
	return (model->mode == TOCSIN_SCORE_SUM || model->mode == TOCSIN_SCORE_MAX) &&
	       model->members[0].kind != model->members[1].kind;
}

int tocsin_score_check(const struct tocsin_score_config *cfg)
{
	bool valid;

	if (cfg == NULL || cfg->dim < 1 || cfg->dim > TOCSIN_SCORE_DIM_MAX ||
	    !table_valid(cfg->mean, cfg->dim) || !table_valid(cfg->inv_std, cfg->dim)) {
		return -EINVAL;
	}
	switch (cfg->kind) {
	case TOCSIN_SCORE_AUTOENCODER:
		valid = quant_valid(&cfg->autoencoder);
		break;
	case TOCSIN_SCORE_NETWORK:
		valid = network_valid(&cfg->network, cfg->dim);
		break;
	case TOCSIN_SCORE_COMBINED:
		valid = combined_valid(&cfg->combined, cfg->dim);
		break;
	default:
		valid = classical_valid(cfg->kind, &cfg->kmeans, cfg->dim);
		break;
	}
	return valid ? 0 : -EINVAL;
}
