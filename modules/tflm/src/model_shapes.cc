/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What each operator's kernel takes for granted about its tensors. Kernels assert much of it, in
 * builds for development; in an image they would read and write past the ends.
 */

#include "operators.h"

namespace tocsin
{
namespace
{

using tflite::Model;
using tflite::Operator;
using tflite::SubGraph;
using tflite::Tensor;

/* Values in one tensor; keeps the products below far away from overflow. */
constexpr size_t kValuesMax = 1u << 24;
constexpr size_t kRankMax = 5;

/* An extent, or 0 where there is none. */
int32_t extent(const Tensor *tensor, uint32_t axis)
{
	return axis < tensor->shape()->size() ? tensor->shape()->Get(axis) : 0;
}

bool is_rank(const Tensor *tensor, uint32_t rank)
{
	return tensor->shape()->size() == rank;
}

bool same_shape(const Tensor *a, const Tensor *b)
{
	if (a->shape()->size() != b->shape()->size()) {
		return false;
	}
	for (uint32_t i = 0; i < a->shape()->size(); i++) {
		if (extent(a, i) != extent(b, i)) {
			return false;
		}
	}
	return true;
}

bool is_int8(const Tensor *tensor)
{
	return tensor->type() == tflite::TensorType_INT8;
}

/* The operator's input number i, nullptr where it has none. */
const Tensor *input_of(const SubGraph *graph, const Operator *op, uint32_t i)
{
	if (i >= op->inputs()->size() || op->inputs()->Get(i) < 0) {
		return nullptr;
	}
	return graph->tensors()->Get(op->inputs()->Get(i));
}

/* A constant of one int32 for each output channel, or none at all. */
bool bias_ok(const Model *model, const SubGraph *graph, const Operator *op, size_t channels)
{
	const Tensor *bias = input_of(graph, op, 2);

	return bias == nullptr || (bias->type() == tflite::TensorType_INT32 &&
				   values_of(bias) == channels && is_constant(model, bias));
}

/* y[batch][out] = W[out][in] x[batch][in] + b[out]: the kernel believes all four shapes. */
bool fully_connected_ok(const Model *model, const SubGraph *graph, const Operator *op)
{
	const auto *tensors = graph->tensors();

	if (op->inputs()->size() < 2 || op->inputs()->Get(0) < 0 || op->inputs()->Get(1) < 0) {
		return false;
	}

	const Tensor *x = tensors->Get(op->inputs()->Get(0));
	const Tensor *w = tensors->Get(op->inputs()->Get(1));
	const Tensor *y = tensors->Get(op->outputs()->Get(0));

	if (w->type() != tflite::TensorType_INT8 || w->shape()->size() != 2 ||
	    !is_constant(model, w)) {
		return false;
	}

	const size_t out = static_cast<size_t>(w->shape()->Get(0));
	const size_t in = static_cast<size_t>(w->shape()->Get(1));
	const size_t x_values = values_of(x);

	if (x_values % in != 0 || values_of(y) != x_values / in * out || y->shape()->size() == 0 ||
	    static_cast<size_t>(y->shape()->Get(y->shape()->size() - 1)) != out) {
		return false;
	}
	if (w->quantization()->scale()->size() > 1 &&
	    w->quantization()->quantized_dimension() != 0) {
		return false;
	}
	return bias_ok(model, graph, op, out);
}

/* Padding as TensorFlow has it: how many outputs an axis has. */
bool axis_ok(int32_t in, int32_t kernel, int32_t stride, int32_t dilation, tflite::Padding padding,
	     int32_t out)
{
	if (stride < 1 || dilation < 1 || stride > in + kernel || dilation > in + kernel) {
		return false;
	}

	const int64_t span =
		padding == tflite::Padding_SAME ? 1 : int64_t{kernel - 1} * dilation + 1;

	return (padding == tflite::Padding_SAME || padding == tflite::Padding_VALID) &&
	       in >= span && (in - span) / stride + 1 == out;
}

/* Of CONV_2D and DEPTHWISE_CONV_2D: both ends are batch, height, width, channel. */
template <typename Options>
bool convolution_ok(const Model *model, const SubGraph *graph, const Operator *op,
		    const Options *options, bool depthwise)
{
	const Tensor *x = input_of(graph, op, 0);
	const Tensor *w = input_of(graph, op, 1);
	const Tensor *y = graph->tensors()->Get(op->outputs()->Get(0));
	const uint32_t channel_axis = depthwise ? 3 : 0;

	if (options == nullptr || w == nullptr || !is_int8(x) || !is_int8(w) || !is_int8(y) ||
	    !is_rank(x, 4) || !is_rank(w, 4) || !is_rank(y, 4) || !is_constant(model, w)) {
		return false;
	}
	if (extent(x, 0) != extent(y, 0) || extent(y, 3) != extent(w, channel_axis)) {
		return false;
	}
	if (depthwise ? extent(w, 0) != 1 || extent(y, 3) % extent(x, 3) != 0
		      : extent(w, 3) != extent(x, 3)) {
		return false;
	}
	if (w->quantization()->scale()->size() > 1 &&
	    w->quantization()->quantized_dimension() != static_cast<int32_t>(channel_axis)) {
		return false;
	}
	return axis_ok(extent(x, 1), extent(w, 1), options->stride_h(),
		       options->dilation_h_factor(), options->padding(), extent(y, 1)) &&
	       axis_ok(extent(x, 2), extent(w, 2), options->stride_w(),
		       options->dilation_w_factor(), options->padding(), extent(y, 2)) &&
	       bias_ok(model, graph, op, static_cast<size_t>(extent(y, 3)));
}

bool depthwise_ok(const Model *model, const SubGraph *graph, const Operator *op)
{
	const auto *options = op->builtin_options_as_DepthwiseConv2DOptions();

	if (!convolution_ok(model, graph, op, options, true)) {
		return false;
	}

	const Tensor *x = input_of(graph, op, 0);
	const Tensor *y = graph->tensors()->Get(op->outputs()->Get(0));

	return options->depth_multiplier() == extent(y, 3) / extent(x, 3);
}

bool pool_ok(const SubGraph *graph, const Operator *op)
{
	const auto *options = op->builtin_options_as_Pool2DOptions();
	const Tensor *x = input_of(graph, op, 0);
	const Tensor *y = graph->tensors()->Get(op->outputs()->Get(0));

	return options != nullptr && is_int8(x) && is_int8(y) && is_rank(x, 4) && is_rank(y, 4) &&
	       extent(x, 0) == extent(y, 0) && extent(x, 3) == extent(y, 3) &&
	       options->filter_height() > 0 && options->filter_width() > 0 &&
	       options->filter_height() <= extent(x, 1) &&
	       options->filter_width() <= extent(x, 2) &&
	       axis_ok(extent(x, 1), options->filter_height(), options->stride_h(), 1,
		       options->padding(), extent(y, 1)) &&
	       axis_ok(extent(x, 2), options->filter_width(), options->stride_w(), 1,
		       options->padding(), extent(y, 2));
}

/* Of two tensors alike: nothing is broadcast. */
bool add_ok(const SubGraph *graph, const Operator *op)
{
	const Tensor *a = input_of(graph, op, 0);
	const Tensor *b = input_of(graph, op, 1);
	const Tensor *y = graph->tensors()->Get(op->outputs()->Get(0));

	return op->builtin_options_as_AddOptions() != nullptr && b != nullptr && is_int8(a) &&
	       is_int8(b) && is_int8(y) && same_shape(a, b) && same_shape(a, y);
}

/* Over height and width, which is what ends a network of convolutions. */
bool mean_ok(const Model *model, const SubGraph *graph, const Operator *op)
{
	const Tensor *x = input_of(graph, op, 0);
	const Tensor *axes = input_of(graph, op, 1);
	const Tensor *y = graph->tensors()->Get(op->outputs()->Get(0));

	if (op->builtin_options_as_ReducerOptions() == nullptr || axes == nullptr || !is_int8(x) ||
	    !is_int8(y) || axes->type() != tflite::TensorType_INT32 || values_of(axes) != 2 ||
	    !is_constant(model, axes) || !is_rank(x, 4)) {
		return false;
	}

	const auto *data = model->buffers()->Get(axes->buffer())->data();
	const int32_t first = flatbuffers::ReadScalar<int32_t>(data->data());
	const int32_t second = flatbuffers::ReadScalar<int32_t>(data->data() + sizeof(int32_t));
	const bool keeps = op->builtin_options_as_ReducerOptions()->keep_dims();

	return first == 1 && second == 2 && is_rank(y, keeps ? 4 : 2) &&
	       extent(y, 0) == extent(x, 0) && extent(y, keeps ? 3 : 1) == extent(x, 3) &&
	       values_of(y) ==
		       static_cast<size_t>(extent(x, 0)) * static_cast<size_t>(extent(x, 3));
}

} /* namespace */

bool is_constant(const Model *model, const Tensor *tensor)
{
	const auto *data = model->buffers()->Get(tensor->buffer())->data();

	return data != nullptr && data->size() > 0;
}

/* Number of values, or 0 where the shape is not acceptable. */
size_t values_of(const Tensor *tensor)
{
	if (tensor->shape() == nullptr || tensor->shape()->size() > kRankMax) {
		return 0;
	}

	size_t values = 1;

	for (int32_t extent : *tensor->shape()) {
		if (extent < 1 || static_cast<size_t>(extent) > kValuesMax / values) {
			return 0;
		}
		values *= static_cast<size_t>(extent);
	}
	return values;
}

bool shapes_ok(const Model *model, const SubGraph *graph, const Operator *op,
	       tflite::BuiltinOperator code)
{
	const Tensor *x = graph->tensors()->Get(op->inputs()->Get(0));
	const Tensor *y = graph->tensors()->Get(op->outputs()->Get(0));

	switch (code) {
	case tflite::BuiltinOperator_FULLY_CONNECTED:
		return op->builtin_options_as_FullyConnectedOptions() != nullptr && is_int8(x) &&
		       is_int8(y) && fully_connected_ok(model, graph, op);
	case tflite::BuiltinOperator_RESHAPE:
		return x->type() == y->type() && values_of(x) == values_of(y);
	case tflite::BuiltinOperator_QUANTIZE:
	case tflite::BuiltinOperator_DEQUANTIZE:
		return values_of(x) == values_of(y);
	case tflite::BuiltinOperator_CONV_2D:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_CONV_2D) &&
		       convolution_ok(model, graph, op, op->builtin_options_as_Conv2DOptions(),
				      false);
	case tflite::BuiltinOperator_DEPTHWISE_CONV_2D:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_DEPTHWISE_CONV_2D) &&
		       depthwise_ok(model, graph, op);
	case tflite::BuiltinOperator_AVERAGE_POOL_2D:
	case tflite::BuiltinOperator_MAX_POOL_2D:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_POOL_2D) && pool_ok(graph, op);
	case tflite::BuiltinOperator_ADD:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_ADD) && add_ok(graph, op);
	case tflite::BuiltinOperator_MEAN:
		return IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_MEAN) && mean_ok(model, graph, op);
	default:
		return false;
	}
}

} /* namespace tocsin */
