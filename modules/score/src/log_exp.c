/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Exponential and logarithm for the log-sum-exp of the mixture. A libm's may differ from the next
 * one's in the last bit; these are the same everywhere. The polynomials are minimax (Remez
 * exchange), fitted for this file.
 */

#include "internal.h"

#define LOG2_E 1.44269504f
/* ln 2 in two parts; the first has 14 significant bits, so its multiples up to 2^10 are exact. */
#define LN2_HI 0.693176269531f
#define LN2_LO -2.90889713047e-5f

#define SQRT_HALF_BITS 0x3f3504f3u

float tocsin_score_exp(float x)
{
	if (!(x >= -87.0f)) {
		return 0.0f;
	}

	/* e^x = 2^n · e^r with |r| <= ln2/2; the conversion truncates, hence -½ for x <= 0. */
	const int32_t n = (int32_t)(x * LOG2_E - 0.5f);
	const float nf = (float)n;
	const float r = (x - nf * LN2_HI) - nf * LN2_LO;
	/* e^r = 1 + r + r²·P(r), relative error 3.3e-9 */
	const float p = (((0.001381314738f * r + 0.008369418765f) * r + 0.04166845673f) * r +
			 0.1666651479f) *
				r +
			0.4999999305f;
	const float y = 1.0f + (r + r * r * p);
	const uint32_t bits = (uint32_t)(n + 127) << 23;
	float power;

	memcpy(&power, &bits, sizeof(power));
	return y * power;
}

float tocsin_score_log(float x)
{
	uint32_t bits;
	float m;

	/* x = 2^e · m, m in [√½, √2); with x >= 1 the difference does not wrap. */
	memcpy(&bits, &x, sizeof(bits));
	bits -= SQRT_HALF_BITS;

	const float e = (float)(int32_t)(bits >> 23);

	bits = (bits & 0x007fffffu) + SQRT_HALF_BITS;
	memcpy(&m, &bits, sizeof(m));

	/* ln m = 2·atanh(s) = 2s + s·z·R(z), relative error 8.1e-10 */
	const float s = (m - 1.0f) / (m + 1.0f);
	const float z = s * s;
	const float r = (0.2987167753f * z + 0.3997754379f) * z + 0.6666677636f;

	return e * LN2_HI + (e * LN2_LO + (2.0f * s + s * z * r));
}
