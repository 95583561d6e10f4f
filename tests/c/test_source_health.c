/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/source_health.h>

#include "rng.h"

#define STUCK  50
#define SPAN   100
#define SHARE  50 /* per mille: more than 5 of 100 */
#define UNTOLD UINT64_C(0xdeadbeefdeadbeef)

static struct tocsin_source_health health;
static uint64_t next;
static uint64_t since;

static void prepare(uint32_t channels)
{
	const struct tocsin_source_health_config cfg = {channels, STUCK, SPAN, SHARE};

	assert_int_equal(tocsin_source_health_init(&health, &cfg), 0);
	next = 0;
}

static int push(const int16_t *samples, size_t frames)
{
	int condition;

	since = UNTOLD;
	condition = (int)tocsin_source_health_push(&health, next, samples, frames, &since);
	next += frames;
	return condition;
}

/* Frames that change all the time and stay off the rails; `value` elsewhere. */
static int push_lively(size_t frames)
{
	int condition = TOCSIN_SOURCE_OK;

	for (size_t i = 0; i < frames; i++) {
		const int16_t frame[] = {(int16_t)(100 + (next & 1)), (int16_t)(next & 1),
					 (int16_t)(-7 - (int)(next & 1))};

		condition = push(frame, 1);
	}
	return condition;
}

static int push_constant(int16_t value, size_t frames)
{
	int condition = TOCSIN_SOURCE_OK;

	for (size_t i = 0; i < frames; i++) {
		condition = push(&value, 1);
	}
	return condition;
}

static void test_init_refuses(void **state)
{
	static const struct tocsin_source_health_config bad[] = {
		{0, 2, 1, 0},
		{4, 2, 1, 0},
		{1, 1, 1, 0},
		{1, 2, 0, 0},
		{1, 2, (1u << 24) + 1, 0},
		{1, 2, 1, 1000},
	};
	static const struct tocsin_source_health_config least = {1, 2, 1, 0};
	static const struct tocsin_source_health_config most = {3, UINT32_MAX, 1u << 24, 999};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(tocsin_source_health_init(&health, &bad[i]), -EINVAL);
	}
	assert_int_equal(tocsin_source_health_init(NULL, &least), -EINVAL);
	assert_int_equal(tocsin_source_health_init(&health, NULL), -EINVAL);
	assert_int_equal(tocsin_source_health_init(&health, &least), 0);
	assert_int_equal(tocsin_source_health_init(&health, &most), 0);
}

static void test_lively_is_ok(void **state)
{
	(void)state;
	prepare(3);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(push_lively(1), TOCSIN_SOURCE_OK);
	}
	assert_true(since == UNTOLD);
}

static void test_stuck_from_its_first_sample_on(void **state)
{
	(void)state;
	prepare(1);
	push_lively(37);
	assert_int_equal(push_constant(5, STUCK - 1), TOCSIN_SOURCE_OK);
	assert_int_equal(push_constant(5, 1), TOCSIN_SOURCE_STUCK);
	assert_int_equal(since, 37);
	assert_int_equal(push_constant(5, 1000), TOCSIN_SOURCE_STUCK);
	assert_int_equal(since, 37);
	assert_int_equal(push_constant(6, 1), TOCSIN_SOURCE_OK);
	assert_int_equal(push_constant(6, STUCK - 1), TOCSIN_SOURCE_STUCK);
	assert_int_equal(since, 37 + STUCK + 1000);
}

static void test_stuck_from_the_very_first_sample_on(void **state)
{
	(void)state;
	for (int16_t value = -1; value <= 1; value++) {
		prepare(1);
		next = 500;
		assert_int_equal(push_constant(value, STUCK - 1), TOCSIN_SOURCE_OK);
		assert_int_equal(push_constant(value, 1), TOCSIN_SOURCE_STUCK);
		assert_int_equal(since, 500);
	}
}

