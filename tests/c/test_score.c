/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "score_fixture.h"

#include "../../modules/score/src/internal.h"

static struct score_fixture f;
static struct tocsin_score score;
static void *mem;
static int shift = 3;

static const enum tocsin_score_kind kinds[] = {TOCSIN_SCORE_KMEANS, TOCSIN_SCORE_GMM,
					       TOCSIN_SCORE_MAHALANOBIS, TOCSIN_SCORE_AUTOENCODER,
					       TOCSIN_SCORE_NEIGHBOURS};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int teardown(void **state)
{
	(void)state;
	free(mem);
	mem = NULL;
	return 0;
}

static void start(void)
{
	const size_t size = tocsin_score_needed_size(&f.cfg);

	assert_int_not_equal(size, 0);
	free(mem);
	mem = malloc(size);
	assert_non_null(mem);
	memset(mem, 0xFF, size);
	assert_int_equal(tocsin_score_init(&score, &f.cfg, fixture_network, &shift, mem, size), 0);
}

/* The same in memory that is there already, beside which there is exactly what is asked for. */
static float in_place(void)
{
	const size_t size = tocsin_score_in_place_size(&f.cfg);
	int8_t *input = malloc(f.cfg.dim);
	const struct tocsin_score_ends ends = {input, malloc(f.cfg.dim)};
	void *own = malloc(size > 0 ? size : 1);
	float *vector = malloc(sizeof(float) * f.cfg.dim);
	float out;

	assert_non_null(own);
	assert_non_null(vector);
	memcpy(vector, f.vector, sizeof(float) * f.cfg.dim);
	assert_int_equal(tocsin_score_init_in_place(&score, &f.cfg, fixture_network, &shift, &ends,
						    own, size),
			 0);
	assert_int_equal(tocsin_score_in_place(&score, vector, &out), 0);
	free(vector);
	free(own);
	free(ends.output);
	free(input);
	return out;
}

static void expect(const char *what, uint64_t seed, double exact, double tolerance)
{
	float got;

	assert_int_equal(tocsin_score_vector(&score, f.vector, &got), 0);
	if (!(fabs((double)got - exact) <= tolerance)) {
		fail_msg("%s, seed %u: %.9g instead of %.12g", what, (unsigned int)seed,
			 (double)got, exact);
	}

	const float same = in_place();

	assert_memory_equal(&same, &got, sizeof(got));
}

static void kmeans(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct rng rng = {seed};
		double exact;

		score_fixture_init(&f, &rng, TOCSIN_SCORE_KMEANS, 0, 1 + rng_below(&rng, DIM_MAX),
				   1 + rng_below(&rng, K_MAX));
		start();
		exact = reference_kmeans(&f);
		expect("k-means", seed, exact, 2e-6 * exact + 1e-5);
	}
}

static void gaussians(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct rng rng = {seed};
		const bool mixture = seed % 2 != 0;
		double exact;
		double size;

		score_fixture_init(&f, &rng, mixture ? TOCSIN_SCORE_GMM : TOCSIN_SCORE_MAHALANOBIS,
				   seed % 4 < 2 ? TOCSIN_SCORE_DIAGONAL : TOCSIN_SCORE_FULL,
				   1 + rng_below(&rng, DIM_MAX), 1 + rng_below(&rng, K_MAX));
		start();
		exact = reference_gaussians(&f);
		/* The parts that a mixture's score is the difference of. */
		size = mixture ? fabs(exact) + 3.0 * f.cfg.dim : exact;
		expect(mixture ? "mixture" : "Mahalanobis", seed, exact, 3e-6 * size + 1e-5);
	}
}

static void neighbours(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct rng rng = {seed};
		double exact;

		score_fixture_init(&f, &rng, TOCSIN_SCORE_NEIGHBOURS,
				   seed % 2 != 0 ? TOCSIN_SCORE_DIAGONAL : TOCSIN_SCORE_FULL,
				   1 + rng_below(&rng, DIM_MAX), 1 + rng_below(&rng, K_MAX));
		start();
		exact = reference_neighbours(&f);
		expect("neighbours", seed, exact, 1e-5 * exact + 1e-5);
	}
}

/* Components of equal weight at one place: log k, whatever k is; none underflows. */
static void mixture_of_equals(void **state)
{
	struct rng rng = {1};

	(void)state;
	score_fixture_init(&f, &rng, TOCSIN_SCORE_GMM, TOCSIN_SCORE_DIAGONAL, 4, K_MAX);
	memset(f.centres, 0, sizeof(f.centres));
	memcpy(f.vector, f.mean, sizeof(f.vector));
	for (uint32_t k = 1; k <= K_MAX; k++) {
		for (uint32_t c = 0; c < k; c++) {
			f.log_const[c] = -500.0f;
		}
		f.cfg.gaussians.k = k;
		start();
		expect("equals", k, 500.0 - log(k), 5e-5);
	}
}

