/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cerrno>
#include <cstring>
#include <new>

#include <zephyr/logging/log.h>

#include "tensorflow/lite/micro/micro_interpreter.h"

#include <tocsin/tflm.h>

#include "convolution.h"
#include "fully_connected.h"
#include "operators.h"

LOG_MODULE_REGISTER(tocsin_tflm, CONFIG_TOCSIN_TFLM_LOG_LEVEL);

namespace
{

/* The interpreter refers to the list of operators, so the two live and move together. */
struct Network {
	Network(const tflite::Model *model, uint8_t *arena, size_t arena_size, uint32_t frames)
		: slide(frames), interpreter(model, operators(), arena, arena_size)
	{
	}

	TfLiteStatus allocate()
	{
		const TfLiteStatus status = interpreter.SetMicroExternalContext(&slide);

		return status == kTfLiteOk ? interpreter.AllocateTensors() : status;
	}

	tocsin::Resolver &operators()
	{
#if defined(CONFIG_TOCSIN_TFLM_OP_FULLY_CONNECTED)
#if defined(CONFIG_TOCSIN_TFLM_DENSE)
		resolver.AddFullyConnected(tocsin::register_fully_connected());
#else
		resolver.AddFullyConnected();
#endif
#endif
#if defined(CONFIG_TOCSIN_TFLM_OP_RESHAPE)
		resolver.AddReshape();
#endif
#if defined(CONFIG_TOCSIN_TFLM_OP_QUANTIZE)
		resolver.AddQuantize();
		resolver.AddDequantize();
#endif
#if defined(CONFIG_TOCSIN_TFLM_OP_CONV_2D)
#if defined(CONFIG_TOCSIN_TFLM_CONV)
		resolver.AddConv2D(tocsin::register_conv_2d());
#else
		resolver.AddConv2D();
#endif
#endif
#if defined(CONFIG_TOCSIN_TFLM_OP_DEPTHWISE_CONV_2D)
#if defined(CONFIG_TOCSIN_TFLM_CONV)
		resolver.AddDepthwiseConv2D(tocsin::register_depthwise_conv_2d());
#else
		resolver.AddDepthwiseConv2D();
#endif
#endif
#if defined(CONFIG_TOCSIN_TFLM_OP_POOL_2D)
		resolver.AddAveragePool2D();
		resolver.AddMaxPool2D();
#endif
#if defined(CONFIG_TOCSIN_TFLM_OP_ADD)
		resolver.AddAdd();
#endif
#if defined(CONFIG_TOCSIN_TFLM_OP_MEAN)
		resolver.AddMean();
#endif
		return resolver;
	}

	uint32_t slide; /* for fully_connected.h */
	tocsin::Resolver resolver;
	tflite::MicroInterpreter interpreter;
};

static_assert(sizeof(Network) <= sizeof(tocsin_tflm::storage), "raise TOCSIN_TFLM_WORDS");
static_assert(alignof(Network) <= alignof(tocsin_tflm), "struct tocsin_tflm is not aligned enough");

Network *network(const struct tocsin_tflm *tflm)
{
	return static_cast<Network *>(tflm->interpreter);
}

/* memcpy() of a C library for small machines may well go byte by byte, four instructions each. */
void copy(int8_t *to, const int8_t *from, size_t n)
{
	for (; n >= 16; n -= 16, to += 16, from += 16) {
		memcpy(to, from, 16); /* of a known size: no call */
	}
	for (; n > 0; n--) {
		*to++ = *from++;
	}
}

bool is_end(const TfLiteTensor *tensor, size_t length, float scale, int32_t zero)
{
	return tensor != nullptr && tensor->type == kTfLiteInt8 && tensor->bytes == length &&
	       tensor->params.scale == scale && tensor->params.zero_point == zero;
}

} /* namespace */

