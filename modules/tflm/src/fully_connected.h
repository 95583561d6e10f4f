/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_TFLM_FULLY_CONNECTED_H_
#define TOCSIN_TFLM_FULLY_CONNECTED_H_

#include "tensorflow/lite/micro/micro_common.h"

namespace tocsin
{

/* FULLY_CONNECTED by dense.h where weights and data are int8; the stock kernel for all else. */
TFLMRegistration register_fully_connected();

} /* namespace tocsin */

#endif /* TOCSIN_TFLM_FULLY_CONNECTED_H_ */
