/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The operator around dense.c. TensorFlow Lite Micro's stock operator prepares it (quantisation,
 * activation, checks of types) and runs what is not int8; its data comes first in ours, so both can
 * use the same.
 */

#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/micro/kernels/fully_connected.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"

#include "dense.h"
#include "fully_connected.h"

namespace
{

constexpr int kNoWork = -1;

struct Data : tflite::OpDataFullyConnected {
	int work; /* index of the scratch buffer, kNoWork: the stock kernel runs */
};

void *init(TfLiteContext *context, const char *, size_t)
{
	return context->AllocatePersistentBuffer(context, sizeof(Data));
}

bool is_int8(const TfLiteEvalTensor *tensor)
{
	return tensor->type == kTfLiteInt8;
}

TfLiteStatus prepare(TfLiteContext *context, TfLiteNode *node)
{
	auto *data = static_cast<Data *>(node->user_data);
	const TfLiteEvalTensor *input =
		tflite::micro::GetEvalInput(context, node, tflite::kFullyConnectedInputTensor);
	const TfLiteEvalTensor *weights =
		tflite::micro::GetEvalInput(context, node, tflite::kFullyConnectedWeightsTensor);
	const TfLiteStatus status = tflite::Register_FULLY_CONNECTED().prepare(context, node);

	data->work = kNoWork;
	if (status != kTfLiteOk || !is_int8(input) || !is_int8(weights)) {
		return status;
	}

	const auto columns = static_cast<uint32_t>(weights->dims->data[weights->dims->size - 1]);

	return context->RequestScratchBufferInArena(context, tocsin_dense_needed_size(columns),
						    &data->work);
}

TfLiteStatus invoke(TfLiteContext *context, TfLiteNode *node)
{
	const auto *data = static_cast<const Data *>(node->user_data);

	if (data->work == kNoWork) {
		return tflite::Register_FULLY_CONNECTED().invoke(context, node);
	}

	const TfLiteEvalTensor *input =
		tflite::micro::GetEvalInput(context, node, tflite::kFullyConnectedInputTensor);
	const TfLiteEvalTensor *weights =
		tflite::micro::GetEvalInput(context, node, tflite::kFullyConnectedWeightsTensor);
	const TfLiteEvalTensor *bias =
		tflite::micro::GetEvalInput(context, node, tflite::kFullyConnectedBiasTensor);
	TfLiteEvalTensor *output =
		tflite::micro::GetEvalOutput(context, node, tflite::kFullyConnectedOutputTensor);
	const int32_t multiplier = data->output_multiplier;
	const int32_t shift = data->output_shift;
	const struct tocsin_dense layer = {
		static_cast<uint32_t>(output->dims->data[output->dims->size - 1]),
		static_cast<uint32_t>(weights->dims->data[weights->dims->size - 1]),
		tflite::micro::GetTensorData<int8_t>(weights),
		tflite::micro::GetOptionalTensorData<int32_t>(bias),
		-data->input_zero_point,
		data->is_per_channel ? 0 : -data->filter_zero_point,
		data->output_zero_point,
		data->output_activation_min,
		data->output_activation_max,
		data->is_per_channel ? data->per_channel_output_multiplier : &multiplier,
		data->is_per_channel ? data->per_channel_output_shift : &shift,
		data->is_per_channel ? UINT32_C(1) : UINT32_C(0),
	};
	const int8_t *from = tflite::micro::GetTensorData<int8_t>(input);
	int8_t *to = tflite::micro::GetTensorData<int8_t>(output);
	auto *work = static_cast<int16_t *>(context->GetScratchBuffer(context, data->work));
	const int batches =
		tflite::micro::GetTensorShape(output).FlatSize() / static_cast<int>(layer.rows);

	for (int batch = 0; batch < batches; batch++) {
		tocsin_dense_run(&layer, from, to, work);
		from += layer.columns;
		to += layer.rows;
	}
	return kTfLiteOk;
}

} /* namespace */

TFLMRegistration tocsin::register_fully_connected()
{
	return tflite::micro::RegisterOp(init, prepare, invoke);
}
