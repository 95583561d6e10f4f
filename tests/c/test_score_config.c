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

/* As the k-means that is there, but on the residual of a network that predicts values 1 and 2. */
static void to_network(void)
{
	const struct tocsin_score_kmeans kmeans = cfg->kmeans;

	cfg->kind = TOCSIN_SCORE_NETWORK;
	cfg->network = (struct tocsin_score_network){
		.quant = {.in_scale = 0.1f, .out_scale = 0.1f},
		.use = TOCSIN_SCORE_PREDICT,
		.n_out = 2,
		.first = 1,
		.fold = 1,
		.head = {.kind = TOCSIN_SCORE_KMEANS, .kmeans = kmeans},
	};
}

/* That network, and a diagonal Mahalanobis distance. */
static void to_combined(void)
{
	struct tocsin_score_member network = {
		.kind = TOCSIN_SCORE_NETWORK, .offset = 1.0f, .weight = 2.0f};
	struct tocsin_score_member distance = {
		.kind = TOCSIN_SCORE_MAHALANOBIS, .offset = -1.0f, .weight = 0.5f};

	to_network();
	network.network = cfg->network;
	for (int i = 0; i < DIM; i++) {
		f.whiten[i] = 1.0f;
	}
	distance.classical.gaussians = (struct tocsin_score_gaussians){
		.k = 1,
		.covariance = TOCSIN_SCORE_DIAGONAL,
		.means = f.centres,
		.whiten = f.whiten,
	};
	cfg->kind = TOCSIN_SCORE_COMBINED;
	cfg->combined = (struct tocsin_score_combined){.mode = TOCSIN_SCORE_SUM,
						       .members = {network, distance}};
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
	REFUSES(cfg->kind = 8);
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
		uint32_t whiten;

		kind = mixture ? TOCSIN_SCORE_GMM : TOCSIN_SCORE_MAHALANOBIS;
		covariance = i < 2 ? TOCSIN_SCORE_DIAGONAL : TOCSIN_SCORE_FULL;
		whiten = K * (i < 2 ? DIM : DIM * (DIM + 1) / 2);
		common();
		REFUSES(cfg->gaussians.k = 0);
		REFUSES(cfg->gaussians.k = 257);
		REFUSES(cfg->gaussians.covariance = 0);
		REFUSES(cfg->gaussians.covariance = 3);
		REFUSES(cfg->gaussians.means = NULL);
		REFUSES(cfg->gaussians.whiten = NULL);
		REFUSES(f.centres[K * DIM - 1] = NAN);
		ACCEPTS(f.centres[K * DIM] = NAN);
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

/* A network that predicts two of five values, its residual scored by k-means. */
static void network(void **state)
{
	(void)state;
	kind = TOCSIN_SCORE_KMEANS;
#define NETWORK(change) (to_network(), change)
	REFUSES(NETWORK(cfg->network.quant.in_scale = 0.0f));
	REFUSES(NETWORK(cfg->network.quant.out_zero = 128));
	REFUSES(NETWORK(cfg->network.use = 0));
	REFUSES(NETWORK(cfg->network.use = 4));
	REFUSES(NETWORK(cfg->network.n_out = 0));
	REFUSES(NETWORK(cfg->network.n_out = DIM)); /* nothing would be left to predict from */
	REFUSES(NETWORK(cfg->network.n_out = UINT32_MAX));
	REFUSES(NETWORK(cfg->network.first = DIM - 1));
	REFUSES(NETWORK(cfg->network.first = UINT32_MAX));
	ACCEPTS(NETWORK(cfg->network.first = DIM - 2));
	REFUSES(NETWORK(cfg->network.fold = 0));
	REFUSES(NETWORK(cfg->network.fold = 3));
	ACCEPTS(NETWORK(cfg->network.fold = 2));
	REFUSES(NETWORK(cfg->network.head.kind = TOCSIN_SCORE_AUTOENCODER));
	REFUSES(NETWORK(cfg->network.head.kind = TOCSIN_SCORE_NETWORK));
	REFUSES(NETWORK(cfg->network.head.kmeans.k = 0));
	REFUSES(NETWORK(f.centres[K * 2 - 1] = NAN));
	ACCEPTS(NETWORK(f.centres[K * 2] = NAN)); /* past the head's table */
	ACCEPTS(NETWORK(cfg->network.head.kind = 0));
	REFUSES(NETWORK((cfg->network.head.kind = 0, cfg->network.fold = 2)));
	REFUSES(NETWORK(cfg->network.use = TOCSIN_SCORE_RECONSTRUCT)); /* two values are not all */
	REFUSES(NETWORK(cfg->network.use = TOCSIN_SCORE_EMBED));       /* first is not 0 */
	ACCEPTS(NETWORK((cfg->network.use = TOCSIN_SCORE_EMBED, cfg->network.first = 0)));
	REFUSES(NETWORK((cfg->network.use = TOCSIN_SCORE_EMBED, cfg->network.first = 0,
			 cfg->network.head.kind = 0)));

	/* The vector, what the head scores, and the network's ends. */
	valid();
	to_network();
	assert_int_equal(tocsin_score_inputs(cfg), 3);
	assert_int_equal(tocsin_score_outputs(cfg), 2);
	assert_int_equal(tocsin_score_needed_size(cfg), 4 * (DIM + 2) + 3 + 2);
}

static void combined(void **state)
{
	(void)state;
	kind = TOCSIN_SCORE_KMEANS;
#define COMBINED(change) (to_combined(), change)
	ACCEPTS(to_combined());
	REFUSES(COMBINED(cfg->combined.mode = 0));
	REFUSES(COMBINED(cfg->combined.mode = 3));
	for (int i = 0; i < 2; i++) {
		REFUSES(COMBINED(cfg->combined.members[i].offset = NAN));
		REFUSES(COMBINED(cfg->combined.members[i].weight = 0.0f));
		REFUSES(COMBINED(cfg->combined.members[i].weight = -1.0f));
		REFUSES(COMBINED(cfg->combined.members[i].weight = INFINITY));
		REFUSES(COMBINED(cfg->combined.members[i].kind = 0));
		REFUSES(COMBINED(cfg->combined.members[i].kind = TOCSIN_SCORE_AUTOENCODER));
		REFUSES(COMBINED(cfg->combined.members[i].kind = TOCSIN_SCORE_COMBINED));
		REFUSES(COMBINED(cfg->combined.members[i] = cfg->combined.members[1 - i]));
	}
	REFUSES(COMBINED(cfg->combined.members[0].network.n_out = 0));
	REFUSES(COMBINED(cfg->combined.members[1].classical.gaussians.k = 0));
	REFUSES(COMBINED(f.whiten[DIM - 1] = NAN));
	valid();
	to_combined();
	assert_int_equal(tocsin_score_inputs(cfg), 3);
	assert_int_equal(tocsin_score_needed_size(cfg), 4 * (DIM + 2) + 3 + 2);
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

	const struct tocsin_score_ends none = {NULL, NULL};
	const struct tocsin_score_ends ends = {(int8_t *)mem, (int8_t *)mem};

	assert_int_equal(tocsin_score_in_place_size(cfg), 0);
	assert_int_equal(
		tocsin_score_init_in_place(&score, cfg, fixture_network, NULL, &ends, mem, 0), 0);
	assert_int_equal(
		tocsin_score_init_in_place(&score, cfg, fixture_network, NULL, &none, mem, 64),
		-EINVAL);
	assert_int_equal(tocsin_score_init_in_place(&score, cfg, NULL, NULL, &ends, mem, 64),
			 -EINVAL);

	kind = TOCSIN_SCORE_MAHALANOBIS;
	covariance = TOCSIN_SCORE_FULL;
	valid();
	assert_int_equal(tocsin_score_in_place_size(cfg), 4 * DIM);
	assert_int_equal(
		tocsin_score_init_in_place(&score, cfg, NULL, NULL, &none, mem, 4 * DIM - 1),
		-ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kmeans),     cmocka_unit_test(gaussians),
		cmocka_unit_test(neighbours), cmocka_unit_test(autoencoder),
		cmocka_unit_test(network),    cmocka_unit_test(combined),
		cmocka_unit_test(init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
