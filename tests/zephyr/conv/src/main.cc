/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The convolutions against TensorFlow Lite's reference kernels: every byte equal, for random layers
 * of odd sizes, strides, dilations and paddings, any zero point, any quantisation that the
 * converter may write, and memory that begins anywhere.
 */

#include <zephyr/ztest.h>

#include "tensorflow/lite/kernels/internal/reference/integer_ops/conv.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/depthwise_conv.h"
#include "tensorflow/lite/kernels/padding.h"

#include "conv.h"
#include "random.h"

namespace
{

constexpr uint32_t kLayers = 600; /* of each kind */
constexpr uint32_t kChannels = 20;
constexpr uint32_t kHeight = 8;
constexpr uint32_t kWidth = 11;
constexpr uint32_t kKernel = 4;
constexpr uint32_t kTerms = kKernel * kKernel * kChannels;
constexpr uint32_t kOutputs = kHeight * kWidth * kChannels;
constexpr uint32_t kGuard = 16;
constexpr uint8_t kUntouched = 0x5a;

uint32_t size_between(uint32_t low, uint32_t high)
{
	return static_cast<uint32_t>(
		between(static_cast<int32_t>(low), static_cast<int32_t>(high)));
}

alignas(16) int8_t weights[kTerms * kChannels + kGuard];
alignas(16) int8_t input[kHeight * kWidth * kChannels + kGuard];
int8_t output[kOutputs + kGuard];
int8_t expected[kOutputs];
int32_t bias[kChannels];
int32_t multipliers[kChannels];
int32_t shifts[kChannels];
alignas(4) uint8_t work[10 * kTerms + 4 + kGuard];

/* What was tried, to see that all of it was. */
struct {
	uint32_t plain;
	uint32_t other;
	uint32_t unaligned;
	uint32_t part_words;
	uint32_t few_positions;
	uint32_t pointwise;
	uint32_t padded;
	uint32_t strided;
	uint32_t dilated;
	uint32_t multiplied;
	uint32_t no_bias;
	uint32_t left_shift;
	uint32_t narrow;
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

/* Extents, and what of them follows as TensorFlow has it. */
void choose_shape(struct tocsin_conv &layer, bool depthwise)
{
	const TfLitePadding padding = one_in(2) ? kTfLitePaddingSame : kTfLitePaddingValid;
	const bool pointwise = one_in(4);
	TfLitePaddingValues pads;
	int height = 0;
	int width = 0;

	do {
		layer.in_height = size_between(1, kHeight);
		layer.in_width = size_between(1, kWidth);
		layer.in_channels = size_between(1, kChannels);
		layer.in_channels = one_in(2) ? (layer.in_channels + 3) / 4 * 4 : layer.in_channels;
		layer.kernel_height = pointwise ? 1 : size_between(1, kKernel);
		layer.kernel_width = pointwise ? 1 : size_between(1, kKernel);
		layer.stride_height = one_in(3) ? size_between(2, 3) : 1;
		layer.stride_width = one_in(3) ? size_between(2, 3) : 1;
		layer.dilation_height = one_in(5) ? size_between(2, 3) : 1;
		layer.dilation_width = one_in(5) ? size_between(2, 3) : 1;
		layer.out_channels = size_between(1, kChannels);
		if (depthwise) {
			layer.out_channels =
				layer.in_channels *
				(one_in(3) ? size_between(1, kChannels / layer.in_channels) : 1);
		}
		pads = tflite::ComputePaddingHeightWidth(
			layer.stride_height, layer.stride_width, layer.dilation_height,
			layer.dilation_width, layer.in_height, layer.in_width, layer.kernel_height,
			layer.kernel_width, padding, &height, &width);
	} while (height < 1 || width < 1);
	layer.out_height = static_cast<uint32_t>(height);
	layer.out_width = static_cast<uint32_t>(width);
	layer.pad_top = static_cast<uint32_t>(pads.height);
	layer.pad_left = static_cast<uint32_t>(pads.width);
	seen.pointwise += pointwise;
	seen.padded += pads.height + pads.width > 0;
	seen.strided += layer.stride_height * layer.stride_width > 1;
	seen.dilated += layer.dilation_height * layer.dilation_width > 1;
	seen.multiplied += depthwise && layer.out_channels > layer.in_channels;
	seen.few_positions += layer.out_height * layer.out_width < 4;
}

/* Shifts as far to the right as brings the sums into eight bits, or a little less or much more. */
void choose_quantisation(struct tocsin_conv &layer)
{
	const bool left = one_in(10);
	const bool far = one_in(10);
	const bool large = one_in(10);

	for (uint32_t c = 0; c < kChannels; c++) {
		bias[c] = large && one_in(4) ? static_cast<int32_t>(random_bits()) / 4
			  : one_in(20)       ? between(-(1 << 28), 1 << 28)
					     : between(-50000, 50000);
		multipliers[c] =
			one_in(20)
				? INT32_MAX
				: static_cast<int32_t>((random_bits() & 0x3fffffff) | 0x40000000);
		shifts[c] = left && one_in(2)  ? between(0, 3)
			    : far && one_in(2) ? between(-31, -20)
			    : one_in(20)       ? between(-22, -1)
					       : between(-13, -5);
	}
	layer.bias = one_in(10) ? nullptr : bias;
	layer.multipliers = multipliers;
	layer.shifts = shifts;
	layer.input_offset = between(-127, 128);
	layer.output_offset = between(-128, 127);
	layer.least = one_in(3) ? layer.output_offset : -128;
	layer.most = one_in(3) ? between(layer.least, 127) : 127;
	seen.left_shift += left;
	seen.no_bias += layer.bias == nullptr;
	seen.narrow += layer.least > -128 || layer.most < 127;
}

struct tocsin_conv random_layer(bool depthwise)
{
	struct tocsin_conv layer = {};
	const bool extreme = one_in(8);

