/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tocsin/source_pace.h>

#include "rng.h"

#define CLOCK 32768
#define RATE  400

static struct tocsin_pace pace;

static void test_frames_between_two_times(void **state)
{
	const int64_t start = INT64_C(1) << 40;
	int64_t then;

	(void)state;
	tocsin_pace_init(&pace, 16000, CLOCK, 0, start);
	then = tocsin_pace_end(&pace);
	assert_int_equal(tocsin_pace_since(&pace, then), 0);
	tocsin_pace_set(&pace, start + CLOCK);
	assert_int_equal(tocsin_pace_since(&pace, then), 16000);
	/* A frame is 2.048 ticks. */
	tocsin_pace_set(&pace, start + CLOCK + 1);
	assert_int_equal(tocsin_pace_since(&pace, then), 16000);
	tocsin_pace_set(&pace, start + CLOCK + 2);
	assert_int_equal(tocsin_pace_since(&pace, then), 16001);
	/* A year; and never less than none. */
	tocsin_pace_set(&pace, start + INT64_C(31536000) * CLOCK);
	assert_int_equal(tocsin_pace_since(&pace, then), UINT64_C(31536000) * 16000);
	tocsin_pace_set(&pace, start - 100);
	assert_int_equal(tocsin_pace_since(&pace, then), 0);
}

static void test_frames_that_waited_follow_the_last_ones(void **state)
{
	int64_t then;

	(void)state;
	tocsin_pace_init(&pace, 16000, CLOCK, 0, 0);
	then = tocsin_pace_end(&pace);
	/* Four blocks of 1024 frames are read at once, half a second late. */
	for (int i = 1; i <= 4; i++) {
		tocsin_pace_advance(&pace, 1024, CLOCK / 2);
		assert_int_equal(tocsin_pace_since(&pace, then), 1024 * i);
	}
	/* They cannot have ended later than they were read. */
	tocsin_pace_advance(&pace, 8000, CLOCK / 2);
	assert_int_equal(tocsin_pace_since(&pace, then), 8000);
}

/* Blocks of a sensor whose rate is off by `off`, read with a jitter of up to `jitter` frames. */
static int64_t when(double frames, double off, double jitter, struct rng *rng)
{
	return (int64_t)((frames + jitter * rng_unit(rng)) / (RATE * (1 + off)) * CLOCK);
}

static void test_a_slow_or_fast_sensor_loses_nothing(void **state)
{
	static const double offs[] = {0, 0.03, -0.03, 0.1, -0.1};

	(void)state;
	for (size_t n = 0; n < sizeof(offs) / sizeof(offs[0]); n++) {
		struct rng rng = {n + 1};
		double frames = 0;

		tocsin_pace_init(&pace, RATE, CLOCK, 6, 0);
		for (int i = 0; i < 100000; i++) {
			const uint32_t block = 8 + rng_below(&rng, 9);

			frames += block;
			if (tocsin_pace_block(&pace, block, when(frames, offs[n], 0.5, &rng)) !=
			    0) {
				fail_msg("off by %g: a loss at block %d", offs[n], i);
			}
		}
	}
}

/* Single samples, each with its time. */
static void test_a_lost_sample_is_found(void **state)
{
	static const double offs[] = {0, 0.04, -0.04};

	(void)state;
	for (size_t n = 0; n < sizeof(offs) / sizeof(offs[0]); n++) {
		struct rng rng = {n + 1};
		uint64_t told = 0;
		uint64_t lost = 0;
		double frames = 0;

		tocsin_pace_init(&pace, RATE, CLOCK, 3, 0);
		for (int i = 0; i < 50000; i++) {
			const uint32_t skip = i % 500 == 499 ? 1 + i % 7 : 0;

			frames += 1 + skip;
			lost += skip;
			const uint64_t found =
				tocsin_pace_block(&pace, 1, when(frames, offs[n], 0.1, &rng));

			told += found;
			if (found != skip) {
				fail_msg("off by %g, sample %d: %u lost, %u told", offs[n], i, skip,
					 (unsigned)found);
			}
		}
		assert_true(lost > 100);
		assert_int_equal(told, lost);
	}
}

static void test_an_overrun_of_a_fifo_is_found(void **state)
{
	const int64_t frame = 100; /* ticks */
	int64_t now = 0;

	(void)state;
	tocsin_pace_init(&pace, RATE, RATE * (uint32_t)frame, 6, 0);
	for (int i = 0; i < 100; i++) {
		now += 16 * frame;
		assert_int_equal(tocsin_pace_block(&pace, 16, now), 0);
	}
	/* 32 frames in the FIFO, after the time of 50. */
	now += 50 * frame;
	assert_int_equal(tocsin_pace_block(&pace, 32, now), 18);
	now += 16 * frame;
	assert_int_equal(tocsin_pace_block(&pace, 16, now), 0);
	/* An hour of silence, then one frame. */
	now += 3600 * RATE * frame;
	assert_int_equal(tocsin_pace_block(&pace, 1, now), 3600 * RATE - 1);
	assert_int_equal(tocsin_pace_block(&pace, 0, now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_between_two_times),
		cmocka_unit_test(test_frames_that_waited_follow_the_last_ones),
		cmocka_unit_test(test_a_slow_or_fast_sensor_loses_nothing),
		cmocka_unit_test(test_a_lost_sample_is_found),
		cmocka_unit_test(test_an_overrun_of_a_fifo_is_found),
	};

	return cmocka_run_group_tests_name("source_pace", tests, NULL, NULL);
}