static void test_blocks_are_as_good_as_single_frames(void **state)
{
	int16_t block[STUCK + 20];

	(void)state;
	prepare(1);
	for (int i = 0; i < STUCK + 20; i++) {
		block[i] = i < 20 ? (int16_t)i : -3;
	}
	assert_int_equal(push(block, STUCK + 19), TOCSIN_SOURCE_OK);
	assert_int_equal(push(&block[STUCK + 19], 1), TOCSIN_SOURCE_STUCK);
	assert_int_equal(since, 20);

	/* It recovers and gets stuck again within a block: what counts is its end. */
	block[0] = 1;
	for (int i = 1; i < STUCK + 1; i++) {
		block[i] = 9;
	}
	assert_int_equal(push(block, STUCK + 1), TOCSIN_SOURCE_STUCK);
	assert_int_equal(since, STUCK + 20 + 1);
	assert_int_equal(push(block, 0), TOCSIN_SOURCE_STUCK);
}

static void test_one_dead_axis_is_enough(void **state)
{
	(void)state;
	for (int dead = 0; dead < 3; dead++) {
		prepare(3);
		for (int i = 0; i < STUCK; i++) {
			int16_t frame[] = {(int16_t)i, (int16_t)(2 * i), (int16_t)(3 * i)};

			frame[dead] = -1;
			assert_int_equal(push(frame, 1),
					 i == STUCK - 1 ? TOCSIN_SOURCE_STUCK : TOCSIN_SOURCE_OK);
		}
		assert_int_equal(since, 0);
	}
}

static void test_the_axis_that_died_first_is_told(void **state)
{
	(void)state;
	prepare(3);
	for (int i = 0; i < 2 * STUCK; i++) {
		const int16_t frame[] = {(int16_t)i, (int16_t)(i < 30 ? i : -1),
					 (int16_t)(i < 10 ? i : -1)};

		push(frame, 1);
	}
	assert_int_equal(since, 10);
}

static void test_a_gap_does_not_bring_it_to_life(void **state)
{
	(void)state;
	prepare(1);
	push_constant(0, STUCK - 1);
	next += 100000;
	assert_int_equal(push_constant(0, 1), TOCSIN_SOURCE_STUCK);
	assert_int_equal(since, 0);
}

/* A span of which `count` samples lie at a rail. */
static int push_span(uint32_t count, int16_t rail)
{
	int condition = TOCSIN_SOURCE_OK;

	for (uint32_t i = 0; i < SPAN; i++) {
		const int16_t value = i < count ? rail : (int16_t)(i & 1 ? 32766 : -32767);

		condition = push(&value, 1);
	}
	return condition;
}

static void test_saturated_by_more_than_its_share(void **state)
{
	(void)state;
	prepare(1);
	assert_int_equal(push_span(5, INT16_MAX), TOCSIN_SOURCE_OK);
	assert_int_equal(push_span(6, INT16_MAX), TOCSIN_SOURCE_SATURATED);
	assert_int_equal(since, SPAN);
	assert_int_equal(push_span(6, INT16_MIN), TOCSIN_SOURCE_SATURATED);
	assert_int_equal(since, SPAN);

	/* It ends with the first whole span that is not. */
	assert_int_equal(push_lively(SPAN - 1), TOCSIN_SOURCE_SATURATED);
	assert_int_equal(push_lively(1), TOCSIN_SOURCE_OK);
	assert_int_equal(push_span(6, INT16_MIN), TOCSIN_SOURCE_SATURATED);
	assert_int_equal(since, 4 * SPAN);
}

static void test_channels_saturate_alone(void **state)
{
	(void)state;
	prepare(2);
	/* Four of a hundred in each: eight together are nobody's. */
	for (int i = 0; i < SPAN; i++) {
		const int16_t frame[] = {i < 4 ? INT16_MAX : (int16_t)i,
					 i >= 96 ? INT16_MIN : (int16_t)-i};

		assert_int_equal(push(frame, 1), TOCSIN_SOURCE_OK);
	}
	for (int loud = 0; loud < 2; loud++) {
		prepare(2);
		for (int i = 0; i < SPAN; i++) {
			int16_t frame[] = {(int16_t)i, (int16_t)-i};

			frame[loud] = i % 10 == 0 ? INT16_MIN : frame[loud];
			push(frame, 1);
		}
		assert_int_equal(push(NULL, 0), TOCSIN_SOURCE_SATURATED);
		assert_int_equal(since, 0);
	}
}

