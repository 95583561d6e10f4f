/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "score_fixture.h"

#define DIM 5
#define K   3

static struct score_fixture f;
static struct tocsin_score_config *const cfg = &f.cfg;
static enum tocsin_score_kind kind;
static enum tocsin_score_covariance covariance;

static void valid(void)
{
	struct rng rng = {1};

	score_fixture_init(&f, &rng, kind, covariance, DIM, K);
}

#define ACCEPTS(change)                                                                            \
	do {                                                                                       \
		valid();                                                                           \
		change;                                                                            \
		assert_int_equal(tocsin_score_check(cfg), 0);                                      \
		assert_int_not_equal(tocsin_score_needed_size(cfg), 0);                            \
	} while (0)
#define REFUSES(change)                                                                            \
	do {                                                                                       \
		valid();                                                                           \
		change;                                                                            \
		assert_int_equal(tocsin_score_check(cfg), -EINVAL);                                \
		assert_int_equal(tocsin_score_needed_size(cfg), 0);                                \
	} while (0)

/* What holds for every kind. */
static void common(void)
{
	ACCEPTS((void)0);
	REFUSES(cfg->kind = 0);
	REFUSES(cfg->kind = 6);
	REFUSES(cfg->dim = 0);
	REFUSES(cfg->dim = 4097);
	REFUSES(cfg->dim = UINT32_MAX);
	REFUSES(cfg->mean = NULL);
	REFUSES(cfg->inv_std = NULL);
	REFUSES(f.mean[DIM - 1] = NAN);
	REFUSES(f.inv_std[DIM - 1] = INFINITY);
	ACCEPTS(f.inv_std[DIM] = INFINITY); /* past the table */
}

static void kmeans(void **state)
{
	(void)state;
	kind = TOCSIN_SCORE_KMEANS;
	common();
	REFUSES(cfg->kmeans.k = 0);
	REFUSES(cfg->kmeans.k = 257);
	REFUSES(cfg->kmeans.centroids = NULL);
	REFUSES(f.centres[K * DIM - 1] = -INFINITY);
	ACCEPTS(f.centres[K * DIM] = NAN);
	assert_int_equal(tocsin_score_needed_size(cfg), 4 * DIM);
}

static void gaussians(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		const bool mixture = i % 2 == 0;
		const uint32_t k = mixture ? K : 1;
		uint32_t whiten;

		kind = mixture ? TOCSIN_SCORE_GMM : TOCSIN_SCORE_MAHALANOBIS;
		covariance = i < 2 ? TOCSIN_SCORE_DIAGONAL : TOCSIN_SCORE_FULL;
		whiten = k * (i < 2 ? DIM : DIM * (DIM + 1) / 2);
		common();
		REFUSES(cfg->gaussians.k = 0);
		REFUSES(cfg->gaussians.k = mixture ? 257 : 2);
		REFUSES(cfg->gaussians.covariance = 0);
		REFUSES(cfg->gaussians.covariance = 3);
		REFUSES(cfg->gaussians.means = NULL);
		REFUSES(cfg->gaussians.whiten = NULL);
		REFUSES(f.centres[k * DIM - 1] = NAN);
		ACCEPTS(f.centres[k * DIM] = NAN);
		REFUSES(f.whiten[whiten - 1] = INFINITY);
		ACCEPTS(f.whiten[whiten] = INFINITY);
		if (mixture) {
			REFUSES(cfg->gaussians.log_const = NULL);
			REFUSES(f.log_const[K - 1] = -INFINITY);
		}
		valid();
		assert_int_equal(tocsin_score_needed_size(cfg), 4 * DIM * (i < 2 ? 1 : 2));
	}
}

