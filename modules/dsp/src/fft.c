/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Complex FFT, in place, decimation in frequency: radix-4 stages, the last one radix-4 or radix-8
 * (whichever makes the length), then bit reversal. A radix-4 butterfly that stores its outputs in
 * the order 0, 2, 1, 3 is two radix-2 stages in one, so the order at the end is plain bit reversal
 * for every length.
 *
 * Twiddle factors are read once for all blocks of a stage (the outer loop runs over them), which
 * costs strided data; the microcontrollers this is for have no data cache to mind.
 */

#include "internal.h"

struct cf {
	tocsin_dsp_real re;
	tocsin_dsp_real im;
};

static inline struct cf add(struct cf a, struct cf b)
{
	return (struct cf){a.re + b.re, a.im + b.im};
}

static inline struct cf sub(struct cf a, struct cf b)
{
	return (struct cf){a.re - b.re, a.im - b.im};
}

/* -i·a */
static inline struct cf turn(struct cf a)
{
	return (struct cf){a.im, -a.re};
}

/* a·(c - i·s) */
static inline struct cf twist(struct cf a, float c, float s)
{
	return (struct cf){a.re * c + a.im * s, a.im * c - a.re * s};
}

/* One radix-4 stage over blocks of length len; the blocks' first butterflies need no twiddles. */
static void stage4(struct cf *data, uint32_t m, uint32_t len, const float *sine)
{
	const uint32_t quarter = len / 4;
	const uint32_t step = 2 * m / len; /* of the sine table, which has 2m values */
	const float *cosine = sine + m / 2;
	const struct cf *end = data + m;

	for (struct cf *p = data; p < end; p += len) {
		const struct cf a = add(p[0], p[2 * quarter]);
		const struct cf b = sub(p[0], p[2 * quarter]);
		const struct cf c = add(p[quarter], p[3 * quarter]);
		const struct cf d = turn(sub(p[quarter], p[3 * quarter]));

		p[0] = add(a, c);
		p[quarter] = sub(a, c);
		p[2 * quarter] = add(b, d);
		p[3 * quarter] = sub(b, d);
	}

	for (uint32_t j = 1; j < quarter; j++) {
		const float c1 = cosine[j * step];
		const float s1 = sine[j * step];
		const float c2 = cosine[2 * j * step];
		const float s2 = sine[2 * j * step];
		const float c3 = cosine[3 * j * step];
		const float s3 = sine[3 * j * step];

		for (struct cf *p = data + j; p < end; p += len) {
			const struct cf a = add(p[0], p[2 * quarter]);
			const struct cf b = sub(p[0], p[2 * quarter]);
			const struct cf c = add(p[quarter], p[3 * quarter]);
			const struct cf d = turn(sub(p[quarter], p[3 * quarter]));

			p[0] = add(a, c);
			p[quarter] = twist(sub(a, c), c2, s2);
			p[2 * quarter] = twist(add(b, d), c1, s1);
			p[3 * quarter] = twist(sub(b, d), c3, s3);
		}
	}
}

static void last4(struct cf *data, uint32_t m)
{
	for (struct cf *p = data; p < data + m; p += 4) {
		const struct cf a = add(p[0], p[2]);
		const struct cf b = sub(p[0], p[2]);
		const struct cf c = add(p[1], p[3]);
		const struct cf d = turn(sub(p[1], p[3]));

		p[0] = add(a, c);
		p[1] = sub(a, c);
		p[2] = add(b, d);
		p[3] = sub(b, d);
	}
}

static void last8(struct cf *data, uint32_t m)
{
	const float h = 0.707106781f; /* √½ */

	for (struct cf *p = data; p < data + m; p += 8) {
		/* Radix-2 over distance 4, then two radix-4 with the odd half twisted. */
		const struct cf a0 = add(p[0], p[4]);
		const struct cf a1 = add(p[1], p[5]);
		const struct cf a2 = add(p[2], p[6]);
		const struct cf a3 = add(p[3], p[7]);
		const struct cf b0 = sub(p[0], p[4]);
		const struct cf d1 = sub(p[1], p[5]);
		const struct cf b2 = turn(sub(p[2], p[6]));
		const struct cf d3 = sub(p[3], p[7]);
		/* d1·(1-i)·h and d3·(-1-i)·h */
		const struct cf b1 = {h * (d1.re + d1.im), h * (d1.im - d1.re)};
		const struct cf b3 = {h * (d3.im - d3.re), -(h * (d3.re + d3.im))};
		const struct cf ae = add(a0, a2);
		const struct cf ao = add(a1, a3);
		const struct cf as = sub(a0, a2);
		const struct cf at = turn(sub(a1, a3));
		const struct cf be = add(b0, b2);
		const struct cf bo = add(b1, b3);
		const struct cf bs = sub(b0, b2);
		const struct cf bt = turn(sub(b1, b3));

		p[0] = add(ae, ao);
		p[1] = sub(ae, ao);
		p[2] = add(as, at);
		p[3] = sub(as, at);
		p[4] = add(be, bo);
		p[5] = sub(be, bo);
		p[6] = add(bs, bt);
		p[7] = sub(bs, bt);
	}
}

static inline void swap(struct cf *a, struct cf *b)
{
	const struct cf t = *a;

	*a = *b;
	*b = t;
}

/*
 * Bit reversal four indices at a time: for even i < m/2 with reverse j (even and < m/2 as well),
 * the reverse of i+1 is j + m/2, that of i + m/2 is j + 1, that of i + 1 + m/2 is j + 1 + m/2.
 */
static void reorder(struct cf *data, uint32_t m)
{
	const uint32_t half = m / 2;
	uint32_t j = 0;

	for (uint32_t i = 0; i < half; i += 2) {
		swap(&data[i + 1], &data[j + half]);
		if (i < j) {
			swap(&data[i], &data[j]);
			swap(&data[i + 1 + half], &data[j + 1 + half]);
		}

		/* j + 1 counted from the top bit down; bits 0 and log2(half) stay clear. */
		uint32_t bit = half / 2;

		while ((j & bit) != 0) {
			j ^= bit;
			bit /= 2;
		}
		j |= bit;
	}
}

TOCSIN_DSP_PART void tocsin_dsp_cfft(tocsin_dsp_real *data, uint32_t m, const float *sine)
{
	/* struct cf is two numbers without padding, so the interleaved array is one of these. */
	_Static_assert(sizeof(struct cf) == 2 * sizeof(tocsin_dsp_real), "no padding");
	struct cf *z = (struct cf *)(void *)data;
	uint32_t len = m;

	for (; len > 8; len /= 4) {
		stage4(z, m, len, sine);
	}
	if (len == 8) {
		last8(z, m);
	} else {
		last4(z, m);
	}
	reorder(z, m);
}
