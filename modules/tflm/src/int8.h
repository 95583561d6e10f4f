/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* What the int8 kernels share: TensorFlow Lite's arithmetic, and words of four values. */

#ifndef TOCSIN_TFLM_SRC_INT8_H_
#define TOCSIN_TFLM_SRC_INT8_H_

#include <stdint.h>
#include <string.h>

#define TOCSIN_INT8_WORD 4 /* values in a word */

static inline int32_t tocsin_int8_load(const int8_t *from)
{
	int32_t word;

	memcpy(&word, from, sizeof(word)); /* one LDR, whatever the alignment */
	return word;
}

/* So that SXTB16 finds bytes 1 and 3; the compiler makes it the instruction's own rotation. */
static inline int32_t tocsin_int8_odd_last(int32_t word)
{
	return (int32_t)((uint32_t)word >> 8 | (uint32_t)word << 24);
}

/* Twice in a word, as SXTAB16 adds it to two values. */
static inline int32_t tocsin_int8_twice(int32_t offset)
{
	return (int32_t)((uint32_t)offset << 16 | ((uint32_t)offset & UINT32_C(0xffff)));
}

static inline int32_t tocsin_int8_high_half(int32_t a, int32_t multiplier)
{
	return (int32_t)(((int64_t)a * multiplier + (INT64_C(1) << 30)) >> 31);
}

/*
 * TFLite's MultiplyByQuantizedMultiplier(), which rounds twice: the high half of the product half
 * up, then the right shift half away from zero. One taken off a negative number makes half up of
 * that. The multiplier is below 2^31, so the high half is above INT32_MIN and nothing here
 * overflows.
 */
static inline int32_t tocsin_int8_requantise(int32_t sum, int32_t multiplier, int32_t shift)
{
	if (shift < 0) {
		int32_t high = tocsin_int8_high_half(sum, multiplier);

		high += high >> 31;
		return ((high >> (-shift - 1)) + 1) >> 1;
	}
	return tocsin_int8_high_half((int32_t)((uint32_t)sum << shift), multiplier);
}

static inline int8_t tocsin_int8_clamp(int32_t value, int32_t least, int32_t most)
{
	value = value < least ? least : value;
	return (int8_t)(value > most ? most : value);
}

#endif /* TOCSIN_TFLM_SRC_INT8_H_ */