/* Order of the components must not matter by more than rounding, even where they underflow. */
static void far_components(void **state)
{
	struct rng rng = {2};

	(void)state;
	score_fixture_init(&f, &rng, TOCSIN_SCORE_GMM, TOCSIN_SCORE_DIAGONAL, 1, 3);
	f.mean[0] = 0.0f;
	f.inv_std[0] = 1.0f;
	f.vector[0] = 0.0f;
	for (int first = 0; first < 3; first++) {
		for (int k = 0; k < 3; k++) {
			static const float places[] = {0.0f, 1e3f, 3e19f};

			f.centres[k] = places[(first + k) % 3];
			f.whiten[k] = 1.0f;
			f.log_const[k] = -1.0f;
		}
		start();
		expect("far", (uint64_t)first, 1.0, 1e-6); /* the last one's square is infinite */
	}
}

static void autoencoder(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct rng rng = {seed};
		int8_t input[DIM_MAX];
		int8_t output[DIM_MAX];
		double error = 0.0;

		score_fixture_init(&f, &rng, TOCSIN_SCORE_AUTOENCODER, 0,
				   1 + rng_below(&rng, DIM_MAX), 0);
		start();

		const struct tocsin_score_quant *ae = &f.cfg.autoencoder;

		for (size_t i = 0; i < f.cfg.dim; i++) {
			/* By the float32 x, or a value near a boundary could go either way. */
			const float x = (f.vector[i] - f.mean[i]) * f.inv_std[i];
			const double q = round((double)(x / ae->in_scale)) + ae->in_zero;

			input[i] = (int8_t)fmax(-128.0, fmin(127.0, q));
		}
		fixture_network(&shift, input, f.cfg.dim, output, f.cfg.dim);
		for (size_t i = 0; i < f.cfg.dim; i++) {
			const double y = (double)ae->out_scale * (output[i] - ae->out_zero);

			const double seen = fmax((double)ae->in_scale * (-128 - ae->in_zero),
						 fmin((double)ae->in_scale * (127 - ae->in_zero),
						      reference_x(&f, i)));

			error += pow(seen - y, 2) / f.cfg.dim;
			error += pow(reference_x(&f, i) - seen, 2) / f.cfg.dim;
		}
		expect("autoencoder", seed, error, 3e-6 * error + 1e-6);
	}
}

/* Half a step goes away from zero; just below it does not; what is far off clamps. */
static void quantisation(void **state)
{
	static const struct {
		float x;
		int8_t q;
	} cases[] = {
		{0.0f, 0},       {0.5f, 1},        {-0.5f, -1},   {0x1.fffffep-2f, 0},
		{1.5f, 2},       {-1.5f, -2},      {2.5f, 3},     {-0x1.fffffep-2f, 0},
		{126.5f, 127},   {127.0f, 127},    {127.5f, 127}, {-127.5f, -128},
		{-128.0f, -128}, {-128.5f, -128},  {1e9f, 127},   {-1e9f, -128},
		{FLT_MAX, 127},  {-FLT_MAX, -128},
	};
	const float zero = 0.0f;
	const float one = 1.0f;
	struct tocsin_score_config cfg = {
		.kind = TOCSIN_SCORE_AUTOENCODER,
		.dim = 1,
		.mean = &zero,
		.inv_std = &one,
		.autoencoder = {.in_scale = 1.0f, .out_scale = 1.0f},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		float x;
		int8_t q;

		assert_int_equal(tocsin_score_begin(&cfg, &cases[i].x, &x, &q), 0);
		assert_int_equal(q, cases[i].q);
		assert_true(x == cases[i].x);
	}

	/* The zero point is added before the clamp, and the step is the scale. */
	_Alignas(8) unsigned char memory[8];
	float x = -0.75f;
	int8_t q;

	cfg.autoencoder = (struct tocsin_score_quant){0.25f, -100, 0.5f, 100};
	assert_int_equal(tocsin_score_begin(&cfg, &x, &x, &q), 0);
	assert_int_equal(q, -103);
	x = 1e-30f;
	cfg.autoencoder.in_scale = FLT_MIN; /* the quotient overflows */
	assert_int_equal(tocsin_score_begin(&cfg, &x, &x, &q), 0);
	assert_int_equal(q, 127);

	x = 3.0f;
	q = 104;
	cfg.autoencoder.in_scale = 0.25f;
	assert_int_equal(tocsin_score_init(&score, &cfg, fixture_network, NULL, memory, 8), 0);
	assert_int_equal(tocsin_score_end(&score, &x, &q, &x), 0);
	assert_true(x == 1.0f);
}

static int refuse(void *ctx, const int8_t *input, size_t n_in, int8_t *output, size_t n_out)
{
	(void)input;
	(void)n_in;
	(void)output;
	(void)n_out;
	return *(const int *)ctx;
}

