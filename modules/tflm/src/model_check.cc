/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * TensorFlow Lite Micro trusts its models: an index or a length that is wrong makes it read or
 * write anywhere. A bundle comes from outside, so whatever the interpreter and the compiled-in
 * kernels take for granted is checked here, after model_verify.cc has checked that offsets and
 * vectors stay inside the buffer.
 */

#include <cerrno>
#include <cmath>

#include <zephyr/logging/log.h>

#include "tensorflow/compiler/mlir/lite/schema/schema_utils.h"

#include "operators.h"

LOG_MODULE_DECLARE(tocsin_tflm, CONFIG_TOCSIN_TFLM_LOG_LEVEL);

namespace tocsin
{
namespace
{

using tflite::Model;
using tflite::Operator;
using tflite::SubGraph;
using tflite::Tensor;

size_t type_size(tflite::TensorType type)
{
	switch (type) {
	case tflite::TensorType_INT8:
		return 1;
	case tflite::TensorType_INT32:
	case tflite::TensorType_FLOAT32:
		return 4;
	default:
		return 0;
	}
}

/* int8 tensors: one scale, or one for each slice of the quantised dimension; zero points likewise.
 */
bool quantisation_ok(const Tensor *tensor)
{
	const tflite::QuantizationParameters *params = tensor->quantization();

	if (params == nullptr || params->scale() == nullptr || params->zero_point() == nullptr) {
		return false;
	}

	const size_t n = params->scale()->size();

	if (n == 0 || params->zero_point()->size() != n) {
		return false;
	}
	if (n > 1) {
		const int32_t axis = params->quantized_dimension();

		if (axis < 0 || static_cast<size_t>(axis) >= tensor->shape()->size() ||
		    static_cast<size_t>(tensor->shape()->Get(axis)) != n) {
			return false;
		}
	}
	for (size_t i = 0; i < n; i++) {
		const float scale = params->scale()->Get(i);
		const int64_t zero = params->zero_point()->Get(i);

		if (!std::isfinite(scale) || scale <= 0.0f || zero < -128 || zero > 127) {
			return false;
		}
	}
	return true;
}

bool tensor_ok(const Model *model, const Tensor *tensor, int *error)
{
	const size_t values = values_of(tensor);
	const size_t each = type_size(tensor->type());

	if (each == 0) {
		LOG_ERR("tensor type %d is not int8, int32 or float32",
			static_cast<int>(tensor->type()));
		*error = -ENOTSUP;
		return false;
	}
	if (values == 0 || tensor->is_variable() || tensor->sparsity() != nullptr ||
	    tensor->buffer() >= model->buffers()->size()) {
		return false;
	}
	if (tensor->type() == tflite::TensorType_INT8 && !quantisation_ok(tensor)) {
		return false;
	}

	const tflite::Buffer *buffer = model->buffers()->Get(tensor->buffer());

	/* Data outside of the flatbuffer would escape the verifier. */
	if (buffer->offset() > 1 || buffer->size() > 1) {
		return false;
	}
	return buffer->data() == nullptr || buffer->data()->size() == 0 ||
	       buffer->data()->size() == values * each;
}

/* Indices of an operator's tensors; a missing input is -1. */
bool indices_ok(const flatbuffers::Vector<int32_t> *indices, size_t tensors, int32_t least)
{
	if (indices == nullptr || indices->size() == 0) {
		return false;
	}
	for (int32_t index : *indices) {
		if (index < least || index >= static_cast<int32_t>(tensors)) {
			return false;
		}
	}
	return true;
}

/* Of the operators that an option may add; the schema's table of all names takes 4 KB. */
const char *name(tflite::BuiltinOperator code)
{
	switch (code) {
	case tflite::BuiltinOperator_FULLY_CONNECTED:
		return "FULLY_CONNECTED";
	case tflite::BuiltinOperator_RESHAPE:
		return "RESHAPE";
	case tflite::BuiltinOperator_QUANTIZE:
		return "QUANTIZE";
	case tflite::BuiltinOperator_DEQUANTIZE:
		return "DEQUANTIZE";
	case tflite::BuiltinOperator_CONV_2D:
		return "CONV_2D";
	case tflite::BuiltinOperator_DEPTHWISE_CONV_2D:
		return "DEPTHWISE_CONV_2D";
	case tflite::BuiltinOperator_AVERAGE_POOL_2D:
		return "AVERAGE_POOL_2D";
	case tflite::BuiltinOperator_MAX_POOL_2D:
		return "MAX_POOL_2D";
	case tflite::BuiltinOperator_ADD:
		return "ADD";
	case tflite::BuiltinOperator_MEAN:
		return "MEAN";
	default:
		return "see BuiltinOperator in TensorFlow Lite's schema";
	}
}

bool operator_ok(const Model *model, const SubGraph *graph, const Operator *op, int *error)
{
	if (op->opcode_index() >= model->operator_codes()->size()) {
		return false;
	}

	const tflite::BuiltinOperator code =
		tflite::GetBuiltinCode(model->operator_codes()->Get(op->opcode_index()));

	if (!supported(code)) {
		LOG_ERR("operator %d (%s) is not compiled in", static_cast<int>(code), name(code));
		*error = -ENOTSUP;
		return false;
	}
	if (!indices_ok(op->inputs(), graph->tensors()->size(), -1) ||
	    !indices_ok(op->outputs(), graph->tensors()->size(), 0) || op->inputs()->Get(0) < 0 ||
	    (op->intermediates() != nullptr && op->intermediates()->size() > 0)) {
		return false;
	}
	for (int32_t output : *op->outputs()) {
		if (is_constant(model, graph->tensors()->Get(output))) {
			return false; /* constants lie in flash */
		}
	}

	return shapes_ok(model, graph, op, code);
}

/* A plan of the arena that comes with the model could place tensors anywhere, and the interpreter
 * would believe it. */
bool planned_offline(const Model *model)
{
	if (model->metadata() != nullptr) {
		for (const tflite::Metadata *metadata : *model->metadata()) {
			if (metadata->name() != nullptr &&
			    metadata->name()->string_view() == "OfflineMemoryAllocation") {
				return true;
			}
		}
	}
	return false;
}

/* Buffers, one graph, one input, one output. */
bool outline_ok(const Model *model)
{
	if (model->version() != 3 || planned_offline(model) || model->subgraphs() == nullptr ||
	    model->subgraphs()->size() != 1 || model->buffers() == nullptr ||
	    model->operator_codes() == nullptr) {
		return false;
	}

	const SubGraph *graph = model->subgraphs()->Get(0);

	return graph->tensors() != nullptr && graph->operators() != nullptr &&
	       graph->operators()->size() > 0 &&
	       graph->operators()->size() <= CONFIG_TOCSIN_TFLM_TENSORS_MAX &&
	       graph->tensors()->size() <= CONFIG_TOCSIN_TFLM_TENSORS_MAX &&
	       indices_ok(graph->inputs(), graph->tensors()->size(), 0) &&
	       indices_ok(graph->outputs(), graph->tensors()->size(), 0) &&
	       graph->inputs()->size() == 1 && graph->outputs()->size() == 1;
}

} /* namespace */

bool supported(tflite::BuiltinOperator op)
{
	switch (op) {
	case tflite::BuiltinOperator_FULLY_CONNECTED:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_FULLY_CONNECTED);
	case tflite::BuiltinOperator_RESHAPE:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_RESHAPE);
	case tflite::BuiltinOperator_QUANTIZE:
	case tflite::BuiltinOperator_DEQUANTIZE:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_QUANTIZE);
	case tflite::BuiltinOperator_CONV_2D:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_CONV_2D);
	case tflite::BuiltinOperator_DEPTHWISE_CONV_2D:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_DEPTHWISE_CONV_2D);
	case tflite::BuiltinOperator_AVERAGE_POOL_2D:
	case tflite::BuiltinOperator_MAX_POOL_2D:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_POOL_2D);
	case tflite::BuiltinOperator_ADD:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_ADD);
	case tflite::BuiltinOperator_MEAN:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_MEAN);
	default:
		return false;
	}
}

const tflite::Model *checked_model(const uint8_t *data, size_t size, int *error)
{
	const Model *model = verified_model(data, size);

	*error = -EILSEQ;
	if (model == nullptr) {
		LOG_ERR("not a valid TFLite flatbuffer");
		return nullptr;
	}
	if (!outline_ok(model)) {
		LOG_ERR("network must be one graph with one input and one output");
		return nullptr;
	}

	const SubGraph *graph = model->subgraphs()->Get(0);

	for (const Tensor *tensor : *graph->tensors()) {
		if (!tensor_ok(model, tensor, error)) {
			return nullptr;
		}
	}
	for (const Operator *op : *graph->operators()) {
		if (!operator_ok(model, graph, op, error)) {
			return nullptr;
		}
	}
	for (const auto *ends : {graph->inputs(), graph->outputs()}) {
		if (graph->tensors()->Get(ends->Get(0))->type() != tflite::TensorType_INT8) {
			*error = -EDOM;
			return nullptr;
		}
	}
	*error = 0;
	return model;
}

} /* namespace tocsin */
