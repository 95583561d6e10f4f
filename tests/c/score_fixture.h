/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Random models of every kind, and the score by its formula in float64. */

#ifndef TOCSIN_TEST_SCORE_FIXTURE_H_
#define TOCSIN_TEST_SCORE_FIXTURE_H_

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/score.h>

#include "rng.h"

#define DIM_MAX   64
#define K_MAX     16
#define WHITEN_AT (DIM_MAX * (DIM_MAX + 1) / 2)

struct score_fixture {
	struct tocsin_score_config cfg;
	float mean[DIM_MAX];
	float inv_std[DIM_MAX];
	float log_const[K_MAX];
	float centres[K_MAX * DIM_MAX];
	float whiten[K_MAX * WHITEN_AT];
	float gain[K_MAX];
	int8_t references[K_MAX * DIM_MAX];
	float vector[DIM_MAX];
};

static inline float uniform(struct rng *rng, double low, double high)
{
	return (float)(low + (high - low) * rng_unit(rng));
}

static inline void fixture_gaussians(struct score_fixture *f, struct rng *rng, uint32_t k,
				     enum tocsin_score_covariance covariance)
{
	const uint32_t dim = f->cfg.dim;
	float *w = f->whiten;

	for (uint32_t c = 0; c < k; c++) {
		double log_det = 0.0;

		for (uint32_t i = 0; i < dim; i++) {
			for (uint32_t j = 0; covariance == TOCSIN_SCORE_FULL && j < i; j++) {
				*w++ = uniform(rng, -0.3, 0.3);
			}
			*w = uniform(rng, 0.5, 3.0);
			log_det += log((double)*w++);
		}
		f->log_const[c] = (float)(log(1.0 / k) - 0.9189385332 * dim + log_det);
	}
	f->cfg.gaussians = (struct tocsin_score_gaussians){
		.k = k,
		.covariance = covariance,
		.log_const = f->cfg.kind == TOCSIN_SCORE_GMM ? f->log_const : NULL,
		.means = f->centres,
		.whiten = f->whiten,
	};
}

static inline void fixture_neighbours(struct score_fixture *f, struct rng *rng, uint32_t k,
				      enum tocsin_score_covariance covariance)
{
	const uint32_t dim = f->cfg.dim;
	const bool full = covariance == TOCSIN_SCORE_FULL;

	for (uint32_t i = 0; full && i < dim * (dim + 1) / 2; i++) {
		f->whiten[i] = uniform(rng, -1.0, 1.0);
	}
	for (uint32_t i = 0; i < k; i++) {
		f->gain[i] = uniform(rng, 0.2, 4.0);
	}
	for (uint32_t i = 0; i < k * dim; i++) {
		f->references[i] = (int8_t)((int)rng_below(rng, 256) - 128);
	}
	f->cfg.neighbours = (struct tocsin_score_neighbours){
		.k = k,
		.covariance = covariance,
		.step = uniform(rng, 0.01, 0.05),
		.whiten = full ? f->whiten : NULL,
		.gain = f->gain,
		.references = f->references,
	};
}

/* A valid configuration of a kind that stands alone. */
static inline void score_fixture_init(struct score_fixture *f, struct rng *rng,
				      enum tocsin_score_kind kind,
				      enum tocsin_score_covariance covariance, uint32_t dim,
				      uint32_t k)
{
	f->cfg = (struct tocsin_score_config){
		.kind = kind, .dim = dim, .mean = f->mean, .inv_std = f->inv_std};
	for (uint32_t i = 0; i < dim; i++) {
		f->mean[i] = uniform(rng, -60.0, 0.0);
		f->inv_std[i] = uniform(rng, 0.1, 2.0);
		f->vector[i] = f->mean[i] + uniform(rng, -3.0, 3.0) / f->inv_std[i];
	}
	for (uint32_t i = 0; i < k * dim; i++) {
		f->centres[i] = uniform(rng, -2.0, 2.0);
	}
	switch (kind) {
	case TOCSIN_SCORE_KMEANS:
		f->cfg.kmeans = (struct tocsin_score_kmeans){.k = k, .centroids = f->centres};
		break;
	case TOCSIN_SCORE_NEIGHBOURS:
		fixture_neighbours(f, rng, k, covariance);
		break;
	case TOCSIN_SCORE_AUTOENCODER:
		f->cfg.autoencoder = (struct tocsin_score_quant){
			.in_scale = uniform(rng, 0.01, 0.05),
			.in_zero = (int32_t)rng_below(rng, 256) - 128,
			.out_scale = uniform(rng, 0.01, 0.05),
			.out_zero = (int32_t)rng_below(rng, 256) - 128,
		};
		break;
	default:
		fixture_gaussians(f, rng, k, covariance);
		break;
	}
}

