/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The same score everywhere: as test_dsp_golden.c, for the scores. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checksum.h"
#include "score_fixture.h"

static const struct golden {
	enum tocsin_score_kind kind;
	enum tocsin_score_covariance covariance;
	uint32_t dim;
	uint32_t k;
	uint32_t hash;
	bool within; /* the network's input tells all values apart */
} golden[] = {
	{TOCSIN_SCORE_KMEANS, 0, 64, 16, 0x19325d9a, false},
	{TOCSIN_SCORE_GMM, TOCSIN_SCORE_DIAGONAL, 64, 16, 0xd635d233, false},
	{TOCSIN_SCORE_GMM, TOCSIN_SCORE_FULL, 33, 8, 0x7ff0a27c, false},
	{TOCSIN_SCORE_GMM, TOCSIN_SCORE_FULL, 1, 16, 0x84815b4b, false},
	{TOCSIN_SCORE_MAHALANOBIS, TOCSIN_SCORE_DIAGONAL, 64, 1, 0x838b3ceb, false},
	{TOCSIN_SCORE_MAHALANOBIS, TOCSIN_SCORE_FULL, 64, 1, 0x560a20cd, false},
	{TOCSIN_SCORE_MAHALANOBIS, TOCSIN_SCORE_FULL, 33, 5, 0x2f4a11e5, false},
	{TOCSIN_SCORE_AUTOENCODER, 0, 64, 0, 0xf7eef056, false},
	{TOCSIN_SCORE_AUTOENCODER, 0, 64, 0, 0x2bbd8720, true},
	{TOCSIN_SCORE_NEIGHBOURS, TOCSIN_SCORE_DIAGONAL, 64, 16, 0xe50df8d4, false},
	{TOCSIN_SCORE_NEIGHBOURS, TOCSIN_SCORE_FULL, 33, 16, 0xb2e04ac8, false},
};

#define CASES (sizeof(golden) / sizeof(golden[0]))

/*
 * The fixture's log_const comes from a libm, whose last bit may differ; what counts here is the
 * module, so a dyadic one replaces it. All else in the fixture is exact, but rounded once.
 */
static void make_exact(struct score_fixture *f)
{
	for (int k = 0; k < K_MAX; k++) {
		f->log_const[k] = -20.0f - 0.375f * (float)k;
	}
}

static uint32_t run(const struct golden *g)
{
	static struct score_fixture f;
	static _Alignas(8) unsigned char mem[8 * DIM_MAX];
	struct tocsin_score score;
	struct rng rng = {g->dim};
	uint32_t hash = CHECKSUM_INIT;
	int shift = 3;

	for (int i = 0; i < 100; i++) {
		float x;

		score_fixture_init(&f, &rng, g->kind, g->covariance, g->dim, g->k);
		make_exact(&f);
		if (g->within) {
			f.cfg.autoencoder.in_scale = 0.03125f;
			f.cfg.autoencoder.in_zero = i % 32 - 16;
		}
		assert_int_equal(tocsin_score_init(&score, &f.cfg, fixture_network, &shift, mem,
						   sizeof(mem)),
				 0);
		assert_int_equal(tocsin_score_vector(&score, f.vector, &x), 0);
		hash = checksum_floats(hash, &x, 1);
	}
	return hash;
}

static void scores(void **state)
{
	bool same = true;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		const uint32_t hash = run(&golden[i]);

		if (hash != golden[i].hash) {
			print_error("case %zu: 0x%08x instead of 0x%08x\n", i, (unsigned int)hash,
				    (unsigned int)golden[i].hash);
			same = false;
		}
	}
	assert_true(same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
