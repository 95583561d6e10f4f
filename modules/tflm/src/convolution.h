/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_TFLM_CONVOLUTION_H_
#define TOCSIN_TFLM_CONVOLUTION_H_

#include "tensorflow/lite/micro/micro_common.h"

namespace tocsin
{

/* CONV_2D by conv.h; int8 alone, which is all that model_check.cc lets pass. */
TFLMRegistration register_conv_2d();

/* DEPTHWISE_CONV_2D likewise. */
TFLMRegistration register_depthwise_conv_2d();

} /* namespace tocsin */

#endif /* TOCSIN_TFLM_CONVOLUTION_H_ */
