/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Numbers as the console shows them: what printf would say, read back, and whatever the value. */

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/decimal.h"

static void test_whole_numbers(void **state)
{
	static const int64_t values[] = {0, 1, -1, 10, 158118, INT64_MAX, -INT64_MAX};
	char expected[32];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		(void)snprintf(expected, sizeof(expected), "%" PRId64, values[i]);
		assert_string_equal(DECIMAL(values[i]), expected);
	}
}

static void test_scores_as_a_person_reads_them(void **state)
{
	static const struct {
		float value;
		const char *text;
	} cases[] = {
		{0.0f, "0"},          {-0.0f, "0"},        {7.2134f, "7.213"},
		{7.2f, "7.2"},        {158.118f, "158.1"}, {158118.0f, "158118"},
		{-12.5f, "-12.5"},    {10.0f, "10"},       {999.96f, "1000"},
		{9999.6f, "10000"},   {0.042f, "0.042"},   {0.001f, "0.001"},
		{0.00042f, "4.2e-4"}, {1e9f, "1e+9"},      {1.234e12f, "1.234e+12"},
		{INFINITY, "inf"},    {-INFINITY, "-inf"}, {NAN, "-"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(SCORE(cases[i].value), cases[i].text);
	}
}

/* Every power of two there is, and what lies between: to half a digit of the fourth place. */
static void test_scores_of_any_size(void **state)
{
	char text[DECIMAL_SIZE];

	(void)state;
	for (int exponent = -149; exponent < 128; exponent++) {
		for (int part = 8; part < 16; part++) {
			const float value = ldexpf((float)part / 8.0f, exponent);
			const char *said;

			if (value == 0.0f || isinf(value)) {
				continue;
			}
			memset(text, '#', sizeof(text));
			said = decimal_score(value, text);
			assert_true(said >= text && said < text + DECIMAL_SIZE);
			assert_true(fabs(strtod(said, NULL) / (double)value - 1.0) < 5.1e-4);
			assert_int_equal(decimal_score(-value, text)[0], '-');
		}
	}
	assert_true(fabs(strtod(SCORE(FLT_MAX), NULL) / (double)FLT_MAX - 1.0) < 5.1e-4);
}

static void test_times(void **state)
{
	(void)state;
	assert_string_equal(TIME(0, 16000), "0:00:00.0");
	assert_string_equal(TIME(12072000, 16000), "0:12:34.5");
	assert_string_equal(TIME(57600000 - 1, 16000), "0:59:59.9");
	assert_string_equal(TIME(57600000, 16000), "1:00:00.0");
	assert_string_equal(TIME(UINT64_C(1) << 48, 16000), "4886718:20:44.4");
	assert_string_equal(TIME(UINT64_C(1) << 48, 1), "4294967295:44:16.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_numbers),
		cmocka_unit_test(test_scores_as_a_person_reads_them),
		cmocka_unit_test(test_scores_of_any_size),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
