/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Networks with heads, and combinations: what they are made of is tested alone in test_score.c, so
 * here the parts are scored alone and put together by hand.
 */

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "score_fixture.h"

static struct score_fixture f;
static struct score_fixture other;
static int shift = 3;

/* The score of a configuration whose memory is exactly as large as it asks for. */
static float score_of(const struct tocsin_score_config *cfg, const float *vector)
{
	const size_t size = tocsin_score_needed_size(cfg);
	void *mem = malloc(size);
	struct tocsin_score score;
	float out;

	assert_int_not_equal(size, 0);
	memset(mem, 0xFF, size);
	assert_int_equal(tocsin_score_init(&score, cfg,
					   tocsin_score_inputs(cfg) > 0 ? fixture_network : NULL,
					   &shift, mem, size),
			 0);
	assert_int_equal(tocsin_score_vector(&score, vector, &out), 0);
	free(mem);
	return out;
}

static struct tocsin_score_quant some_quant(struct rng *rng)
{
	return (struct tocsin_score_quant){
		.in_scale = uniform(rng, 0.01, 0.05),
		.in_zero = (int32_t)rng_below(rng, 256) - 128,
		.out_scale = uniform(rng, 0.01, 0.05),
		.out_zero = (int32_t)rng_below(rng, 256) - 128,
	};
}

/* A network over vectors of f's length, whose residual has `part` values times `fold`. */
static struct tocsin_score_network some_network(struct rng *rng, enum tocsin_score_use use,
						uint32_t part, uint32_t fold)
{
	struct tocsin_score_network network = {
		.quant = some_quant(rng), .use = use, .n_out = part * fold, .fold = fold};

	if (use == TOCSIN_SCORE_PREDICT) {
		network.first = (uint32_t)rng_below(rng, f.cfg.dim - network.n_out + 1);
	}
	return network;
}

/* The head takes the place of a model of its own on vectors of `part` values, taken from `other`.
 */
static void put_head(struct tocsin_score_network *network)
{
	const struct tocsin_score_config *cfg = &other.cfg;

	network->head.kind = cfg->kind;
	if (cfg->kind == TOCSIN_SCORE_KMEANS) {
		network->head.kmeans = cfg->kmeans;
	} else if (cfg->kind == TOCSIN_SCORE_NEIGHBOURS) {
		network->head.neighbours = cfg->neighbours;
	} else {
		network->head.gaussians = cfg->gaussians;
	}
}

/* What the network sees of the normalised vector, as a test of its own would do it. */
static size_t inputs_of(const struct tocsin_score_network *network, const float *x, int8_t *input)
{
	size_t n = 0;

	for (uint32_t i = 0; i < f.cfg.dim; i++) {
		const bool target = network->use == TOCSIN_SCORE_PREDICT && i >= network->first &&
				    i < network->first + network->n_out;
		const double q =
			round((double)(x[i] / network->quant.in_scale)) + network->quant.in_zero;

		if (!target) {
			input[n++] = (int8_t)fmax(-128.0, fmin(127.0, q));
		}
	}
	return n;
}

/*
 * Residual or embedding before the fold, in the float32 that the definition asks for; gives the
 * squared distance of the vector to what the input can tell apart.
 */
static float residual_of(const struct tocsin_score_network *network, float *e)
{
	const float low = network->quant.in_scale * (float)(-128 - network->quant.in_zero);
	const float high = network->quant.in_scale * (float)(127 - network->quant.in_zero);
	float away = 0.0f;
	int8_t input[DIM_MAX];
	int8_t output[DIM_MAX];
	float x[DIM_MAX];

	for (uint32_t i = 0; i < f.cfg.dim; i++) {
		const float whole = (f.vector[i] - f.mean[i]) * f.inv_std[i];

		x[i] = fmaxf(low, fminf(high, whole));
		away += (whole - x[i]) * (whole - x[i]);
	}
	fixture_network(&shift, input, inputs_of(network, x, input), output, network->n_out);
	for (uint32_t i = 0; i < network->n_out; i++) {
		const float y =
			network->quant.out_scale * (float)(output[i] - network->quant.out_zero);
		const bool embed = network->use == TOCSIN_SCORE_EMBED;

		e[i] = embed ? y : x[network->first + i] - y;
	}
	return away;
}

