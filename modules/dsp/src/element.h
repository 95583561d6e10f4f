/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What the spectrum's arithmetic is done on. On a device, and wherever one frame is computed at a
 * time, one number. Where lanes.c compiles the same source once more for a desk, TOCSIN_DSP_LANES
 * numbers, one of each of as many frames (GCC's and Clang's vector extension): every lane does the
 * operations that the plain build does, in the same order, so it comes to the same bytes.
 */

#ifndef TOCSIN_DSP_SRC_ELEMENT_H_
#define TOCSIN_DSP_SRC_ELEMENT_H_

#include <stdint.h>
#include <string.h>

#ifdef TOCSIN_DSP_LANES

#ifdef __AVX2__
#include <immintrin.h>
#endif

#define TOCSIN_DSP_VECTOR(type)                                                                    \
	type __attribute__((vector_size(TOCSIN_DSP_LANES * sizeof(type)), may_alias))

typedef TOCSIN_DSP_VECTOR(float) tocsin_dsp_real;
typedef TOCSIN_DSP_VECTOR(int32_t) tocsin_dsp_int;
typedef TOCSIN_DSP_VECTOR(uint32_t) tocsin_dsp_word;
typedef TOCSIN_DSP_VECTOR(int16_t) tocsin_dsp_digit;

#define TOCSIN_DSP_CONVERT(x, type) __builtin_convertvector(x, type)
/* All lanes.c is one translation unit for each number of lanes. */
#define TOCSIN_DSP_PART             static

#else

typedef float tocsin_dsp_real;
typedef int32_t tocsin_dsp_int;
typedef uint32_t tocsin_dsp_word;
typedef int16_t tocsin_dsp_digit;

#define TOCSIN_DSP_CONVERT(x, type) ((type)(x))
#define TOCSIN_DSP_PART

#endif

static inline tocsin_dsp_word tocsin_dsp_bits(tocsin_dsp_real x)
{
	tocsin_dsp_word bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline tocsin_dsp_real tocsin_dsp_from_bits(tocsin_dsp_word bits)
{
	tocsin_dsp_real x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* A digit's value. GCC 12 does in four instructions what AVX2 has one for. */
static inline tocsin_dsp_int tocsin_dsp_widen(tocsin_dsp_digit digit)
{
#if defined(__AVX2__) && defined(TOCSIN_DSP_LANES) && TOCSIN_DSP_LANES == 8
	return (tocsin_dsp_int)_mm256_cvtepi16_epi32((__m128i)digit);
#else
	return TOCSIN_DSP_CONVERT(digit, tocsin_dsp_int);
#endif
}

/* x where it is above the floor, and the floor elsewhere. */
static inline tocsin_dsp_real tocsin_dsp_above(tocsin_dsp_real x, float floor)
{
#ifdef TOCSIN_DSP_LANES
	const tocsin_dsp_real least = floor - (tocsin_dsp_real){0};
	const tocsin_dsp_word above = (tocsin_dsp_word)(x > least);

	return tocsin_dsp_from_bits((tocsin_dsp_bits(x) & above) |
				    (tocsin_dsp_bits(least) & ~above));
#else
	return x > floor ? x : floor;
#endif
}

#endif /* TOCSIN_DSP_SRC_ELEMENT_H_ */
