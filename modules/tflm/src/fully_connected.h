/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_TFLM_FULLY_CONNECTED_H_
#define TOCSIN_TFLM_FULLY_CONNECTED_H_

#include "tensorflow/lite/micro/micro_common.h"

namespace tocsin
{

/*
 * FULLY_CONNECTED by dense.h; int8 alone, which is all that model_check.cc lets pass. Where the
 * interpreter's external context is a uint32_t, that is by how many frames windows slide, or 0: the
 * first layer that is run for several rows keeps them (kept.h), and makes it 0.
 */
TFLMRegistration register_fully_connected();

} /* namespace tocsin */

#endif /* TOCSIN_TFLM_FULLY_CONNECTED_H_ */