/* What a head's score becomes where the vector lies `away` outside of its space. */
static double with_distance(enum tocsin_score_kind kind, double head, double away)
{
	return kind == TOCSIN_SCORE_GMM ? head + away / 2.0 : sqrt(head * head + away);
}

static void without_a_head(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct rng rng = {seed};
		const uint32_t dim = 2 + (uint32_t)rng_below(&rng, DIM_MAX - 1);
		const bool predict = seed % 2 == 0;
		float e[DIM_MAX];
		double sum;
		float got;

		score_fixture_init(&f, &rng, TOCSIN_SCORE_KMEANS, 0, dim, 1);
		f.cfg.kind = TOCSIN_SCORE_NETWORK;
		f.cfg.network = some_network(
			&rng, predict ? TOCSIN_SCORE_PREDICT : TOCSIN_SCORE_RECONSTRUCT,
			predict ? 1 + (uint32_t)rng_below(&rng, dim - 1) : dim, 1);
		sum = residual_of(&f.cfg.network, e);
		for (uint32_t i = 0; i < f.cfg.network.n_out; i++) {
			sum += (double)e[i] * e[i];
		}
		sum /= f.cfg.network.n_out;
		got = score_of(&f.cfg, f.vector);
		if (!(fabs(got - sum) <= 3e-6 * sum + 1e-6)) {
			fail_msg("seed %u: %.9g instead of %.12g", (unsigned int)seed, (double)got,
				 sum);
		}
		if (!predict) {
			const struct tocsin_score_quant quant = f.cfg.network.quant;

			f.cfg.kind = TOCSIN_SCORE_AUTOENCODER;
			f.cfg.autoencoder = quant;
			assert_true(score_of(&f.cfg, f.vector) == got);
		}
	}
}

static const enum tocsin_score_kind head_kinds[] = {
	TOCSIN_SCORE_KMEANS, TOCSIN_SCORE_GMM, TOCSIN_SCORE_MAHALANOBIS, TOCSIN_SCORE_NEIGHBOURS};

/* A network with a head, of any use, on vectors of any length; the head is in `other`. */
static void make_headed(struct rng *rng, uint64_t seed)
{
	const enum tocsin_score_use use = 1 + seed % 3;
	const uint32_t part = 1 + (uint32_t)rng_below(rng, 12);
	const uint32_t fold = 1 + (uint32_t)rng_below(rng, 4);
	const uint32_t more = 1 + (uint32_t)rng_below(rng, 12);
	const uint32_t dim = use == TOCSIN_SCORE_RECONSTRUCT ? part * fold : part * fold + more;

	score_fixture_init(&f, rng, TOCSIN_SCORE_KMEANS, 0, dim, 1);
	score_fixture_init(&other, rng, head_kinds[seed % 4],
			   seed % 8 < 4 ? TOCSIN_SCORE_DIAGONAL : TOCSIN_SCORE_FULL, part,
			   1 + (uint32_t)rng_below(rng, K_MAX));
	f.cfg.kind = TOCSIN_SCORE_NETWORK;
	f.cfg.network = some_network(rng, use, part, fold);
	put_head(&f.cfg.network);
	for (uint32_t i = 0; i < part; i++) {
		other.mean[i] = 0.0f;
		other.inv_std[i] = 1.0f;
	}
}

/* What the head alone makes of the residual of f's vector; the distance comes in `away`. */
static float score_of_head(float *away)
{
	const struct tocsin_score_network *network = &f.cfg.network;
	const uint32_t part = network->n_out / network->fold;
	float e[DIM_MAX];

	*away = residual_of(network, e) / (float)network->fold;
	for (uint32_t i = 0; i < part; i++) {
		float sum = 0.0f;

		for (uint32_t j = 0; j < network->fold; j++) {
			sum += e[j * part + i];
		}
		e[i] = sum / (float)network->fold;
	}
	return score_of(&other.cfg, e);
}

/* Within the input's range the head scores the folded residual as a model of its own, to the bit.
 */