/* Values of a normalised vector, in float64. */
static inline double reference_x(const struct score_fixture *f, size_t i)
{
	return ((double)f->vector[i] - (double)f->mean[i]) * (double)f->inv_std[i];
}

static inline double reference_kmeans(const struct score_fixture *f)
{
	double nearest = INFINITY;

	for (uint32_t k = 0; k < f->cfg.kmeans.k; k++) {
		double square = 0.0;

		for (size_t i = 0; i < f->cfg.dim; i++) {
			square +=
				pow(reference_x(f, i) - (double)f->centres[k * f->cfg.dim + i], 2);
		}
		nearest = fmin(nearest, sqrt(square));
	}
	return nearest;
}

static inline double reference_neighbours(const struct score_fixture *f)
{
	const struct tocsin_score_neighbours *n = &f->cfg.neighbours;
	const size_t dim = f->cfg.dim;
	double nearest = INFINITY;

	for (uint32_t k = 0; k < n->k; k++) {
		double square = 0.0;

		for (size_t i = 0; i < dim; i++) {
			double z = reference_x(f, i);

			if (n->covariance == TOCSIN_SCORE_FULL) {
				z = 0.0;
				for (size_t j = 0; j <= i; j++) {
					z += (double)f->whiten[i * (i + 1) / 2 + j] *
					     reference_x(f, j);
				}
			}
			square += pow(z - (double)n->step * f->references[k * dim + i], 2);
		}
		nearest = fmin(nearest, sqrt(square) * (double)f->gain[k]);
	}
	return nearest;
}

static inline double reference_square(const struct score_fixture *f, uint32_t k)
{
	const bool full = f->cfg.gaussians.covariance == TOCSIN_SCORE_FULL;
	const size_t dim = f->cfg.dim;
	const float *w = f->whiten + k * (full ? dim * (dim + 1) / 2 : dim);
	double square = 0.0;

	for (size_t i = 0; i < dim; i++) {
		double y = 0.0;

		for (size_t j = full ? 0 : i; j <= i; j++) {
			y += (double)*w++ * (reference_x(f, j) - (double)f->centres[k * dim + j]);
		}
		square += y * y;
	}
	return square;
}

/* For a mixture or Mahalanobis. */
static inline double reference_gaussians(const struct score_fixture *f)
{
	double greatest = -INFINITY;
	double sum = 0.0;

	if (f->cfg.kind == TOCSIN_SCORE_MAHALANOBIS) {
		double nearest = INFINITY;

		for (uint32_t k = 0; k < f->cfg.gaussians.k; k++) {
			nearest = fmin(nearest, reference_square(f, k));
		}
		return sqrt(nearest);
	}
	for (uint32_t k = 0; k < f->cfg.gaussians.k; k++) {
		greatest = fmax(greatest, (double)f->log_const[k] - 0.5 * reference_square(f, k));
	}
	for (uint32_t k = 0; k < f->cfg.gaussians.k; k++) {
		sum += exp((double)f->log_const[k] - 0.5 * reference_square(f, k) - greatest);
	}
	return -(greatest + log(sum));
}

/* A network for tests: the input backwards, over and over, moved by *ctx, the ends clamped. */
static inline int fixture_network(void *ctx, const int8_t *input, size_t n_in, int8_t *output,
				  size_t n_out)
{
	const int by = *(const int *)ctx;

	for (size_t i = 0; i < n_out; i++) {
		const int q = input[n_in - 1 - i % n_in] + by;

		output[i] = (int8_t)(q > 127 ? 127 : q < -128 ? -128 : q);
	}
	return 0;
}

#endif /* TOCSIN_TEST_SCORE_FIXTURE_H_ */
