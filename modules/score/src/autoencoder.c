/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

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

static inline int8_t quantise(float x, float scale, int32_t zero)
{
	float steps = x / scale;

	/* Beyond 256 steps every zero point clamps; so the conversion stays in range. */
	steps = steps > 256.0f ? 256.0f : steps;
	steps = steps < -256.0f ? -256.0f : steps;

	const int32_t q = round_away(steps) + zero;

	return (int8_t)(q > INT8_MAX ? INT8_MAX : q < INT8_MIN ? INT8_MIN : q);
}

int tocsin_score_autoencoder_begin(const struct tocsin_score_config *cfg, const float *vector,
				   float *x, int8_t *input)
{
	/* Read once: bytes that are written might be anything, so also these. */
	const float scale = cfg->autoencoder.in_scale;
	const int32_t zero = cfg->autoencoder.in_zero;
	const size_t dim = cfg->dim;

	if (!tocsin_score_normalise(cfg, vector, x)) {
		return -ERANGE;
	}
	for (size_t i = 0; i < dim; i++) {
		input[i] = quantise(x[i], scale, zero);
	}
	return 0;
}

float tocsin_score_autoencoder_end(const struct tocsin_score_config *cfg, const float *x,
				   const int8_t *output)
{
	const float scale = cfg->autoencoder.out_scale;
	const int32_t zero = cfg->autoencoder.out_zero;
	const size_t dim = cfg->dim;
	float sum = 0.0f;

#pragma GCC unroll 4
	for (size_t i = 0; i < dim; i++) {
		const float error = x[i] - scale * (float)(output[i] - zero);

		sum += error * error;
	}
	return sum / (float)dim;
}
