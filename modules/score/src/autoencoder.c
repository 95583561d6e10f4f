/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include "internal.h"

/* Round half away from zero, for |x| < 2^31; adding ½ first would round 0.49999997 up. */
static int32_t round_away(float x)
{
	const int32_t whole = (int32_t)x;
	const float rest = x - (float)whole; /* exact */

	if (rest >= 0.5f) {
		return whole + 1;
	}
	return rest <= -0.5f ? whole - 1 : whole;
}

static int8_t quantise(float x, float scale, int32_t zero)
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
	if (!tocsin_score_normalise(cfg, vector, x)) {
		return -ERANGE;
	}
	for (size_t i = 0; i < cfg->dim; i++) {
		input[i] = quantise(x[i], cfg->autoencoder.in_scale, cfg->autoencoder.in_zero);
	}
	return 0;
}

float tocsin_score_autoencoder_end(const struct tocsin_score_config *cfg, const float *x,
				   const int8_t *output)
{
	const float scale = cfg->autoencoder.out_scale;
	const int32_t zero = cfg->autoencoder.out_zero;
	float sum = 0.0f;

	for (size_t i = 0; i < cfg->dim; i++) {
		const float error = x[i] - scale * (float)(output[i] - zero);

		sum += error * error;
	}
	return sum / (float)cfg->dim;
}