static void neighbours(void **state)
{
	(void)state;
	kind = TOCSIN_SCORE_NEIGHBOURS;
	for (int i = 0; i < 2; i++) {
		covariance = i == 0 ? TOCSIN_SCORE_DIAGONAL : TOCSIN_SCORE_FULL;
		common();
		REFUSES(cfg->neighbours.k = 0);
		REFUSES(cfg->neighbours.k = TOCSIN_SCORE_REFERENCES_MAX + 1);
		REFUSES(cfg->neighbours.covariance = 0);
		REFUSES(cfg->neighbours.covariance = 3);
		REFUSES(cfg->neighbours.step = 0.0f);
		REFUSES(cfg->neighbours.step = -1.0f);
		REFUSES(cfg->neighbours.step = NAN);
		REFUSES(cfg->neighbours.gain = NULL);
		REFUSES(cfg->neighbours.references = NULL);
		REFUSES(f.gain[K - 1] = 0.0f);
		REFUSES(f.gain[K - 1] = NAN);
		ACCEPTS(f.gain[K] = NAN);
		valid();
		assert_int_equal(tocsin_score_needed_size(cfg), 4 * DIM);
	}
	REFUSES(cfg->neighbours.whiten = NULL);
	REFUSES(f.whiten[DIM * (DIM + 1) / 2 - 1] = INFINITY);
	ACCEPTS(f.whiten[DIM * (DIM + 1) / 2] = INFINITY);
}

static void autoencoder(void **state)
{
	(void)state;
	kind = TOCSIN_SCORE_AUTOENCODER;
	common();
	REFUSES(cfg->autoencoder.in_scale = 0.0f);
	REFUSES(cfg->autoencoder.in_scale = -1.0f);
	REFUSES(cfg->autoencoder.in_scale = NAN);
	REFUSES(cfg->autoencoder.out_scale = 0.0f);
	REFUSES(cfg->autoencoder.out_scale = INFINITY);
	REFUSES(cfg->autoencoder.in_zero = 128);
	REFUSES(cfg->autoencoder.in_zero = -129);
	REFUSES(cfg->autoencoder.out_zero = 128);
	REFUSES(cfg->autoencoder.out_zero = -129);
	ACCEPTS((cfg->autoencoder.in_zero = -128, cfg->autoencoder.out_zero = 127));
	assert_int_equal(tocsin_score_needed_size(cfg), 6 * DIM);
}

static void init(void **state)
{
	static _Alignas(8) unsigned char mem[64];
	struct tocsin_score score;

	(void)state;
	assert_int_equal(tocsin_score_check(NULL), -EINVAL);
	assert_int_equal(tocsin_score_needed_size(NULL), 0);
	kind = TOCSIN_SCORE_KMEANS;
	valid();
	assert_int_equal(tocsin_score_init(&score, cfg, NULL, NULL, mem, 4 * DIM), 0);
	assert_int_equal(tocsin_score_init(&score, cfg, NULL, NULL, mem, 4 * DIM - 1), -ENOMEM);
	assert_int_equal(tocsin_score_init(NULL, cfg, NULL, NULL, mem, 64), -EINVAL);
	assert_int_equal(tocsin_score_init(&score, NULL, NULL, NULL, mem, 64), -EINVAL);
	assert_int_equal(tocsin_score_init(&score, cfg, NULL, NULL, NULL, 64), -EINVAL);
	assert_int_equal(tocsin_score_init(&score, cfg, NULL, NULL, mem + 4, 60), -EINVAL);
	cfg->kmeans.k = 0;
	assert_int_equal(tocsin_score_init(&score, cfg, NULL, NULL, mem, 64), -EINVAL);

	kind = TOCSIN_SCORE_AUTOENCODER;
	valid();
	assert_int_equal(tocsin_score_init(&score, cfg, fixture_network, NULL, mem, 64), 0);
	assert_int_equal(tocsin_score_init(&score, cfg, NULL, NULL, mem, 64), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kmeans),     cmocka_unit_test(gaussians),
		cmocka_unit_test(neighbours), cmocka_unit_test(autoencoder),
		cmocka_unit_test(init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