static void heads(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 600; seed++) {
		struct rng rng = {seed};
		float expected;
		float away;

		make_headed(&rng, seed);
		f.cfg.network.quant.in_zero = (int32_t)rng_below(&rng, 8) - 4;
		f.cfg.network.quant.in_scale = 0.03f; /* vectors end at ±3 */
		expected = score_of_head(&away);
		assert_true(away == 0.0f);
		if (score_of(&f.cfg, f.vector) != expected) {
			fail_msg("seed %u: %.9g instead of %.9g", (unsigned int)seed,
				 (double)score_of(&f.cfg, f.vector), (double)expected);
		}
	}
}

/* Beyond it, what the input cannot tell apart is a distance of its own. */
static void heads_beyond_the_range(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 600; seed++) {
		struct rng rng = {seed};
		double expected;
		float away;
		float got;

		make_headed(&rng, seed);
		f.vector[0] = f.mean[0] + 50.0f / f.inv_std[0];
		expected = (double)score_of_head(&away);
		assert_true(away > 100.0f);
		got = score_of(&f.cfg, f.vector);
		if (other.cfg.kind == TOCSIN_SCORE_NEIGHBOURS) {
			/* Which of the references is the nearest depends on the distance. */
			assert_true(got > (float)expected);
			other.cfg.neighbours.k = 1;
			f.cfg.network.head.neighbours.k = 1;
			got = score_of(&f.cfg, f.vector) / other.gain[0];
			expected = (double)score_of_head(&away) / (double)other.gain[0];
		}
		expected = with_distance(other.cfg.kind, expected, (double)away);
		if (!(fabs((double)got - expected) <= 3e-6 * fabs(expected) + 1e-4)) {
			fail_msg("seed %u: %.9g instead of %.12g", (unsigned int)seed, (double)got,
				 expected);
		}
	}
}

/*
 * A vector that goes on moving away from the range is ever stranger, whatever the network says and
 * whichever head hears it: to the network it stays the same vector.
 */
static void ever_further_is_ever_stranger(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 600; seed++) {
		struct rng rng = {seed};
		float direction[DIM_MAX];
		float before = -FLT_MAX;

		make_headed(&rng, seed);
		if (seed % 5 == 0 && f.cfg.network.use != TOCSIN_SCORE_EMBED) {
			f.cfg.network.head.kind = 0;
			f.cfg.network.n_out /= f.cfg.network.fold;
			f.cfg.network.fold = 1;
			if (f.cfg.network.use == TOCSIN_SCORE_RECONSTRUCT) {
				f.cfg.network.n_out = f.cfg.dim;
			}
		}
		for (uint32_t i = 0; i < f.cfg.dim; i++) {
			const float sign = rng_below(&rng, 2) == 0 ? -1.0f : 1.0f;

			direction[i] = sign * uniform(&rng, 0.2, 1.0) / f.inv_std[i];
		}
		/* From where the last value, too, leaves a range of at most 0.05 · 255. */
		for (float away = 13.0f / 0.2f; away < 1e36f; away *= 1.25f) {
			float got;

			for (uint32_t i = 0; i < f.cfg.dim; i++) {
				f.vector[i] = f.mean[i] + away * direction[i];
			}
			got = score_of(&f.cfg, f.vector);
			if (!(got > before || got == FLT_MAX)) {
				fail_msg("seed %u: %.9g at %.3g, %.9g before", (unsigned int)seed,
					 (double)got, (double)away, (double)before);
			}
			before = got;
		}
		assert_true(before == FLT_MAX);
	}
}

static struct tocsin_score_member member_of(const struct tocsin_score_config *cfg, float offset,
					    float weight)
{
	struct tocsin_score_member member = {.kind = cfg->kind, .offset = offset, .weight = weight};

	switch (cfg->kind) {
	case TOCSIN_SCORE_NETWORK:
		member.network = cfg->network;
		break;
	case TOCSIN_SCORE_KMEANS:
		member.classical.kmeans = cfg->kmeans;
		break;
	case TOCSIN_SCORE_NEIGHBOURS:
		member.classical.neighbours = cfg->neighbours;
		break;
	default:
		member.classical.gaussians = cfg->gaussians;
		break;
	}
	return member;
}

