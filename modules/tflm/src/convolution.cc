/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The operators around conv.h, for int8 alone: model_check.cc refuses other types. Padding and
 * quantisation are worked out by what TensorFlow Lite Micro's stock operators use; those
 * themselves, with their kernels for three more types, stay out of the image.
 */

#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/micro/kernels/conv.h"
#include "tensorflow/lite/micro/kernels/depthwise_conv.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"

#include "conv.h"
#include "convolution.h"

namespace
{

struct Data : tflite::OpDataConv {
	int work;       /* index of the scratch buffer */
	uint32_t plain; /* see struct tocsin_conv */
};

void *init(TfLiteContext *context, const char *, size_t)
{
	return context->AllocatePersistentBuffer(context, sizeof(Data));
}

/* What both operators' options have. */
template <typename Params>
struct tocsin_conv layer_of(const Params &params, const Data &data, const TfLiteEvalTensor &input,
			    const TfLiteEvalTensor &weights, const TfLiteEvalTensor *bias,
			    const TfLiteEvalTensor &output)
{
	const auto extent = [](const TfLiteEvalTensor &tensor, int axis) {
		return static_cast<uint32_t>(tensor.dims->data[axis]);
	};

	return {
		extent(input, 1),
		extent(input, 2),
		extent(input, 3),
		extent(weights, 1),
		extent(weights, 2),
		static_cast<uint32_t>(params.stride_height),
		static_cast<uint32_t>(params.stride_width),
		static_cast<uint32_t>(params.dilation_height_factor),
		static_cast<uint32_t>(params.dilation_width_factor),
		static_cast<uint32_t>(data.padding.height),
		static_cast<uint32_t>(data.padding.width),
		extent(output, 1),
		extent(output, 2),
		extent(output, 3),
		tflite::micro::GetTensorData<int8_t>(&weights),
		tflite::micro::GetOptionalTensorData<int32_t>(bias),
		-data.input_zero_point,
		data.output_zero_point,
		data.output_activation_min,
		data.output_activation_max,
		data.per_channel_output_multiplier,
		data.per_channel_output_shift,
		data.plain,
	};
}

/* After the stock operator's own preparation: `terms` products are in an output's sum. */
TfLiteStatus prepare(TfLiteContext *context, TfLiteNode *node, bool depthwise)
{
	auto *data = static_cast<Data *>(node->user_data);
	tflite::MicroContext *micro = tflite::GetMicroContext(context);
	TfLiteTensor *weights = micro->AllocateTempInputTensor(node, tflite::kConvWeightsTensor);
	TfLiteTensor *bias = micro->AllocateTempInputTensor(node, tflite::kConvBiasTensor);

	if (weights == nullptr) {
		return kTfLiteError;
	}

	const bool int8 = weights->type == kTfLiteInt8;
	const int32_t *extents = weights->dims->data;
	const uint32_t places = static_cast<uint32_t>(extents[1] * extents[2]);
	const uint32_t terms = depthwise ? places : places * static_cast<uint32_t>(extents[3]);

	data->plain =
		tocsin_conv_plain(data->per_channel_output_shift,
				  bias == nullptr ? nullptr : tflite::GetTensorData<int32_t>(bias),
				  static_cast<uint32_t>(extents[depthwise ? 3 : 0]), terms);
	if (bias != nullptr) {
		micro->DeallocateTempTfLiteTensor(bias);
	}
	micro->DeallocateTempTfLiteTensor(weights);
	if (!int8) {
		return kTfLiteError;
	}
	return context->RequestScratchBufferInArena(context,
						    depthwise ? tocsin_depthwise_needed_size(places)
							      : tocsin_conv_needed_size(terms),
						    &data->work);
}

template <typename Params>
TfLiteStatus invoke(TfLiteContext *context, TfLiteNode *node,
		    void (*run)(const struct tocsin_conv *, const int8_t *, int8_t *, void *))
{
	const auto *data = static_cast<const Data *>(node->user_data);
	const auto *params = static_cast<const Params *>(node->builtin_data);
	const TfLiteEvalTensor *input =
		tflite::micro::GetEvalInput(context, node, tflite::kConvInputTensor);
	const TfLiteEvalTensor *weights =
		tflite::micro::GetEvalInput(context, node, tflite::kConvWeightsTensor);
	const TfLiteEvalTensor *bias =
		node->inputs->size == 3
			? tflite::micro::GetEvalInput(context, node, tflite::kConvBiasTensor)
			: nullptr;
	TfLiteEvalTensor *output =
		tflite::micro::GetEvalOutput(context, node, tflite::kConvOutputTensor);
	const struct tocsin_conv layer = layer_of(*params, *data, *input, *weights, bias, *output);
	const int8_t *from = tflite::micro::GetTensorData<int8_t>(input);
	int8_t *to = tflite::micro::GetTensorData<int8_t>(output);
	void *work = context->GetScratchBuffer(context, data->work);

	for (int image = 0; image < input->dims->data[0]; image++) {
		run(&layer, from, to, work);
		from += layer.in_height * layer.in_width * layer.in_channels;
		to += layer.out_height * layer.out_width * layer.out_channels;
	}
	return kTfLiteOk;
}

TfLiteStatus prepare_conv(TfLiteContext *context, TfLiteNode *node)
{
	const TfLiteStatus status = tflite::ConvPrepare(context, node);

	return status == kTfLiteOk ? prepare(context, node, false) : status;
}

TfLiteStatus invoke_conv(TfLiteContext *context, TfLiteNode *node)
{
	return invoke<TfLiteConvParams>(context, node, tocsin_conv_run);
}

TfLiteStatus prepare_depthwise(TfLiteContext *context, TfLiteNode *node)
{
	const TfLiteStatus status = tflite::DepthwiseConvPrepare(context, node);

	return status == kTfLiteOk ? prepare(context, node, true) : status;
}

TfLiteStatus invoke_depthwise(TfLiteContext *context, TfLiteNode *node)
{
	return invoke<TfLiteDepthwiseConvParams>(context, node, tocsin_depthwise_run);
}

} /* namespace */

TFLMRegistration tocsin::register_conv_2d()
{
	return tflite::micro::RegisterOp(init, prepare_conv, invoke_conv);
}

TFLMRegistration tocsin::register_depthwise_conv_2d()
{
	return tflite::micro::RegisterOp(init, prepare_depthwise, invoke_depthwise);
}
