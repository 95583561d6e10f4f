/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "internal.h"

/*
 * The real transform from the complex one of half the length: with z[j] = x[2j] + i·x[2j+1] and
 * Z = FFT(z), for k = 1 … n/4
 *
 *   E = (Z[k] + Z*[n/2-k])/2,  O = (Z[k] - Z*[n/2-k])/2i
 *   X[k] = E + W·O,  X[n/2-k] = (E - W·O)*,  W = e^(-2πik/n)
 *
 * (Press et al., Numerical Recipes, 2nd ed., section 12.3.)
 */
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

	for (uint32_t k = 1; k < n / 4; k++) {
		const float c = cosine[k];
		const float s = sine[k];
		const float e_re = 0.5f * (lo[0] + hi[0]);
		const float e_im = 0.5f * (lo[1] - hi[1]);
		const float o_re = 0.5f * (lo[1] + hi[1]);
		const float o_im = 0.5f * (hi[0] - lo[0]);
		const float t_re = c * o_re + s * o_im;
		const float t_im = c * o_im - s * o_re;

		lo[0] = e_re + t_re;
		lo[1] = e_im + t_im;
		hi[0] = e_re - t_re;
		hi[1] = t_im - e_im;
		lo += 2;
		hi -= 2;
	}

	/* k = n/4: both ends are the same bin, W = -i, X = Z*. */
	data[n / 2 + 1] = -data[n / 2 + 1];
}
