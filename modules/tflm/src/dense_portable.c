/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* See dense.h: for cores without the DSP extension. The work space stays as it is. */

#include "dense.h"
#include "int8.h"

void tocsin_dense_run(const struct tocsin_dense *layer, const int8_t *input, int8_t *output,
		      int16_t *work)
{
	const int8_t *weights = layer->weights;

	(void)work;
	for (uint32_t row = 0; row < layer->rows; row++, weights += layer->columns) {
		const uint32_t q = layer->per_row != 0 ? row : 0;
		uint32_t sum = layer->bias != NULL ? (uint32_t)layer->bias[row] : 0;
		int32_t out;

		for (uint32_t c = 0; c < layer->columns; c++) {
			sum += (uint32_t)((weights[c] + layer->weight_offset) *
					  (input[c] + layer->input_offset));
		}
		out = tocsin_int8_requantise((int32_t)sum, layer->multipliers[q], layer->shifts[q]);
		output[row] =
			tocsin_int8_clamp(out + layer->output_offset, layer->least, layer->most);
	}
}
