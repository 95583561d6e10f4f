/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* What the files of this module share with each other only. */

#ifndef TOCSIN_SCORE_SRC_INTERNAL_H_
#define TOCSIN_SCORE_SRC_INTERNAL_H_

#include "../../exact_float.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <tocsin/score.h>

/* On the bit pattern, so that no compiler option can assume the answer. */
static inline bool tocsin_score_finite(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return (bits & 0x7f800000u) != 0x7f800000u;
}

/* x = (v - mean) · inv_std; false where a value is not finite. */
bool tocsin_score_normalise(const struct tocsin_score_config *cfg, const float *vector, float *x);

/*
 * The score of x, dim values, by one of the first four kinds; `parameters` is the kind's struct. x
 * is used up; `work` has tocsin_score_classical_work() values. `away` is added to each squared
 * distance: of what lies outside the space of x, in units of its variance.
 */
float tocsin_score_classical(uint32_t kind, const void *parameters, float *x, size_t dim,
			     float away, float *work);

/* Floats that tocsin_score_classical() works in. */
size_t tocsin_score_classical_work(uint32_t kind, const void *parameters, size_t dim);

/* What the network of `cfg` sees of the normalised x. */
void tocsin_score_quantise(const struct tocsin_score_config *cfg, const float *x, int8_t *input);

/* The score of x, dim values, by what an autoencoder gave. */
float tocsin_score_autoencoder_end(const struct tocsin_score_quant *quant, const float *x,
				   const int8_t *output, size_t dim);

/* The same of any network; `work` has tocsin_score_network_work() values. */
float tocsin_score_network_end(const struct tocsin_score_network *network, const float *x,
			       size_t dim, const int8_t *output, float *work);

/* Floats that tocsin_score_network_end() works in. */
size_t tocsin_score_network_work(const struct tocsin_score_network *network);

/* e^x for x <= 0 (-inf included); 0 below -87. Relative error below 1e-7. */
float tocsin_score_exp(float x);

/* ln(x) for normal finite x >= 1. Error below 5e-8 plus one unit in the last place. */
float tocsin_score_log(float x);

#endif /* TOCSIN_SCORE_SRC_INTERNAL_H_ */
