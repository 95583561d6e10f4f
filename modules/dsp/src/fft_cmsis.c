/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The complex transform by CMSIS-DSP, instead of fft.c. arm_cfft_f32() and not
 * arm_rfft_fast_f32(), because the former works in place and the latter would need n more floats.
 * The constant instances need no initialisation, no memory and cannot fail at run time.
 */

#include <arm_const_structs.h>
#include <arm_math.h>

#include "internal.h"

static const arm_cfft_instance_f32 *instance(uint32_t m)
{
	switch (m) {
	case 128:
		return &arm_cfft_sR_f32_len128;
	case 256:
		return &arm_cfft_sR_f32_len256;
	case 512:
		return &arm_cfft_sR_f32_len512;
	case 1024:
		return &arm_cfft_sR_f32_len1024;
	default:
		return &arm_cfft_sR_f32_len2048;
	}
}

void tocsin_dsp_cfft(float *data, uint32_t m, const float *sine)
{
	(void)sine; /* CMSIS-DSP has its own twiddle factors */
	arm_cfft_f32(instance(m), data, 0, 1);
}
