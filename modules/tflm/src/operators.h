/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_TFLM_OPERATORS_H_
#define TOCSIN_TFLM_OPERATORS_H_

#include <cstddef>
#include <cstdint>

#include <zephyr/sys/util.h>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#include <tocsin/tflm.h>

namespace tocsin
{

constexpr int kOperators =
	IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_FULLY_CONNECTED) +
	IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_RESHAPE) + 2 * IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_QUANTIZE) +
	IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_CONV_2D) +
	IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_DEPTHWISE_CONV_2D) +
	2 * IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_POOL_2D) + IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_ADD) +
	IS_ENABLED(CONFIG_TOCSIN_TFLM_OP_MEAN);
static_assert(kOperators > 0, "choose at least one of CONFIG_TOCSIN_TFLM_OP_*");

using Resolver = tflite::MicroMutableOpResolver<kOperators>;

/* Whether the operator is compiled in. */
bool supported(tflite::BuiltinOperator op);

/* The model, once all offsets that anybody follows stay inside the bytes; else nullptr. */
const tflite::Model *verified_model(const uint8_t *data, size_t size);

/* Number of values, or 0 where the shape is not acceptable. */
size_t values_of(const tflite::Tensor *tensor);

/* Whether a tensor's values are part of the model. */
bool is_constant(const tflite::Model *model, const tflite::Tensor *tensor);

/* Whether the tensors of an operator, whose indices have been checked, suit its kernel. */
bool shapes_ok(const tflite::Model *model, const tflite::SubGraph *graph,
	       const tflite::Operator *op, tflite::BuiltinOperator code);

/* The model behind checked bytes; see tocsin_tflm_check() for what @p error may become. */
const tflite::Model *checked_model(const uint8_t *data, size_t size, int *error);

} /* namespace tocsin */

#endif /* TOCSIN_TFLM_OPERATORS_H_ */
