/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <math.h>

#include "internal.h"

/*
 * Round half away from zero, for |x| < 2^22: with the float below ½ added, away from zero, halves
 * reach the next whole number by the addition's own rounding, and what is below a half does not.
 * (Adding ½ would take 0.49999997 there, too.)
 */
static inline int32_t round_away(float x)
{
	const float below_half = 0.49999997f;

	return (int32_t)(x < 0.0f ? x - below_half : x + below_half);
}

/* An int8 input's scale and zero point, and the steps from its zero that it reaches. */
struct input {
	float scale;
	int32_t zero;
	float low;
	float high;
};

static inline struct input input_of(const struct tocsin_score_quant *quant)
{
	return (struct input){
		.scale = quant->in_scale,
		.zero = quant->in_zero,
		.low = (float)(INT8_MIN - quant->in_zero),
		.high = (float)(INT8_MAX - quant->in_zero),
	};
}

/*
 * n values of x. The limits are whole numbers, so steps that are clamped before rounding are
 * clamped after it. Gives where the next input goes.
 */
static __attribute__((noinline)) int8_t *quantise(struct input input, const float *x, size_t n,
						  int8_t *out)
{
	for (; n != 0; n--) {
		float steps = *x++ / input.scale;

		steps = steps > input.high ? input.high : steps;
		steps = steps < input.low ? input.low : steps;
		*out++ = (int8_t)(round_away(steps) + input.zero);
	}
	return out;
}

/* What the int8 input can tell apart: normalised values from `low` to `high`. */
struct range {
	float low;
	float high;
};

static inline struct range range_of(const struct tocsin_score_quant *quant)
{
	return (struct range){
		.low = quant->in_scale * (float)(INT8_MIN - quant->in_zero),
		.high = quant->in_scale * (float)(INT8_MAX - quant->in_zero),
	};
}

static inline float clamp(struct range range, float x)
{
	return x > range.high ? range.high : x < range.low ? range.low : x;
}

/* The network of a configuration that is or holds one; else NULL. */
static const struct tocsin_score_network *network_of(const struct tocsin_score_config *cfg)
{
	if (cfg->kind == TOCSIN_SCORE_NETWORK) {
		return &cfg->network;
	}
	if (cfg->kind == TOCSIN_SCORE_COMBINED) {
		for (int i = 0; i < 2; i++) {
			if (cfg->combined.members[i].kind == TOCSIN_SCORE_NETWORK) {
				return &cfg->combined.members[i].network;
			}
		}
	}
	return NULL;
}

const struct tocsin_score_quant *tocsin_score_quant_of(const struct tocsin_score_config *cfg)
{
	const struct tocsin_score_network *network = network_of(cfg);

	if (cfg->kind == TOCSIN_SCORE_AUTOENCODER) {
		return &cfg->autoencoder;
	}
	return network == NULL ? NULL : &network->quant;
}

size_t tocsin_score_inputs(const struct tocsin_score_config *cfg)
{
	const struct tocsin_score_network *network = network_of(cfg);

	if (network == NULL) {
		return cfg->kind == TOCSIN_SCORE_AUTOENCODER ? cfg->dim : 0;
	}
	return network->use == TOCSIN_SCORE_PREDICT ? cfg->dim - network->n_out : cfg->dim;
}

size_t tocsin_score_outputs(const struct tocsin_score_config *cfg)
{
	const struct tocsin_score_network *network = network_of(cfg);

	if (network == NULL) {
		return cfg->kind == TOCSIN_SCORE_AUTOENCODER ? cfg->dim : 0;
	}
	return network->n_out;
}

void tocsin_score_quantise(const struct tocsin_score_config *cfg, const float *x, int8_t *input)
{
	const struct tocsin_score_network *network = network_of(cfg);
	const bool predict = network != NULL && network->use == TOCSIN_SCORE_PREDICT;
	const struct input seen = input_of(tocsin_score_quant_of(cfg));

	if (!predict) {
		quantise(seen, x, cfg->dim, input);
		return;
	}

	const size_t behind = network->first + network->n_out;

	input = quantise(seen, x, network->first, input);
	quantise(seen, x + behind, cfg->dim - behind, input);
}