static void test_stuck_at_a_rail_is_stuck(void **state)
{
	(void)state;
	prepare(1);
	assert_int_equal(push_constant(INT16_MIN, SPAN), TOCSIN_SOURCE_STUCK);
	assert_int_equal(since, 0);
	/* Once it moves, the last whole span is what is known. */
	assert_int_equal(push_constant(1, 1), TOCSIN_SOURCE_SATURATED);
}

/* However the samples are cut into blocks, the answer after each of them is the same. */
static void test_cutting_changes_nothing(void **state)
{
	struct tocsin_source_health whole;
	struct rng rng = {11};
	int16_t samples[2 * 4000];
	uint64_t since_whole = 0;

	(void)state;
	for (size_t i = 0; i < 4000; i++) {
		const uint32_t mood = (uint32_t)(i / 250) % 4;
		const int16_t noise = (int16_t)rng_below(&rng, 1000);

		samples[2 * i] = mood == 1 ? 12 : mood == 2 ? INT16_MAX - (noise & 1) : noise;
		samples[2 * i + 1] = (int16_t)(noise - 500);
	}
	prepare(2);
	whole = health;
	while (next < 4000) {
		const size_t left = (size_t)(4000 - next);
		const size_t most = 1 + rng_below(&rng, 60);
		const size_t frames = most < left ? most : left;
		int expected = TOCSIN_SOURCE_OK;

		for (size_t i = 0; i < frames; i++) {
			expected = (int)tocsin_source_health_push(
				&whole, next + i, &samples[2 * (next + i)], 1, &since_whole);
		}
		assert_int_equal(push(&samples[2 * next], frames), expected);
		if (expected != TOCSIN_SOURCE_OK) {
			assert_int_equal(since, since_whole);
		}
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(tocsin_source_condition_name(TOCSIN_SOURCE_OK), "OK");
	assert_string_equal(tocsin_source_condition_name(TOCSIN_SOURCE_STUCK), "STUCK");
	assert_string_equal(tocsin_source_condition_name(TOCSIN_SOURCE_OFF_RATE), "OFF_RATE");
	assert_string_equal(tocsin_source_condition_name((enum tocsin_source_condition)7), "?");
}

static void test_limits_at_a_rate(void **unused)
{
	struct tocsin_source_health_config cfg = tocsin_source_health_config_at(3, 16000, 2000, 50);

	(void)unused;
	assert_int_equal(cfg.channels, 3);
	assert_int_equal(cfg.stuck_frames, 32000);
	assert_int_equal(cfg.span_frames, 16000);
	assert_int_equal(cfg.rails_permille, 50);
	cfg = tocsin_source_health_config_at(1, 10, 2000, 50);
	assert_int_equal(cfg.stuck_frames, TOCSIN_SOURCE_STUCK_FRAMES_MIN);
	/* Out of any source's range, and still limits that are accepted. */
	cfg = tocsin_source_health_config_at(1, UINT32_MAX, UINT32_MAX, 0);
	assert_int_equal(cfg.stuck_frames, UINT32_MAX);
	assert_int_equal(tocsin_source_health_init(&health, &cfg), 0);
	cfg = tocsin_source_health_config_at(1, 0, 0, 0);
	assert_int_equal(tocsin_source_health_init(&health, &cfg), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_at_a_rate),
		cmocka_unit_test(test_init_refuses),
		cmocka_unit_test(test_lively_is_ok),
		cmocka_unit_test(test_stuck_from_its_first_sample_on),
		cmocka_unit_test(test_stuck_from_the_very_first_sample_on),
		cmocka_unit_test(test_blocks_are_as_good_as_single_frames),
		cmocka_unit_test(test_one_dead_axis_is_enough),
		cmocka_unit_test(test_the_axis_that_died_first_is_told),
		cmocka_unit_test(test_a_gap_does_not_bring_it_to_life),
		cmocka_unit_test(test_saturated_by_more_than_its_share),
		cmocka_unit_test(test_channels_saturate_alone),
		cmocka_unit_test(test_stuck_at_a_rail_is_stuck),
		cmocka_unit_test(test_cutting_changes_nothing),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
