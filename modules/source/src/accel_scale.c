/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <tocsin/source_accel_scale.h>

/* Standard gravity, µm/s² (by definition, BIPM). */
#define GRAVITY 9806650.0

#define BITS 40

void tocsin_accel_scale_init(struct tocsin_accel_scale *scale, float g)
{
	const double step = (double)g * GRAVITY; /* µm/s² a digit */
	const double digits = (double)(INT64_C(1) << BITS) / step;
	const double limit = 32769.0 * step;

	/* A scale beyond all sensors (below 1e-9 g, above 1e6 g) must not overflow either. */
	scale->digits = digits < 1e14 ? (int64_t)(digits + 0.5) : INT64_C(100000000000000);
	scale->limit = limit < 1.0 ? 1 : limit < 1e15 ? (int64_t)limit : INT64_C(1000000000000000);
	if (scale->digits > 0 && scale->limit > (INT64_MAX >> 1) / scale->digits) {
		scale->limit = (INT64_MAX >> 1) / scale->digits;
	}
}

int16_t tocsin_accel_scale_digit(const struct tocsin_accel_scale *scale, int64_t um_s2)
{
	if (um_s2 >= scale->limit) {
		return INT16_MAX;
	}
	if (um_s2 <= -scale->limit) {
		return INT16_MIN;
	}

	const int64_t digit = (um_s2 * scale->digits + (INT64_C(1) << (BITS - 1))) >> BITS;

	return (int16_t)(digit < INT16_MIN ? INT16_MIN : digit > INT16_MAX ? INT16_MAX : digit);
}

uint32_t tocsin_accel_scale_range(float g)
{
	const float wanted = 32768.0f * g * 0.99f;

	for (uint32_t range = 2; range <= 1024; range *= 2) {
		if ((float)range >= wanted) {
			return range;
		}
	}
	return 0;
}
