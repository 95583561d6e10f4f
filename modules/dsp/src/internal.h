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

#endif /* TOCSIN_DSP_SRC_INTERNAL_H_ */
