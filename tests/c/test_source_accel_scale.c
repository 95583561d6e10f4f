/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tocsin/source_accel_scale.h>

#include "rng.h"

static struct tocsin_accel_scale scale;

static void test_digits_are_the_quotient(void **state)
{
	struct rng rng = {1};

	(void)state;
	for (uint32_t range = 1; range <= 1024; range *= 2) {
		const float g = (float)range / 32768.0f;

		tocsin_accel_scale_init(&scale, g);
		for (int i = 0; i < 10000; i++) {
			/* Up to half beyond what int16 holds. */
			const int64_t value =
				(int64_t)((rng_unit(&rng) - 0.5) * 3 * range * 9806650.0);
			const double exact = (double)value / ((double)g * 9806650.0);
			const int16_t digit = tocsin_accel_scale_digit(&scale, value);
			const double kept = fmin(fmax(exact, -32768.0), 32767.0);

			if (fabs(digit - kept) > 0.506) {
				fail_msg("±%u g, %lld µm/s²: %d, not %f", range, (long long)value,
					 digit, exact);
			}
		}
		assert_int_equal(tocsin_accel_scale_digit(&scale, INT64_MAX), 32767);
		assert_int_equal(tocsin_accel_scale_digit(&scale, -INT64_MAX), -32768);
		assert_int_equal(tocsin_accel_scale_digit(&scale, 0), 0);
	}
}

static void test_scales_beyond_all_sensors_do_not_overflow(void **state)
{
	static const float scales[] = {FLT_MIN, 1e-30f, 1e-12f, 1e9f, 1e30f, FLT_MAX};

	(void)state;
	for (size_t n = 0; n < sizeof(scales) / sizeof(scales[0]); n++) {
		tocsin_accel_scale_init(&scale, scales[n]);
		for (int64_t value = 1; value < INT64_MAX / 3; value *= 3) {
			assert_true(tocsin_accel_scale_digit(&scale, value) >= 0);
			assert_true(tocsin_accel_scale_digit(&scale, -value) <= 0);
		}
	}
}

static void test_range_holds_the_scale(void **state)
{
	(void)state;
	assert_int_equal(tocsin_accel_scale_range(2.0f / 32768), 2);
	assert_int_equal(tocsin_accel_scale_range(1.0f / 32768), 2);
	assert_int_equal(tocsin_accel_scale_range(16.0f / 32768), 16);
	assert_int_equal(tocsin_accel_scale_range(16.1f / 32768), 16);
	assert_int_equal(tocsin_accel_scale_range(16.5f / 32768), 32);
	assert_int_equal(tocsin_accel_scale_range(0.001f), 64);
	assert_int_equal(tocsin_accel_scale_range(1.0f), 0);
	assert_int_equal(tocsin_accel_scale_range(INFINITY), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits_are_the_quotient),
		cmocka_unit_test(test_scales_beyond_all_sensors_do_not_overflow),
		cmocka_unit_test(test_range_holds_the_scale),
	};

	return cmocka_run_group_tests_name("source_accel_scale", tests, NULL, NULL);
}