/* Squared distance of x, n values, to the range. */
static float beyond(struct range range, const float *x, size_t n)
{
	float sum = 0.0f;

	for (size_t i = 0; i < n; i++) {
		if (x[i] > range.high || x[i] < range.low) {
			const float excess = x[i] - clamp(range, x[i]);

			sum += excess * excess;
		}
	}
	return sum;
}

/* Σ (x - y)² over n values, x the nearest in the range, y the dequantised output, and what is left
 * of x beyond the range: in one pass, for a second one would cost more than the first. */
static float sum_of_squares(const struct tocsin_score_quant *quant, const float *x,
			    const int8_t *output, size_t n)
{
	const struct range range = range_of(quant);
	/* What is no larger lies in the range: one look at most values, where the ends take two. */
	const float inside = range.high < -range.low ? range.high : -range.low;
	const float scale = quant->out_scale;
	const int32_t zero = quant->out_zero;
	float sum = 0.0f;
	float away = 0.0f;

#pragma GCC unroll 2
	for (size_t i = 0; i < n; i++) {
		const float y = scale * (float)(output[i] - zero);
		float seen = x[i];

		if (__builtin_expect(fabsf(x[i]) > inside, 0)) {
			seen = clamp(range, x[i]);
			away += (x[i] - seen) * (x[i] - seen);
		}

		const float error = seen - y;

		sum += error * error;
	}
	return sum + away;
}

float tocsin_score_autoencoder_end(const struct tocsin_score_quant *quant, const float *x,
				   const int8_t *output, size_t dim)
{
	return sum_of_squares(quant, x, output, dim) / (float)dim;
}

/* The residual, or the embedding where there is no target, averaged over the parts. */
static void residual(const struct tocsin_score_network *network, const float *target,
		     const int8_t *output, float *e)
{
	const struct range range = range_of(&network->quant);
	const float scale = network->quant.out_scale;
	const int32_t zero = network->quant.out_zero;
	const size_t part = network->n_out / network->fold;

	for (size_t i = 0; i < part; i++) {
		float sum = 0.0f;

		for (size_t j = i; j < network->n_out; j += part) {
			const float y = scale * (float)(output[j] - zero);

			sum += target != NULL ? clamp(range, target[j]) - y : y;
		}
		e[i] = sum / (float)network->fold;
	}
}

/* Without a head; what the network does not predict has no error, but may lie beyond the range. */
static float mean_square(const struct tocsin_score_network *network, const float *x, size_t dim,
			 const int8_t *output)
{
	const struct range range = range_of(&network->quant);
	const size_t first = network->first;
	const size_t end = first + network->n_out;

	return (sum_of_squares(&network->quant, x + first, output, network->n_out) +
		(beyond(range, x, first) + beyond(range, x + end, dim - end))) /
	       (float)network->n_out;
}

float tocsin_score_network_end(const struct tocsin_score_network *network, const float *x,
			       size_t dim, const int8_t *output, float *work)
{
	const bool embed = network->use == TOCSIN_SCORE_EMBED;
	const size_t part = network->n_out / network->fold;

	if (network->head.kind == 0) {
		return mean_square(network, x, dim, output);
	}
	residual(network, embed ? NULL : x + network->first, output, work);
	return tocsin_score_classical(
		network->head.kind, &network->head.kmeans, work, part,
		beyond(range_of(&network->quant), x, dim) / (float)network->fold, work + part);
}

size_t tocsin_score_network_work(const struct tocsin_score_network *network)
{
	const size_t part = network->n_out / network->fold;

	return network->head.kind == 0
		       ? 0
		       : part + tocsin_score_classical_work(network->head.kind,
							    &network->head.kmeans, part);
}
