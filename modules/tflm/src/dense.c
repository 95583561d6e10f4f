/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * See dense.h. The input is widened once: int8 plus its offset as int16, in the order in which the
 * inner loop meets it. Sums are in 32 bits and wrap, as the reference kernel's do on this
 * processor.
 */

#include <arm_acle.h>
#include <stdbool.h>

#include "dense.h"
#include "int8.h"

#define OFFSET(field, at) _Static_assert(offsetof(struct tocsin_dense_pass, field) == (at), #field)

/* As dense_threes.S has them. */
OFFSET(weights, 0);
OFFSET(stride, 4);
OFFSET(x, 8);
OFFSET(end32, 12);
OFFSET(end8, 16);
OFFSET(end, 20);
OFFSET(bias, 24);
OFFSET(bias_step, 28);
OFFSET(base, 32);
OFFSET(groups, 36);
OFFSET(output, 40);
OFFSET(multiplier, 44);
OFFSET(shift, 48);
OFFSET(offset, 52);
OFFSET(least, 56);
OFFSET(most, 60);

#define GROUP TOCSIN_INT8_WORD /* columns in a word of weights */

/* Where column c of a group lies: as SXTB16 takes them out of a word, 0 2 1 3. */
static const uint8_t place[GROUP] = {0, 2, 1, 3};

static void widen(const struct tocsin_dense *layer, const int8_t *input, int16_t *x)
{
	const uint32_t whole = layer->columns & ~(uint32_t)(GROUP - 1);
	const int32_t offsets = tocsin_int8_twice(layer->input_offset);
	int32_t *pairs = (int32_t *)(void *)x;

	for (uint32_t c = 0; c < whole; c += GROUP) {
		const int32_t word = tocsin_int8_load(&input[c]);

		*pairs++ = __sxtab16(offsets, word);
		*pairs++ = __sxtab16(offsets, tocsin_int8_odd_last(word));
	}
	for (uint32_t c = whole; c < layer->columns; c++) {
		x[whole + place[c - whole]] = (int16_t)(input[c] + layer->input_offset);
	}
}

/* One row, wherever it begins: words may be read unaligned, pairs of words may not. */
static int32_t dot(const int8_t *row, const int16_t *x, uint32_t columns)
{
	const uint32_t whole = columns & ~(uint32_t)(GROUP - 1);
	const int32_t *pairs = (const int32_t *)(const void *)x;
	int32_t sum = 0;

	for (uint32_t c = 0; c < whole; c += GROUP) {
		const int32_t word = tocsin_int8_load(&row[c]);

		sum = __smlad(__sxtb16(word), *pairs++, sum);
		sum = __smlad(__sxtb16(tocsin_int8_odd_last(word)), *pairs++, sum);
	}
	for (uint32_t c = whole; c < columns; c++) {
		sum += row[c] * x[whole + place[c - whole]];
	}
	return sum;
}

/* What every row's sum gains from the weights' offset. */
static int32_t constant(const struct tocsin_dense *layer, const int16_t *x)
{
	int32_t sum = 0;

	if (layer->weight_offset != 0) {
		for (uint32_t c = 0; c < layer->columns; c++) {
			sum += x[(c & ~(uint32_t)(GROUP - 1)) + place[c & (GROUP - 1)]];
		}
	}
	return sum * layer->weight_offset;
}

static int8_t finish(const struct tocsin_dense *layer, uint32_t row, int32_t sum)
{
	const uint32_t q = layer->per_row != 0 ? row : 0;
	const int32_t out = tocsin_int8_requantise(sum, layer->multipliers[q], layer->shifts[q]);

	return tocsin_int8_clamp(out + layer->output_offset, layer->least, layer->most);
}

static void run_row(const struct tocsin_dense *layer, const int16_t *x, int32_t base, uint32_t row,
		    int8_t *output)
{
	const int8_t *weights = layer->weights + (size_t)row * layer->columns;
	const int32_t bias = layer->bias != NULL ? layer->bias[row] : 0;

	output[row] = finish(layer, row, base + bias + dot(weights, x, layer->columns));
}

/* Three rows and more, from row on. */
static void run_threes(const struct tocsin_dense *layer, const int16_t *x, int32_t base,
		       uint32_t row, uint32_t groups, int8_t *output)
{
	static const int32_t no_bias[3];
	const uint32_t columns = layer->columns;
	struct tocsin_dense_pass pass = {
		.weights = layer->weights + (size_t)row * columns,
		.stride = columns,
		.x = x,
		.end32 = x + (columns & ~(uint32_t)31),
		.end8 = x + (columns & ~(uint32_t)7),
		.end = x + columns,
		.bias = layer->bias != NULL ? layer->bias + row : no_bias,
		.bias_step = layer->bias != NULL ? sizeof(no_bias) : 0,
		.base = base,
		.groups = groups,
		.output = output + row,
		.offset = layer->output_offset,
		.least = layer->least,
		.most = layer->most,
	};

	if (layer->per_row != 0) {
		pass.multiplier = (intptr_t)(layer->multipliers + row);
		pass.shift = (intptr_t)(layer->shifts + row);
		tocsin_dense_threes_per_row(&pass);
	} else {
		pass.multiplier = layer->multipliers[0];
		pass.shift = layer->shifts[0];
		tocsin_dense_threes(&pass);
	}
}

/* What dense_threes.S takes for granted. */
static bool suits_threes(const struct tocsin_dense *layer)
{
	return layer->rows >= 3 && layer->columns % GROUP == 0 &&
	       (uintptr_t)layer->weights % GROUP == 0 && layer->shifts_right != 0;
}

void tocsin_dense_run(const struct tocsin_dense *layer, const int8_t *input, int8_t *output,
		      int16_t *work)
{
	int32_t base;

	widen(layer, input, work);
	base = constant(layer, work);
	if (suits_threes(layer)) {
		run_threes(layer, work, base, 0, layer->rows / 3, output);
		if (layer->rows % 3 != 0) {
			/* The last rows with one or two that are done already: less than one by
			 * one. */
			run_threes(layer, work, base, layer->rows - 3, 1, output);
		}
		return;
	}
	for (uint32_t row = 0; row < layer->rows; row++) {
		run_row(layer, work, base, row, output);
	}
}
