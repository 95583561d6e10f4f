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
struct two_bins {
	float lo_re;
	float lo_im;
	float hi_re;
	float hi_im;
};

/* X[k] and X[n/2-k] of Z[k] and Z[n/2-k]. */
static inline struct two_bins split(const float *lo, const float *hi, float c, float s)
{
	const float e_re = 0.5f * (lo[0] + hi[0]);
	const float e_im = 0.5f * (lo[1] - hi[1]);
	const float o_re = 0.5f * (lo[1] + hi[1]);
	const float o_im = 0.5f * (hi[0] - lo[0]);
	const float t_re = c * o_re + s * o_im;
	const float t_im = c * o_im - s * o_re;

	return (struct two_bins){e_re + t_re, e_im + t_im, e_re - t_re, t_im - e_im};
}

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
		const struct two_bins x = split(lo, hi, cosine[k], sine[k]);

		lo[0] = x.lo_re;
		lo[1] = x.lo_im;
		hi[0] = x.hi_re;
		hi[1] = x.hi_im;
	}

	/* k = n/4: both ends are the same bin, W = -i, X = Z*. */
	data[n / 2 + 1] = -data[n / 2 + 1];
}

/*
 * The powers are smaller than what they are made of, so they go where it has been read already: bin
 * k below n/4 to data[k], bin n/2-k above it to data[n-k] for now.
 */
void tocsin_dsp_power(float *data, uint32_t n, const float *sine)
{
	const float *cosine = sine + n / 4;
	const float *lo = data + 2;
	const float *hi = data + n - 2;

	tocsin_dsp_cfft(data, n / 2, sine);

	const float first = data[0] + data[1];
	const float last = data[0] - data[1];

	for (uint32_t k = 1; k < n / 4; k++, lo += 2, hi -= 2) {
		const struct two_bins x = split(lo, hi, cosine[k], sine[k]);

		data[k] = x.lo_re * x.lo_re + x.lo_im * x.lo_im;
		data[n - k] = x.hi_re * x.hi_re + x.hi_im * x.hi_im;
	}
	data[0] = first * first;
	data[n / 4] = data[n / 2] * data[n / 2] + data[n / 2 + 1] * data[n / 2 + 1];
	tocsin_dsp_copy(&data[n / 4 + 1], &data[3 * n / 4 + 1], n / 4 - 1);
	data[n / 2] = last * last;
}
