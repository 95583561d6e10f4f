/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "internal.h"

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

float tocsin_dsp_db(float x)
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