	choose_shape(layer, depthwise);
	choose_quantisation(layer);

	const uint32_t terms =
		layer.kernel_height * layer.kernel_width * (depthwise ? 1 : layer.in_channels);
	const uint32_t shift = one_in(3) ? size_between(1, kGuard - 1) : 0;

	layer.weights = weights + shift;
	fill(weights, sizeof(weights), extreme);
	fill(input, sizeof(input), extreme);
	layer.plain = tocsin_conv_plain(shifts, layer.bias, layer.out_channels, terms);
	seen.plain += layer.plain;
	seen.other += !layer.plain;
	seen.unaligned += shift % 4 != 0;
	seen.part_words += terms % 4 != 0;
	return layer;
}

/* Shapes and parameters as both reference kernels take them. */
template <typename Params> Params params_of(const struct tocsin_conv &layer)
{
	Params params = {};

	params.padding_values.height = static_cast<int16_t>(layer.pad_top);
	params.padding_values.width = static_cast<int16_t>(layer.pad_left);
	params.stride_height = static_cast<int16_t>(layer.stride_height);
	params.stride_width = static_cast<int16_t>(layer.stride_width);
	params.dilation_height_factor = static_cast<int16_t>(layer.dilation_height);
	params.dilation_width_factor = static_cast<int16_t>(layer.dilation_width);
	params.input_offset = layer.input_offset;
	params.output_offset = layer.output_offset;
	params.quantized_activation_min = layer.least;
	params.quantized_activation_max = layer.most;
	return params;
}

tflite::RuntimeShape shape_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	const int32_t extents[] = {static_cast<int32_t>(a), static_cast<int32_t>(b),
				   static_cast<int32_t>(c), static_cast<int32_t>(d)};

