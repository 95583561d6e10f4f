/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The real transform from the complex one of half the length: with z[j] = x[2j] + i·x[2j+1] and
 * Z = FFT(z), for k = 1 … n/4
 *
 *   E = (Z[k] + Z*[n/2-k])/2,  O = (Z[k] - Z*[n/2-k])/2i
 *   X[k] = E + W·O,  X[n/2-k] = (E - W·O)*,  W = e^(-2πik/n)
 *
 * (Press et al., Numerical Recipes, 2nd ed., section 12.3.)
 */

#ifndef TOCSIN_DSP_SRC_RFFT_H_
#define TOCSIN_DSP_SRC_RFFT_H_

#include "element.h"

struct tocsin_dsp_two_bins {
	tocsin_dsp_real lo_re;
	tocsin_dsp_real lo_im;
	tocsin_dsp_real hi_re;
	tocsin_dsp_real hi_im;
};

/* X[k] and X[n/2-k] of Z[k] and Z[n/2-k]. */
static inline struct tocsin_dsp_two_bins
tocsin_dsp_split(const tocsin_dsp_real *lo, const tocsin_dsp_real *hi, float c, float s)
{
	const tocsin_dsp_real e_re = 0.5f * (lo[0] + hi[0]);
	const tocsin_dsp_real e_im = 0.5f * (lo[1] - hi[1]);
	const tocsin_dsp_real o_re = 0.5f * (lo[1] + hi[1]);
	const tocsin_dsp_real o_im = 0.5f * (hi[0] - lo[0]);
	const tocsin_dsp_real t_re = c * o_re + s * o_im;
	const tocsin_dsp_real t_im = c * o_im - s * o_re;

	return (struct tocsin_dsp_two_bins){e_re + t_re, e_im + t_im, e_re - t_re, t_im - e_im};
}

#endif /* TOCSIN_DSP_SRC_RFFT_H_ */
