/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The fully connected layer against TensorFlow Lite's reference kernel: every byte equal, for
 * random layers of odd sizes, any zero point, any quantisation that the converter may write, and
 * weights that begin anywhere.
 */

#include <zephyr/ztest.h>

#include "tensorflow/lite/kernels/internal/reference/integer_ops/fully_connected.h"

#include "dense.h"
#include "random.h"

namespace
{

constexpr uint32_t kRows = 70;
constexpr uint32_t kColumns = 330;
constexpr int8_t kUntouched = 0x5a;

alignas(16) int8_t weights[kRows * kColumns + 16];
alignas(16) int8_t input[kColumns + 16];
int8_t output[kRows + 1];
int8_t expected[kRows];
int32_t bias[kRows];
int32_t multipliers[kRows];
int32_t shifts[kRows];
alignas(4) int16_t work[kColumns + 4];

/* What was tried, to see that all of it was. */
struct {
	uint32_t aligned;
	uint32_t unaligned;
	uint32_t per_row;
	uint32_t weight_offset;
	uint32_t no_bias;
	uint32_t left_shift;
	uint32_t extremes;
	uint32_t saturated;
	uint32_t inside;
} seen;

void fill(int8_t *to, size_t n, bool extreme)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = extreme ? (one_in(2) ? INT8_MIN : INT8_MAX)
				: static_cast<int8_t>(random_bits());
	}
}

struct tocsin_dense random_layer()
{
	struct tocsin_dense layer = {};
	const bool extreme = one_in(8);
	/* Often just around a multiple of 32, 8 or 4. */
	int32_t columns = between(1, kColumns);

	if (one_in(2)) {
		/* Around a multiple of 32 or 8, where the loops end. */
		columns = between(0, 10) * 32 + between(0, 1) * 8 + between(-5, 5);
	}
	if (one_in(2)) {
		columns = columns / 4 * 4;
	}
	columns = columns < 1 ? 4 : columns;
	layer.columns = columns > static_cast<int32_t>(kColumns) ? kColumns
								 : static_cast<uint32_t>(columns);
	layer.rows = static_cast<uint32_t>(between(1, kRows));
	layer.weights = weights + (one_in(4) ? between(1, 15) : 0);
	layer.input_offset = between(-127, 128);
	layer.output_offset = between(-128, 127);
	layer.weight_offset = one_in(5) ? between(-127, 128) : 0;
	layer.per_row = layer.weight_offset == 0 && one_in(2) ? 1 : 0;
	layer.bias = one_in(6) ? nullptr : bias;
	layer.least = one_in(2) ? -128 : layer.output_offset;
	layer.most = one_in(3) ? between(layer.least, 127) : 127;
	layer.multipliers = multipliers;
	layer.shifts = shifts;
	fill(weights, sizeof(weights), extreme);
	fill(input, sizeof(input), extreme);

	/* As far to the right as brings the sums into eight bits, or a little less or much more. */
	const bool left = one_in(10);

	for (uint32_t r = 0; r < kRows; r++) {
		bias[r] = one_in(4) ? static_cast<int32_t>(random_bits()) / 4
				    : between(-50000, 50000);
		multipliers[r] = static_cast<int32_t>((random_bits() & 0x3fffffff) | 0x40000000);
		shifts[r] = left && one_in(2) ? between(0, 3)
			    : one_in(20)      ? between(-31, -20)
					      : between(-14, -5);
	}
	layer.shifts_right = tocsin_dense_shifts_right(shifts, layer.per_row != 0 ? layer.rows : 1);
	seen.extremes += extreme;
	seen.left_shift += left;
	seen.per_row += layer.per_row;
	seen.weight_offset += layer.weight_offset != 0;
	seen.no_bias += layer.bias == nullptr;
	if (layer.columns % 4 == 0 && layer.weights == weights) {
		seen.aligned++;
	} else {
		seen.unaligned++;
	}
	return layer;
}

void run_reference(const struct tocsin_dense &layer, const int8_t *from)
{
	const int32_t in[] = {1, static_cast<int32_t>(layer.columns)};
	const int32_t filter[] = {static_cast<int32_t>(layer.rows),
				  static_cast<int32_t>(layer.columns)};
	const int32_t out[] = {1, static_cast<int32_t>(layer.rows)};
	const tflite::RuntimeShape in_shape(2, in);
	const tflite::RuntimeShape filter_shape(2, filter);
	const tflite::RuntimeShape bias_shape(1, &out[1]);
	const tflite::RuntimeShape out_shape(2, out);
	tflite::FullyConnectedParams params = {};

	params.input_offset = layer.input_offset;
	params.weights_offset = layer.weight_offset;
	params.output_offset = layer.output_offset;
	params.output_multiplier = layer.multipliers[0];
	params.output_shift = layer.shifts[0];
	params.quantized_activation_min = layer.least;
	params.quantized_activation_max = layer.most;
	if (layer.per_row != 0) {
		tflite::reference_integer_ops::FullyConnectedPerChannel(
			params, layer.multipliers, reinterpret_cast<const int *>(layer.shifts),
			in_shape, from, filter_shape, layer.weights, bias_shape, layer.bias,
			out_shape, expected);
	} else {
		tflite::reference_integer_ops::FullyConnected(params, in_shape, from, filter_shape,
							      layer.weights, bias_shape, layer.bias,
							      out_shape, expected);
	}
}

void compare(const struct tocsin_dense &layer, const int8_t *from, uint32_t seed)
{
	memset(output, kUntouched, sizeof(output));
	tocsin_dense_run(&layer, from, output, work);
	run_reference(layer, from);
	for (uint32_t r = 0; r < layer.rows; r++) {
		zassert_equal(
			output[r], expected[r],
			"seed %u: row %u of %u x %u is %d instead of %d (per row %u, shift %d)",
			seed, r, layer.rows, layer.columns, output[r], expected[r], layer.per_row,
			layer.shifts[layer.per_row ? r : 0]);
		seen.saturated += output[r] == layer.least || output[r] == layer.most;
		seen.inside += output[r] != layer.least && output[r] != layer.most;
	}
	zassert_equal(output[layer.rows], kUntouched, "seed %u: written past the end", seed);
}

} /* namespace */

ZTEST(dense, test_random_layers)
{
	for (uint32_t seed = 1; seed <= 3000; seed++) {
		state = seed * 2654435761u;

		const struct tocsin_dense layer = random_layer();

		compare(layer, input + (one_in(3) ? between(0, 15) : 0), seed);
	}
	zassert_true(seen.aligned > 500 && seen.unaligned > 500 && seen.per_row > 500);
	zassert_true(seen.weight_offset > 100 && seen.no_bias > 100 && seen.left_shift > 100);
	zassert_true(seen.extremes > 100 && seen.saturated > 10000 && seen.inside > 10000,
		     "%u extreme, %u saturated, %u inside", seen.extremes, seen.saturated,
		     seen.inside);
}

/* One layer as they are, for many inputs. */
ZTEST(dense, test_a_thousand_inputs)
{
	state = 99;

	struct tocsin_dense layer = random_layer();

	layer.rows = 64;
	layer.columns = 128;
	layer.weights = weights;
	layer.weight_offset = 0;
	layer.shifts_right = tocsin_dense_shifts_right(shifts, layer.per_row != 0 ? 64 : 1);
	for (uint32_t i = 0; i < 1000; i++) {
		fill(input, layer.columns, false);
		compare(layer, input, i);
	}
}

ZTEST_SUITE(dense, NULL, NULL, NULL, NULL, NULL);
