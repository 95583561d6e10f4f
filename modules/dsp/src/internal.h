/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* What the files of this module share with each other only. */

#ifndef TOCSIN_DSP_SRC_INTERNAL_H_
#define TOCSIN_DSP_SRC_INTERNAL_H_

/*
 * GCC 12's vectoriser makes fused vfmaddsub of a separate product and sum in spite of
 * -ffp-contract=off, where -march allows it. Found by tests/c/test_dsp_golden.c with
 * -O3 -march=native; clang does not.
 */
#if defined(__GNUC__) && !defined(__clang__)
#ifdef __AVX512F__
#pragma GCC target("no-avx512f")
#endif
#ifdef __FMA__
#pragma GCC target("no-fma")
#endif
#ifdef __FMA4__
#pragma GCC target("no-fma4")
#endif
#endif

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <tocsin/dsp.h>

/*
 * Promise 2 (the same bytes everywhere) needs every float operation rounded to float at once and
 * in the order written. 32-bit x86 needs -msse2 -mfpmath=sse for that.
 */
_Static_assert(FLT_EVAL_METHOD == 0, "float must be evaluated as float");
_Static_assert(FLT_RADIX == 2 && FLT_MANT_DIG == 24 && FLT_MAX_EXP == 128, "float is binary32");
#ifdef __FAST_MATH__
#error "-ffast-math breaks the bit-exactness of the features"
#endif

static inline uint32_t tocsin_dsp_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline float tocsin_dsp_from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* memcpy() of a C library for small machines may well go byte by byte, four instructions each. */
static inline void tocsin_dsp_copy(float *to, const float *from, size_t n)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
	}
}

/* On the bit pattern, so that no compiler option can assume the answer. */
static inline bool tocsin_dsp_finite(float x)
{
	return (tocsin_dsp_bits(x) & 0x7f800000u) != 0x7f800000u;
}

/*
 * Forward FFT of m complex values (re, im interleaved), in place, natural order in and out.
 * m is a power of two, 128 to 2048; sine is sin(2πk/2m), k = 0 … 2m-1.
 */
void tocsin_dsp_cfft(float *data, uint32_t m, const float *sine);

/* A frame's mean in digits, as an integer and the rest, so that d - mean is rounded once. */
struct tocsin_dsp_centre {
	int32_t whole;
	float part;
};

static inline float tocsin_dsp_centred(int16_t digit, struct tocsin_dsp_centre centre)
{
	return (float)(digit - centre.whole) - centre.part;
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

static inline float tocsin_dsp_db_of(float x)
{
	/* Moving the origin to √½ makes the exponent field count from there. */
	const uint32_t bits = tocsin_dsp_bits(x) - SQRT_HALF_BITS;
	const int32_t e = (int32_t)(bits >> 23) - ((bits >> 31) != 0u ? 512 : 0);
	const float m = tocsin_dsp_from_bits((bits & 0x007fffffu) + SQRT_HALF_BITS);
	const float f = m - 1.0f;
	const float s = f / (m + 1.0f);
	const float z = s * s;
	const float r = (R2 * z + R1) * z + R0;
	const float ef = (float)e;

	return ef * C_HI + (ef * C_LO + (s * K2 + s * z * r));
}

/* Log band powers of channel c to `out`; gives where the next feature goes. */
float *tocsin_dsp_spectrum(const struct tocsin_dsp *dsp, const struct tocsin_ring_view *view,
			   struct tocsin_dsp_centre centre, uint32_t c, float *out);

/* Its steps. The channel in physical units, windowed and zero-padded, to the FFT's work space … */
void tocsin_dsp_load(const struct tocsin_dsp *dsp, const struct tocsin_ring_view *view,
		     struct tocsin_dsp_centre centre, uint32_t c);

/* … |X|² of its real FFT for bins 0 … n/2 in place (n values in, n/2 + 1 out) … */
void tocsin_dsp_power(float *data, uint32_t n, const float *sine);

/* … and the logarithm of each band's weighted sum. */
void tocsin_dsp_bands(const struct tocsin_dsp_config *cfg, const float *power, float *out);

#endif /* TOCSIN_DSP_SRC_INTERNAL_H_ */