static void network_refuses(void **state)
{
	struct rng rng = {3};
	int err = -EIO;
	float out = 77.0f;

	(void)state;
	score_fixture_init(&f, &rng, TOCSIN_SCORE_AUTOENCODER, 0, 5, 0);
	start();
	score.infer = refuse;
	score.ctx = &err;
	assert_int_equal(tocsin_score_vector(&score, f.vector, &out), -EIO);
	assert_true(out == 77.0f);
}

/* A vector that is not finite, as it comes or normalised, has no score: the answer is left alone.
 */
static void not_finite(void **state)
{
	static const float bad[] = {NAN, INFINITY, -INFINITY, FLT_MAX};

	(void)state;
	for (size_t kind = 0; kind < 2 * KINDS; kind++) {
		for (size_t b = 0; b < 4; b++) {
			struct rng rng = {b + 1};
			float out = 77.0f;

			score_fixture_init(&f, &rng, kinds[kind / 2],
					   kind % 2 ? TOCSIN_SCORE_FULL : TOCSIN_SCORE_DIAGONAL, 7,
					   2);
			f.inv_std[3] = 2.0f;
			f.vector[3] = bad[b];
			start();
			assert_int_equal(tocsin_score_vector(&score, f.vector, &out), -ERANGE);
			assert_true(out == 77.0f);
		}
	}
}

/* As a vector moves away, its score grows, and where a float no longer holds it, it is the
 * greatest. */
static void far_away(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < 2 * KINDS; kind++) {
		for (uint64_t seed = 1; seed <= 20; seed++) {
			struct rng rng = {seed};
			float before = -FLT_MAX;
			float direction[DIM_MAX];

			score_fixture_init(&f, &rng, kinds[kind / 2],
					   kind % 2 ? TOCSIN_SCORE_FULL : TOCSIN_SCORE_DIAGONAL,
					   1 + rng_below(&rng, DIM_MAX),
					   1 + rng_below(&rng, K_MAX));
			for (uint32_t i = 0; i < f.cfg.dim; i++) {
				direction[i] = uniform(&rng, -1.0, 1.0) / f.inv_std[i];
			}
			start();
			for (float away = 300.0f; away < 1e36f; away *= 3.0f) {
				float got;

				for (uint32_t i = 0; i < f.cfg.dim; i++) {
					f.vector[i] = f.mean[i] + away * direction[i];
				}
				assert_int_equal(tocsin_score_vector(&score, f.vector, &got), 0);
				if (!(got > before || got == FLT_MAX)) {
					fail_msg("kind %u, seed %u: %.9g at %.3g, %.9g before",
						 (unsigned int)kinds[kind / 2], (unsigned int)seed,
						 (double)got, (double)away, (double)before);
				}
				before = got;
			}
			assert_true(before == FLT_MAX);
		}
	}
}

static void exponential(void **state)
{
	double worst = 0.0;

	(void)state;
	for (uint32_t bits = 0x80000000; bits <= 0xc2ae0000; bits += 101) {
		float x;

		memcpy(&x, &bits, sizeof(x));
		worst = fmax(worst, fabs((double)tocsin_score_exp(x) / exp((double)x) - 1.0));
	}
	if (!(worst < 1e-7)) {
		fail_msg("relative error %g", worst);
	}
	assert_true(tocsin_score_exp(0.0f) == 1.0f);
	assert_true(tocsin_score_exp(-88.0f) == 0.0f);
	assert_true(tocsin_score_exp(-FLT_MAX) == 0.0f);
	assert_true(tocsin_score_exp(-INFINITY) == 0.0f);
}

static void logarithm(void **state)
{
	(void)state;
	/* A sum of at most 256 terms, the greatest 1; and any other float from 1 on. */
	for (uint32_t bits = 0x3f800000; bits < 0x7f800000; bits += bits < 0x43800000 ? 11 : 9973) {
		float x;

		memcpy(&x, &bits, sizeof(x));

		const float y = tocsin_score_log(x);
		const double ulp = (double)(nextafterf(y, INFINITY) - y);

		if (!(fabs((double)y - log((double)x)) < 5e-8 + ulp)) {
			fail_msg("log(%a) = %.9g", (double)x, (double)y);
		}
	}
	assert_true(tocsin_score_log(1.0f) == 0.0f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kmeans),         cmocka_unit_test(gaussians),
		cmocka_unit_test(neighbours),     cmocka_unit_test(mixture_of_equals),
		cmocka_unit_test(far_components), cmocka_unit_test(autoencoder),
		cmocka_unit_test(quantisation),   cmocka_unit_test(network_refuses),
		cmocka_unit_test(not_finite),     cmocka_unit_test(far_away),
		cmocka_unit_test(exponential),    cmocka_unit_test(logarithm),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
