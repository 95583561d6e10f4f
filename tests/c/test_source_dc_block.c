/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/source_dc_block.h>

#include "rng.h"

#define FRAMES 20000

static struct tocsin_dc_block block;
static int16_t samples[3 * FRAMES];

/* The filter's definition, in double, with the mean at the first sample. It is rounded to the
 * nearest. */
static void assert_is_high_pass(const int16_t *x, const int16_t *y, size_t stride, double k)
{
	double mean = x[0];

	for (size_t i = 0; i < FRAMES; i++) {
		const double exact = x[i * stride] - mean;

		mean += k * exact;
		if (fabs(exact - y[i * stride]) > 0.505 && fabs(exact) < 32767.0) {
			fail_msg("sample %zu: %d, the filter gives %f", i, y[i * stride], exact);
		}
	}
}

static void test_is_the_filter(void **state)
{
	static int16_t before[3 * FRAMES];
	static const struct {
		uint32_t corner, rate;
	} cases[] = {{500, 400}, {20000, 16000}, {1000, 16000}, {2000000, 48000}};

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct rng rng = {n + 1};
		const double k = 2 * M_PI * cases[n].corner / 1000 / cases[n].rate;

		for (size_t i = 0; i < 3 * FRAMES; i++) {
			before[i] = (int16_t)(9000 - 6000 * (int)(i % 3) +
					      (int)rng_below(&rng, 16001) - 8000);
		}
		memcpy(samples, before, sizeof(samples));
		tocsin_dc_block_init(&block, cases[n].corner, cases[n].rate, 3);
		/* In blocks of any size: the state goes on. */
		tocsin_dc_block_run(&block, samples, 1);
		tocsin_dc_block_run(&block, samples + 3, 0);
		tocsin_dc_block_run(&block, samples + 3, FRAMES - 1);
		for (size_t c = 0; c < 3; c++) {
			assert_is_high_pass(before + c, samples + c, 3, k);
		}
	}
}

static void test_offset_is_gone_at_once_and_to_the_last_digit(void **state)
{
	(void)state;
	tocsin_dc_block_init(&block, 1000, 16000, 1);
	for (size_t i = 0; i < FRAMES; i++) {
		samples[i] = -32768;
	}
	tocsin_dc_block_run(&block, samples, FRAMES);
	for (size_t i = 0; i < FRAMES; i++) {
		assert_int_equal(samples[i], 0);
	}
	/* A step of a single digit dies too: there is no dead zone. */
	for (size_t i = 0; i < FRAMES; i++) {
		samples[i] = -32767;
	}
	tocsin_dc_block_run(&block, samples, FRAMES);
	assert_int_equal(samples[0], 1);
	assert_int_equal(samples[FRAMES - 1], 0);
}

static void test_saturates(void **state)
{
	int16_t swing[] = {-32768, 32767, 32767};

	(void)state;
	tocsin_dc_block_init(&block, 1000, 16000, 1);
	tocsin_dc_block_run(&block, swing, 3);
	assert_int_equal(swing[0], 0);
	assert_int_equal(swing[1], 32767);
	assert_int_equal(swing[2], 32767);
}

static void test_corner_zero_changes_nothing(void **state)
{
	int16_t kept[] = {5, -7, 32767, -32768};

	(void)state;
	tocsin_dc_block_init(&block, 0, 16000, 2);
	tocsin_dc_block_run(&block, kept, 2);
	assert_int_equal(kept[0], 5);
	assert_int_equal(kept[1], -7);
	assert_int_equal(kept[2], 32767);
	assert_int_equal(kept[3], -32768);
}

static void test_corner_above_the_rate_is_brought_down(void **state)
{
	int16_t step[] = {0, 10000, 10000};

	(void)state;
	tocsin_dc_block_init(&block, UINT32_MAX, 1000, 1);
	tocsin_dc_block_run(&block, step, 3);
	assert_int_equal(step[1], 10000);
	/* k = 2π/16 */
	assert_in_range(step[2], 6072, 6074);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_the_filter),
		cmocka_unit_test(test_offset_is_gone_at_once_and_to_the_last_digit),
		cmocka_unit_test(test_saturates),
		cmocka_unit_test(test_corner_zero_changes_nothing),
		cmocka_unit_test(test_corner_above_the_rate_is_brought_down),
	};

	return cmocka_run_group_tests_name("source_dc_block", tests, NULL, NULL);
}
