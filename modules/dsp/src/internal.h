/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* What the files of this module share with each other only. */

#ifndef TOCSIN_DSP_SRC_INTERNAL_H_
#define TOCSIN_DSP_SRC_INTERNAL_H_

#include "../../exact_float.h"

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/dsp.h>

#include "element.h"

/* memcpy() of a C library for small machines may well go byte by byte, four instructions each. */
static inline void tocsin_dsp_copy(tocsin_dsp_real *to, const tocsin_dsp_real *from, size_t n)
{
#if defined(__x86_64__) || defined(__aarch64__)
	memcpy(to, from, n * sizeof(*to));
#else
#pragma GCC unroll 8
	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
	}
#endif
}

/*
 * Forward FFT of m complex values (re, im interleaved), in place, natural order in and out.
 * m is a power of two, 128 to 2048; sine is sin(2πk/2m), k = 0 … 2m-1.
 */
TOCSIN_DSP_PART void tocsin_dsp_cfft(tocsin_dsp_real *data, uint32_t m, const float *sine);

/* A frame's mean in digits, as an integer and the rest, so that d - mean is rounded once. */
struct tocsin_dsp_centre {
	tocsin_dsp_int whole;
	tocsin_dsp_real part;
};

static inline tocsin_dsp_real tocsin_dsp_centred(tocsin_dsp_digit digit,
						 struct tocsin_dsp_centre centre)
{
	const tocsin_dsp_int whole = tocsin_dsp_widen(digit) - centre.whole;

	return TOCSIN_DSP_CONVERT(whole, tocsin_dsp_real) - centre.part;
}

/* The first sample of channel c in a piece of the view; an empty piece may be NULL. */
static inline const int16_t *tocsin_dsp_channel(const struct tocsin_ring_view *view, int p,
						uint32_t c)
{
	return view->count[p] != 0 ? view->part[p] + c : NULL;
}

/*
 * 10·log10(x) with x = 2^e · m, m in [√½, √2):
 *
 *   10·log10(x) = e·C + K·ln(m),  C = 10·log10(2), K = 10/ln(10)
 *   ln(m) = 2·atanh(s) = 2s + s·z·R(z),  s = (m-1)/(m+1), z = s²
 *
 * R is a minimax polynomial (Remez exchange, relative error of atanh 8.1e-10), fitted for this
 * file and multiplied by K. C is split so that e·C_HI is exact: C_HI has 15 significant bits and e
 * has 8.
 */
#define C_HI 3.01025390625f
#define C_LO 4.6050389812e-5f
#define K2   8.68588963807f
#define R0   2.89530131f
#define R1   1.736202667f
#define R2   1.297310471f

#define SQRT_HALF_BITS 0x3f3504f3u

static inline tocsin_dsp_real tocsin_dsp_db_of(tocsin_dsp_real x)
{
	/* Moving the origin to √½ makes the exponent field count from there. */
	const tocsin_dsp_word bits = tocsin_dsp_bits(x) - SQRT_HALF_BITS;
	const tocsin_dsp_int e = (tocsin_dsp_int)bits >> 23;
	const tocsin_dsp_real m = tocsin_dsp_from_bits((bits & 0x007fffffu) + SQRT_HALF_BITS);
	const tocsin_dsp_real f = m - 1.0f;
	const tocsin_dsp_real s = f / (m + 1.0f);
	const tocsin_dsp_real z = s * s;
	const tocsin_dsp_real r = (R2 * z + R1) * z + R0;
	const tocsin_dsp_real ef = TOCSIN_DSP_CONVERT(e, tocsin_dsp_real);

	return ef * C_HI + (ef * C_LO + (s * K2 + s * z * r));
}

_Static_assert(-1 >> 1 == -1, "a shift to the right must keep the sign");

/* |X|² of the real FFT for bins 0 … n/2 in place (n values in, n/2 + 1 out). */
TOCSIN_DSP_PART void tocsin_dsp_power(tocsin_dsp_real *data, uint32_t n, const float *sine);

/* Each band's weighted sum, or its logarithm where decibels are pooled. */
TOCSIN_DSP_PART void tocsin_dsp_bands(const struct tocsin_dsp_config *cfg,
				      const tocsin_dsp_real *power, tocsin_dsp_real *out);

#ifndef TOCSIN_DSP_LANES

/* One channel, from a view: loaded to dsp->fft and zero-padded … */
void tocsin_dsp_load(const struct tocsin_dsp *dsp, const struct tocsin_ring_view *view,
		     struct tocsin_dsp_centre centre, uint32_t c);

/*
 * … and its chosen statistics, with the centre, which is 0 where the mean stays. Gives where the
 * next feature goes.
 */
float *tocsin_dsp_statistics(const struct tocsin_dsp_config *cfg,
			     const struct tocsin_ring_view *view, uint32_t c,
			     struct tocsin_dsp_centre *centre, float *out);

#endif

#endif /* TOCSIN_DSP_SRC_INTERNAL_H_ */
