/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What "the same bytes everywhere" (promise 2) asks of the compiler, for the portable modules that
 * compute with floats. To be included before anything else.
 */

#ifndef TOCSIN_EXACT_FLOAT_H_
#define TOCSIN_EXACT_FLOAT_H_

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

/*
 * Every float operation must be rounded to float at once and in the order written. 32-bit x86 needs
 * -msse2 -mfpmath=sse for that.
 */
_Static_assert(FLT_EVAL_METHOD == 0, "float must be evaluated as float");
_Static_assert(FLT_RADIX == 2 && FLT_MANT_DIG == 24 && FLT_MAX_EXP == 128, "float is binary32");
#ifdef __FAST_MATH__
#error "-ffast-math breaks the bit-exactness of features and scores"
#endif

#endif /* TOCSIN_EXACT_FLOAT_H_ */