int tocsin_tflm_check(const uint8_t *model, size_t size, const struct tocsin_score_config *score)
{
	const struct tocsin_score_quant *quant =
		score == nullptr ? nullptr : tocsin_score_quant_of(score);

	if (model == nullptr || quant == nullptr ||
	    reinterpret_cast<uintptr_t>(model) % TOCSIN_TFLM_ALIGN != 0) {
		return -EINVAL;
	}

	int err = 0;
	const tflite::Model *checked = tocsin::checked_model(model, size, &err);

	if (checked == nullptr) {
		return err;
	}

	const tflite::SubGraph *graph = checked->subgraphs()->Get(0);
	const struct {
		int32_t tensor;
		size_t length;
		float scale;
		int32_t zero;
	} ends[] = {
		{graph->inputs()->Get(0), tocsin_score_inputs(score), quant->in_scale,
		 quant->in_zero},
		{graph->outputs()->Get(0), tocsin_score_outputs(score), quant->out_scale,
		 quant->out_zero},
	};

	for (const auto &end : ends) {
		const tflite::Tensor *tensor = graph->tensors()->Get(end.tensor);
		const tflite::QuantizationParameters *params = tensor->quantization();
		size_t values = 1;

		for (int32_t extent : *tensor->shape()) {
			values *= static_cast<size_t>(extent);
		}
		if (tensor->type() != tflite::TensorType_INT8 || values != end.length ||
		    params->scale()->Get(0) != end.scale ||
		    params->zero_point()->Get(0) != end.zero) {
			LOG_ERR("network end has %zu values, zero %d; the bundle says %zu, zero "
				"%d, and a scale that must be the same",
				values, static_cast<int>(params->zero_point()->Get(0)), end.length,
				static_cast<int>(end.zero));
			return -EDOM;
		}
	}
	return 0;
}

int tocsin_tflm_init(struct tocsin_tflm *tflm, const uint8_t *model, size_t size, uint8_t *arena,
		     size_t arena_size, const struct tocsin_score_config *score, uint32_t slide)
{
	if (tflm == nullptr || arena == nullptr ||
	    reinterpret_cast<uintptr_t>(arena) % TOCSIN_TFLM_ALIGN != 0) {
		return -EINVAL;
	}

	int err = tocsin_tflm_check(model, size, score);

	if (err != 0) {
		return err;
	}

	const struct tocsin_score_quant *quant = tocsin_score_quant_of(score);

	/* Placed, never destroyed: its memory is the caller's, and it holds none of its own. */
	Network *net =
		new (tflm->storage) Network(tflite::GetModel(model), arena, arena_size, slide);

	tflm->interpreter = net;
	if (net->interpreter.initialization_status() != kTfLiteOk || net->allocate() != kTfLiteOk) {
		LOG_ERR("the network does not fit into an arena of %zu bytes", arena_size);
		return -ENOMEM;
	}

	TfLiteTensor *input = net->interpreter.input(0);
	TfLiteTensor *output = net->interpreter.output(0);

	tflm->n_in = tocsin_score_inputs(score);
	tflm->n_out = tocsin_score_outputs(score);
	if (!is_end(input, tflm->n_in, quant->in_scale, quant->in_zero) ||
	    !is_end(output, tflm->n_out, quant->out_scale, quant->out_zero)) {
		return -EDOM;
	}
	tflm->input = input->data.int8;
	tflm->output = output->data.int8;
	return 0;
}

int tocsin_tflm_invoke(void *ctx, const int8_t *input, size_t n_in, int8_t *output, size_t n_out)
{
	struct tocsin_tflm *tflm = static_cast<struct tocsin_tflm *>(ctx);

	if (n_in != tflm->n_in || n_out != tflm->n_out) {
		return -EINVAL;
	}
	if (input != tflm->input) {
		copy(tflm->input, input, n_in);
	}
	if (network(tflm)->interpreter.Invoke() != kTfLiteOk) {
		return -EIO;
	}
	if (output != tflm->output) {
		copy(output, tflm->output, n_out);
	}
	return 0;
}

struct tocsin_score_ends tocsin_tflm_ends(const struct tocsin_tflm *tflm)
{
	return {tflm->input, tflm->output};
}

size_t tocsin_tflm_arena_used(const struct tocsin_tflm *tflm)
{
	return network(tflm)->interpreter.arena_used_bytes();
}
