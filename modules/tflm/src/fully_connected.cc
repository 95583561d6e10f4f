/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The operator around dense.c, for int8 alone: model_check.cc refuses other types. The quantisation
 * is worked out by the function that TensorFlow Lite Micro's stock operator uses; the stock
 * operator itself, with its kernels for seven more types, stays out of the image.
 */

#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/micro/kernels/fully_connected.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"

#include <zephyr/sys/util.h>

#include "dense.h"
#include "fully_connected.h"
#include "kept.h"

namespace
{

struct Data : tflite::OpDataFullyConnected {
	int work;              /* index of the scratch buffer */
	uint32_t shifts_right; /* see struct tocsin_dense */
	struct tocsin_kept kept;
};

void *init(TfLiteContext *context, const char *, size_t)
{
	return context->AllocatePersistentBuffer(context, sizeof(Data));
}

/* The first layer that is run for several rows, the frames, keeps them if windows slide. */
TfLiteStatus prepare_kept(TfLiteContext *context, struct tocsin_kept *kept, uint32_t rows,
			  uint32_t n_in, uint32_t n_out)
{
	auto *slide = static_cast<uint32_t *>(tflite::GetMicroContext(context)->external_context());

	*kept = {};
	if (!IS_ENABLED(CONFIG_TOCSIN_TFLM_STREAM) || slide == nullptr || *slide == 0 ||
	    rows <= *slide) {
		return kTfLiteOk;
	}

	void *mem = context->AllocatePersistentBuffer(context,
						      tocsin_kept_needed_size(rows, n_in, n_out));

	if (mem == nullptr) {
		return kTfLiteError;
	}
	tocsin_kept_init(kept, rows, *slide, n_in, n_out, static_cast<int8_t *>(mem));
	*slide = 0;
	return kTfLiteOk;
}

/* Tensors that are there while an operator is prepared, and given back. */
class Tensors
{
      public:
	Tensors(TfLiteContext *context, TfLiteNode *node)
		: context_(tflite::GetMicroContext(context))
	{
		input = context_->AllocateTempInputTensor(node, tflite::kFullyConnectedInputTensor);
		weights = context_->AllocateTempInputTensor(node,
							    tflite::kFullyConnectedWeightsTensor);
		bias = context_->AllocateTempInputTensor(node, tflite::kFullyConnectedBiasTensor);
		output = context_->AllocateTempOutputTensor(node,
							    tflite::kFullyConnectedOutputTensor);
	}

	~Tensors()
	{
		for (TfLiteTensor *tensor : {output, bias, weights, input}) {
			if (tensor != nullptr) {
				context_->DeallocateTempTfLiteTensor(tensor);
			}
		}
	}

	/* The bias may be missing. */
	bool int8() const
	{
		return input != nullptr && weights != nullptr && output != nullptr &&
		       input->type == kTfLiteInt8 && weights->type == kTfLiteInt8 &&
		       output->type == kTfLiteInt8;
	}

	TfLiteTensor *input;
	TfLiteTensor *weights;
	TfLiteTensor *bias;
	TfLiteTensor *output;

      private:
	tflite::MicroContext *context_;
};

TfLiteStatus prepare(TfLiteContext *context, TfLiteNode *node)
{
	auto *data = static_cast<Data *>(node->user_data);
	const auto *params = static_cast<const TfLiteFullyConnectedParams *>(node->builtin_data);
	const Tensors tensors(context, node);

	if (!tensors.int8()) {
		return kTfLiteError;
	}

	TfLiteStatus status = tflite::CalculateOpDataFullyConnected(
		context, params->activation, kTfLiteInt8, tensors.input, tensors.weights,
		tensors.bias, tensors.output, data);

	if (status != kTfLiteOk) {
		return status;
	}

	const TfLiteIntArray *shape = tensors.weights->dims;
	const auto rows = static_cast<uint32_t>(shape->data[0]);
	const auto columns = static_cast<uint32_t>(shape->data[shape->size - 1]);
	const int32_t shift = data->output_shift;

	data->shifts_right =
		data->is_per_channel
			? tocsin_dense_shifts_right(data->per_channel_output_shift, rows)
			: tocsin_dense_shifts_right(&shift, 1);
	status = prepare_kept(context, &data->kept,
			      static_cast<uint32_t>(tensors.output->bytes) / rows, columns, rows);
	if (status != kTfLiteOk) {
		return status;
	}
	return context->RequestScratchBufferInArena(context, tocsin_dense_needed_size(columns),
						    &data->work);
}

/* A row that the last window had, too, is not computed again. */
void run_kept(struct tocsin_kept *kept, const struct tocsin_dense &layer, const int8_t *from,
	      int8_t *to, int16_t *work)
{
	tocsin_kept_begin(kept);
	for (uint32_t row = 0; row < kept->rows; row++) {
		if (!tocsin_kept_find(kept, row, from, to)) {
			tocsin_dense_run(&layer, from, to, work);
			tocsin_kept_put(kept, row, from, to);
		}
		from += layer.columns;
		to += layer.rows;
	}
}

TfLiteStatus invoke(TfLiteContext *context, TfLiteNode *node)
{
	auto *data = static_cast<Data *>(node->user_data);
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
		data->shifts_right,
	};
	const int8_t *from = tflite::micro::GetTensorData<int8_t>(input);
	int8_t *to = tflite::micro::GetTensorData<int8_t>(output);
	auto *work = static_cast<int16_t *>(context->GetScratchBuffer(context, data->work));
	const uint32_t batches =
		static_cast<uint32_t>(tflite::micro::GetTensorShape(output).FlatSize()) /
		layer.rows;

	if (data->kept.rows != 0) {
		run_kept(&data->kept, layer, from, to, work);
		return kTfLiteOk;
	}
	for (uint32_t batch = 0; batch < batches; batch++) {
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
