/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "internal.h"
#include "rfft.h"

void tocsin_dsp_rfft(float *data, uint32_t n, const float *sine)
{
	const float *cosine = sine + n / 4;
	float *lo = data + 2;
	float *hi = data + n - 2;

	tocsin_dsp_cfft(data, n / 2, sine);

	const float re0 = data[0];
	const float im0 = data[1];

	data[0] = re0 + im0;
	data[1] = re0 - im0;

	for (uint32_t k = 1; k < n / 4; k++, lo += 2, hi -= 2) {
		const struct tocsin_dsp_two_bins x = tocsin_dsp_split(lo, hi, cosine[k], sine[k]);

		lo[0] = x.lo_re;
		lo[1] = x.lo_im;
		hi[0] = x.hi_re;
		hi[1] = x.hi_im;
	}

	/* k = n/4: both ends are the same bin, W = -i, X = Z*. */
	data[n / 2 + 1] = -data[n / 2 + 1];
}