	return tflite::RuntimeShape(4, extents);
}

void run_reference(const struct tocsin_conv &layer, const int8_t *from, bool depthwise)
{
	const int32_t channels = static_cast<int32_t>(layer.out_channels);
	const tflite::RuntimeShape in =
		shape_of(1, layer.in_height, layer.in_width, layer.in_channels);
	const tflite::RuntimeShape out =
		shape_of(1, layer.out_height, layer.out_width, layer.out_channels);
	const tflite::RuntimeShape biases(1, &channels);

	if (depthwise) {
		tflite::DepthwiseParams params = params_of<tflite::DepthwiseParams>(layer);

		params.depth_multiplier =
			static_cast<int16_t>(layer.out_channels / layer.in_channels);
		tflite::reference_integer_ops::DepthwiseConvPerChannel(
			params, multipliers, shifts, in, from,
			shape_of(1, layer.kernel_height, layer.kernel_width, layer.out_channels),
			layer.weights, biases, layer.bias, out, expected);
	} else {
		tflite::reference_integer_ops::ConvPerChannel(
			params_of<tflite::ConvParams>(layer), multipliers, shifts, in, from,
			shape_of(layer.out_channels, layer.kernel_height, layer.kernel_width,
				 layer.in_channels),
			layer.weights, biases, layer.bias, out, expected);
	}
}

void expect_untouched(const void *from, size_t n, uint32_t seed, const char *what)
{
	for (size_t i = 0; i < n; i++) {
		zassert_equal(static_cast<const uint8_t *>(from)[i], kUntouched,
			      "seed %u: %s written past the end", seed, what);
	}
}

void compare(const struct tocsin_conv &layer, const int8_t *from, bool depthwise, uint32_t seed)
{
	const uint32_t places = layer.kernel_height * layer.kernel_width;
	const size_t needed = depthwise ? tocsin_depthwise_needed_size(places)
					: tocsin_conv_needed_size(places * layer.in_channels);
	const size_t n =
		static_cast<size_t>(layer.out_height) * layer.out_width * layer.out_channels;

	memset(output, kUntouched, sizeof(output));
	memset(work, kUntouched, sizeof(work));
	(depthwise ? tocsin_depthwise_run : tocsin_conv_run)(&layer, from, output, work);
	run_reference(layer, from, depthwise);
	for (size_t i = 0; i < n; i++) {
		zassert_equal(output[i], expected[i],
			      "seed %u: output %zu of %u x %u x %u is %d instead of %d (input %u x "
			      "%u x %u, kernel %u x %u, plain %u)",
			      seed, i, layer.out_height, layer.out_width, layer.out_channels,
			      output[i], expected[i], layer.in_height, layer.in_width,
			      layer.in_channels, layer.kernel_height, layer.kernel_width,
			      layer.plain);
		seen.saturated += output[i] == layer.least || output[i] == layer.most;
		seen.inside += output[i] != layer.least && output[i] != layer.most;
	}
	expect_untouched(output + n, sizeof(output) - n, seed, "output");
	expect_untouched(work + needed, sizeof(work) - needed, seed, "work space");
}

void try_layers(bool depthwise)
{
	seen = {};
	for (uint32_t seed = 1; seed <= kLayers; seed++) {
		state = (2 * seed + depthwise) * 2654435761u;

		const struct tocsin_conv layer = random_layer(depthwise);

		compare(layer, input + (one_in(3) ? size_between(0, kGuard - 1) : 0), depthwise,
			seed);
	}
	TC_PRINT("%u plain, %u others, %u saturated, %u inside\n", seen.plain, seen.other,
		 seen.saturated, seen.inside);
	zassert_true(seen.plain > kLayers / 3 && seen.other > kLayers / 10);
	zassert_true(seen.unaligned > kLayers / 8 && seen.part_words > kLayers / 8);
	zassert_true(seen.few_positions > 30 && seen.pointwise > 100 && seen.padded > 100);
	zassert_true(seen.strided > 100 && seen.dilated > 50);
	zassert_true(seen.no_bias > 20 && seen.left_shift > 20 && seen.narrow > 100);
	zassert_true(seen.saturated > 5000 && seen.inside > 5000);
}

} /* namespace */

ZTEST(conv, test_random_layers)
{
	try_layers(false);
}

ZTEST(conv, test_random_depthwise_layers)
{
	try_layers(true);
	zassert_true(seen.multiplied > 50);
}

ZTEST_SUITE(conv, NULL, NULL, NULL, NULL, NULL);