/* Every pair of kinds, in either order; neighbours use their vector up, which must not show. */
static void combinations(void **state)
{
	static const enum tocsin_score_kind kinds[] = {
		TOCSIN_SCORE_KMEANS, TOCSIN_SCORE_GMM, TOCSIN_SCORE_MAHALANOBIS,
		TOCSIN_SCORE_NEIGHBOURS, TOCSIN_SCORE_NETWORK};

	(void)state;
	for (uint64_t seed = 0; seed < 400; seed++) {
		struct rng rng = {seed + 1};
		const uint32_t dim = 1 + (uint32_t)rng_below(&rng, DIM_MAX);
		const enum tocsin_score_kind first = kinds[seed % 5];
		const enum tocsin_score_kind second = kinds[(seed + 1 + seed / 5 % 4) % 5];
		const enum tocsin_score_covariance shape = 1 + seed / 20 % 2;
		struct tocsin_score_config cfg;
		float calibrated[2];
		float expected;

		for (int i = 0; i < 2; i++) {
			struct score_fixture *each = i == 0 ? &f : &other;
			const enum tocsin_score_kind kind = i == 0 ? first : second;
			const float offset = uniform(&rng, -3.0, 3.0);
			const float weight = uniform(&rng, 0.1, 3.0);

			score_fixture_init(each, &rng,
					   kind == TOCSIN_SCORE_NETWORK ? TOCSIN_SCORE_KMEANS
									: kind,
					   shape, dim, 1 + (uint32_t)rng_below(&rng, K_MAX));
			if (i == 1) {
				memcpy(other.mean, f.mean, sizeof(f.mean));
				memcpy(other.inv_std, f.inv_std, sizeof(f.inv_std));
			}
			if (kind == TOCSIN_SCORE_NETWORK) {
				each->cfg.kind = kind;
				each->cfg.network =
					some_network(&rng, TOCSIN_SCORE_RECONSTRUCT, dim, 1);
			}
			cfg.combined.members[i] = member_of(&each->cfg, offset, weight);
			calibrated[i] = weight * (score_of(&each->cfg, f.vector) - offset);
		}
		cfg.kind = TOCSIN_SCORE_COMBINED;
		cfg.dim = dim;
		cfg.mean = f.mean;
		cfg.inv_std = f.inv_std;
		cfg.combined.mode = seed / 40 % 2 == 0 ? TOCSIN_SCORE_SUM : TOCSIN_SCORE_MAX;
		expected = cfg.combined.mode == TOCSIN_SCORE_SUM
				   ? calibrated[0] + calibrated[1]
				   : fmaxf(calibrated[0], calibrated[1]);
		if (score_of(&cfg, f.vector) != expected) {
			fail_msg("seed %u: %.9g instead of %.9g", (unsigned int)seed,
				 (double)score_of(&cfg, f.vector), (double)expected);
		}
	}
}

/* A member whose distance overflows is as strange as can be told, and the other does not hide it.
 */
static void a_member_that_overflows(void **state)
{
	struct rng rng = {5};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct tocsin_score_combined model;

		score_fixture_init(&f, &rng, TOCSIN_SCORE_MAHALANOBIS, TOCSIN_SCORE_DIAGONAL, 3, 1);
		score_fixture_init(&other, &rng, TOCSIN_SCORE_KMEANS, 0, 3, 2);
		f.whiten[1] = 3e38f;
		f.vector[1] = f.mean[1] + 1e9f;
		model.mode = i < 2 ? TOCSIN_SCORE_SUM : TOCSIN_SCORE_MAX;
		model.members[i % 2] = member_of(&f.cfg, 0.0f, 1.0f);
		model.members[1 - i % 2] = member_of(&other.cfg, 0.0f, 1.0f);
		f.cfg.combined = model;
		f.cfg.kind = TOCSIN_SCORE_COMBINED;
		assert_true(score_of(&f.cfg, f.vector) == FLT_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_head),
		cmocka_unit_test(heads),
		cmocka_unit_test(heads_beyond_the_range),
		cmocka_unit_test(ever_further_is_ever_stranger),
		cmocka_unit_test(combinations),
		cmocka_unit_test(a_member_that_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
