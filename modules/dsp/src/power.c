/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "internal.h"
#include "rfft.h"

/*
 * The powers are smaller than what they are made of, so they go where it has been read already: bin
 * k below n/4 to data[k], bin n/2-k above it to data[n-k] for now.
 */
TOCSIN_DSP_PART void tocsin_dsp_power(tocsin_dsp_real *data, uint32_t n, const float *sine)
{
	const float *cosine = sine + n / 4;
	const tocsin_dsp_real *lo = data + 2;
	const tocsin_dsp_real *hi = data + n - 2;

	tocsin_dsp_cfft(data, n / 2, sine);

	const tocsin_dsp_real first = data[0] + data[1];
	const tocsin_dsp_real last = data[0] - data[1];

	for (uint32_t k = 1; k < n / 4; k++, lo += 2, hi -= 2) {
		const struct tocsin_dsp_two_bins x = tocsin_dsp_split(lo, hi, cosine[k], sine[k]);

		data[k] = x.lo_re * x.lo_re + x.lo_im * x.lo_im;
		data[n - k] = x.hi_re * x.hi_re + x.hi_im * x.hi_im;
	}
	data[0] = first * first;
	data[n / 4] = data[n / 2] * data[n / 2] + data[n / 2 + 1] * data[n / 2 + 1];
	tocsin_dsp_copy(&data[n / 4 + 1], &data[3 * n / 4 + 1], n / 4 - 1);
	data[n / 2] = last * last;
}
