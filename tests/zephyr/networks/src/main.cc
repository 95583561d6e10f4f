/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Whole networks at random (make_networks.py) through TensorFlow Lite Micro, twice: with our
 * kernels for dense layers and convolutions and CMSIS-NN's for the others, and with the reference
 * kernels alone. Every byte is the same.
 */

#include <zephyr/ztest.h>

#include "tensorflow/lite/micro/kernels/fully_connected.h"
#include "tensorflow/lite/micro/micro_interpreter.h"

#include "convolution.h"
#include "fully_connected.h"
#include "operators.h"

extern "C" const uint8_t networks[];

/* Reference kernels, under other names beside those that the image has (CMakeLists.txt). */
namespace tflite
{
TFLMRegistration reference_conv_2d();
TFLMRegistration reference_depthwise_conv_2d();
TFLMRegistration reference_average_pool_2d();
TFLMRegistration reference_max_pool_2d();
TFLMRegistration reference_add();
} /* namespace tflite */

namespace
{

constexpr size_t kAlign = 16;

/* As make_networks.py packs one; model and inputs follow. */
struct Head {
	uint32_t model;
	uint32_t input;
	uint32_t tries;
	uint32_t dense;
};

struct Packed {
	const Head *head;
	const uint8_t *model;
	const int8_t *inputs;
	const uint8_t *next;
};

alignas(kAlign) uint8_t ours_arena[256 * 1024];
alignas(kAlign) uint8_t reference_arena[256 * 1024];

size_t padded(size_t size)
{
	return ROUND_UP(size, kAlign);
}

Packed unpack(const uint8_t *at)
{
	const Head *head = reinterpret_cast<const Head *>(at);
	const uint8_t *model = at + sizeof(Head);
	const uint8_t *inputs = model + padded(head->model);

	return {head, model, reinterpret_cast<const int8_t *>(inputs),
		inputs + padded(head->tries * head->input)};
}

using Operators = tflite::MicroMutableOpResolver<8>;

Operators fast_operators()
{
	Operators list;

	list.AddFullyConnected(tocsin::register_fully_connected());
	list.AddConv2D(tocsin::register_conv_2d());
	list.AddDepthwiseConv2D(tocsin::register_depthwise_conv_2d());
	list.AddAveragePool2D();
	list.AddMaxPool2D();
	list.AddAdd();
	list.AddMean();
	list.AddReshape();
	return list;
}

Operators reference_operators()
{
	Operators list;

	list.AddFullyConnected();
	list.AddConv2D(tflite::reference_conv_2d());
	list.AddDepthwiseConv2D(tflite::reference_depthwise_conv_2d());
	list.AddAveragePool2D(tflite::reference_average_pool_2d());
	list.AddMaxPool2D(tflite::reference_max_pool_2d());
	list.AddAdd(tflite::reference_add());
	list.AddMean();
	list.AddReshape();
	return list;
}

void run(tflite::MicroInterpreter &interpreter, const int8_t *input, size_t size)
{
	memcpy(interpreter.input(0)->data.int8, input, size);
	zassert_equal(interpreter.Invoke(), kTfLiteOk);
}

/* How many of the bytes are neither end of the range. */
size_t inside(const int8_t *values, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		count += values[i] != INT8_MIN && values[i] != INT8_MAX;
	}
	return count;
}

struct {
	uint32_t dense;
	uint32_t convolutions;
	size_t bytes;
	size_t inside;
} seen;

void check(const Packed &packed, uint32_t number)
{
	static const Operators fast = fast_operators();
	static const Operators reference = reference_operators();
	const Head &head = *packed.head;
	int err = 0;
	const tflite::Model *model = tocsin::checked_model(packed.model, head.model, &err);

	zassert_not_null(model, "network %u is refused (%d)", number, err);

	tflite::MicroInterpreter ours(model, fast, ours_arena, sizeof(ours_arena));
	tflite::MicroInterpreter theirs(model, reference, reference_arena, sizeof(reference_arena));

	zassert_equal(ours.AllocateTensors(), kTfLiteOk, "network %u", number);
	zassert_equal(theirs.AllocateTensors(), kTfLiteOk, "network %u", number);
	for (uint32_t i = 0; i < head.tries; i++) {
		const int8_t *input = packed.inputs + i * head.input;
		const int8_t *output = ours.output(0)->data.int8;
		const size_t size = ours.output(0)->bytes;

		run(ours, input, head.input);
		run(theirs, input, head.input);
		zassert_mem_equal(output, theirs.output(0)->data.int8, size,
				  "network %u (dense: %u), input %u", number, head.dense, i);
		seen.bytes += size;
		seen.inside += inside(output, size);
	}
	seen.dense += head.dense;
	seen.convolutions += head.dense == 0;
}

} /* namespace */

ZTEST(networks, test_random_networks)
{
	uint32_t number = 0;

	for (Packed packed = unpack(networks); packed.head->model != 0;
	     packed = unpack(packed.next)) {
		check(packed, number++);
	}
	TC_PRINT("%u dense networks, %u of convolutions, %zu bytes, %zu of them inside\n",
		 seen.dense, seen.convolutions, seen.bytes, seen.inside);
	zassert_true(seen.dense >= 50 && seen.convolutions >= 20);
	zassert_true(seen.inside > seen.bytes / 3 && seen.inside > 10000,
		     "outputs that are clipped show little");
}

ZTEST_SUITE(networks, NULL, NULL, NULL, NULL, NULL);
