/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/decide.h>

#include "rng.h"

/* Windows of 100 samples that begin 40 apart. */
#define LENGTH 100
#define HOP    40

static struct tocsin_decide decide;
static struct tocsin_decide_event event;
static float smoothed;
static float history[TOCSIN_DECIDE_SMOOTH_MAX];

static void prepare(uint32_t smooth, uint32_t min_windows, float on, float off)
{
	const struct tocsin_decide_config cfg = {smooth, min_windows, on, off};

	memset(history, 0xA5, sizeof(history));
	assert_int_equal(tocsin_decide_init(&decide, &cfg, history, smooth * 4), 0);
}

/* Push the i-th window; the answer is the kind of event. */
static int push(uint64_t i, float score)
{
	memset(&event, 0xA5, sizeof(event));
	assert_int_equal(
		tocsin_decide_push(&decide, i * HOP, i * HOP + LENGTH, score, &smoothed, &event),
		0);
	return event.kind;
}

static void assert_event(uint64_t first, uint64_t last, float peak)
{
	assert_int_equal(event.begin, first * HOP);
	assert_int_equal(event.end, last * HOP + LENGTH);
	assert_true(event.peak == peak);
}

static void test_check(void **state)
{
	static const struct tocsin_decide_config bad[] = {
		{0, 1, 1.0f, 0.0f},     {1025, 1, 1.0f, 0.0f},   {1, 0, 1.0f, 0.0f},
		{1, 1, 1.0f, 1.5f},     {1, 1, NAN, 0.0f},       {1, 1, 1.0f, NAN},
		{1, 1, INFINITY, 0.0f}, {1, 1, 1.0f, -INFINITY}, {1, 1, INFINITY, INFINITY},
	};
	static const struct tocsin_decide_config good[] = {
		{1, 1, 1.0f, 1.0f},
		{1024, UINT32_MAX, FLT_MAX, -FLT_MAX},
		{7, 3, -2.0f, -3.0f},
	};

	(void)state;
	assert_int_equal(tocsin_decide_check(NULL), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(tocsin_decide_check(&bad[i]), -EINVAL);
		assert_int_equal(tocsin_decide_needed_size(&bad[i]), 0);
		assert_int_equal(tocsin_decide_init(&decide, &bad[i], history, sizeof(history)),
				 -EINVAL);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t size = tocsin_decide_needed_size(&good[i]);

		assert_int_equal(tocsin_decide_check(&good[i]), 0);
		assert_int_equal(size, 4 * good[i].smooth);
		assert_int_equal(tocsin_decide_init(&decide, &good[i], history, size - 1), -ENOMEM);
		assert_int_equal(tocsin_decide_init(&decide, &good[i], history, size), 0);
		assert_int_equal(tocsin_decide_init(NULL, &good[i], history, size), -EINVAL);
		assert_int_equal(tocsin_decide_init(&decide, &good[i], NULL, size), -EINVAL);
		assert_int_equal(tocsin_decide_init(&decide, &good[i], (char *)history + 2, size),
				 -EINVAL);
	}
}

static void test_event_from_begin_to_end(void **state)
{
	(void)state;
	prepare(1, 3, 2.0f, 1.0f);
	assert_int_equal(push(0, 2.0f), TOCSIN_DECIDE_NONE);
	assert_int_equal(push(1, 9.0f), TOCSIN_DECIDE_NONE);
	assert_int_equal(push(2, 1.5f), TOCSIN_DECIDE_NONE); /* not three in a row */
	assert_int_equal(push(3, 2.5f), TOCSIN_DECIDE_NONE);
	assert_int_equal(push(4, 2.0f), TOCSIN_DECIDE_NONE);
	assert_false(tocsin_decide_active(&decide));
	assert_int_equal(push(5, 2.25f), TOCSIN_DECIDE_BEGIN);
	assert_true(tocsin_decide_active(&decide));
	assert_event(3, 5, 2.5f); /* the peak of window 1 is not of this event */

	assert_int_equal(push(6, 4.0f), TOCSIN_DECIDE_NONE);
	assert_int_equal(push(7, 1.0f), TOCSIN_DECIDE_NONE); /* between the thresholds: still on */
	assert_int_equal(push(8, 0.5f), TOCSIN_DECIDE_END);
	assert_false(tocsin_decide_active(&decide));
	assert_event(3, 7, 4.0f);

	/* The next alarm needs its windows afresh. */
	assert_int_equal(push(9, 3.0f), TOCSIN_DECIDE_NONE);
	assert_int_equal(event.begin, 0);
	assert_int_equal(event.end, 0);
	assert_int_equal(push(10, 3.0f), TOCSIN_DECIDE_NONE);
	assert_int_equal(push(11, 3.0f), TOCSIN_DECIDE_BEGIN);
	assert_event(9, 11, 3.0f);
}

static void test_smoothing_fills_first(void **state)
{
	(void)state;
	prepare(4, 1, 2.0f, 2.0f);
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(push(i, 100.0f), TOCSIN_DECIDE_NONE);
		assert_true(isnan(smoothed));
	}
	assert_int_equal(push(3, -292.0f), TOCSIN_DECIDE_BEGIN);
	assert_true(smoothed == 2.0f);
	assert_event(3, 3, 2.0f);
	assert_int_equal(push(4, 100.0f), TOCSIN_DECIDE_NONE);
	assert_true(smoothed == 2.0f);
	assert_int_equal(push(5, 98.0f), TOCSIN_DECIDE_END);
	assert_true(smoothed == 1.5f);
	assert_event(3, 4, 2.0f);
}

static void test_gap(void **state)
{
	(void)state;
	prepare(2, 2, 2.0f, 1.0f);
	push(0, 3.0f);
	push(1, 3.0f); /* one window over the threshold */
	tocsin_decide_gap(&decide);
	assert_int_equal(push(10, 3.0f), TOCSIN_DECIDE_NONE);
	assert_true(isnan(smoothed));
	assert_int_equal(push(11, 3.0f), TOCSIN_DECIDE_NONE);
	assert_int_equal(push(12, 3.0f), TOCSIN_DECIDE_BEGIN);
	assert_event(11, 12, 3.0f);

	/* An alarm outlasts a gap; while the smoothing fills, its end stands still. */
	tocsin_decide_gap(&decide);
	assert_true(tocsin_decide_active(&decide));
	assert_int_equal(push(20, 50.0f), TOCSIN_DECIDE_NONE);
	assert_int_equal(push(21, -60.0f), TOCSIN_DECIDE_END);
	assert_event(11, 12, 3.0f);
}

static void test_refused_windows_change_nothing(void **state)
{
	struct tocsin_decide before;

	(void)state;
	prepare(2, 2, 2.0f, 1.0f);
	push(0, 3.0f);
	push(1, 3.0f);
	before = decide;
	memset(&event, 0xA5, sizeof(event));
	assert_int_equal(tocsin_decide_push(&decide, 80, 80, 1.0f, &smoothed, &event), -EINVAL);
	assert_int_equal(event.kind, TOCSIN_DECIDE_NONE);
	assert_true(isnan(smoothed));
	assert_int_equal(tocsin_decide_push(&decide, 80, 79, 1.0f, NULL, &event), -EINVAL);
	assert_memory_equal(&decide, &before, sizeof(decide));
	assert_int_equal(push(2, 3.0f), TOCSIN_DECIDE_BEGIN);
	assert_event(1, 2, 3.0f);
}

/* Windows that could not be scored raise an alarm, and keep it on, as the strangest ones would. */
static void test_windows_without_a_score(void **state)
{
	static const float bad[] = {NAN, INFINITY, -INFINITY};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		prepare(3, 2, 2.0f, 1.0f);
		for (uint64_t window = 0; window < 3; window++) {
			assert_int_equal(push(window, 0.5f), TOCSIN_DECIDE_NONE);
		}
		assert_int_equal(push(3, bad[i]), TOCSIN_DECIDE_NONE);
		assert_int_equal(push(4, bad[i]), TOCSIN_DECIDE_BEGIN);
		assert_true(smoothed > 1e38f && smoothed <= FLT_MAX && event.peak == smoothed);
		assert_int_equal(push(5, bad[i]), TOCSIN_DECIDE_NONE);
		assert_true(smoothed == FLT_MAX);
		/* Once they are out of the mean, nothing of them is left. */
		assert_int_equal(push(6, 0.25f), TOCSIN_DECIDE_NONE);
		assert_int_equal(push(7, 0.25f), TOCSIN_DECIDE_NONE);
		assert_int_equal(push(8, 0.25f), TOCSIN_DECIDE_END);
		assert_true(smoothed == 0.25f);
	}
}

static void test_sum_that_overflows(void **state)
{
	(void)state;
	prepare(3, 1, FLT_MAX, -FLT_MAX);
	for (uint64_t i = 0; i < 2; i++) {
		push(i, FLT_MAX);
	}
	assert_int_equal(push(2, FLT_MAX), TOCSIN_DECIDE_BEGIN);
	assert_true(smoothed == FLT_MAX && event.peak == FLT_MAX);
	for (uint64_t i = 3; i < 6; i++) {
		assert_int_equal(push(i, -FLT_MAX), TOCSIN_DECIDE_NONE);
	}
	assert_true(smoothed == -FLT_MAX);
}

/* A million scores with a great one among them leave no trace of it once it is out of the mean. */
static void test_no_drift(void **state)
{
	struct rng rng = {5};

	(void)state;
	prepare(8, 1, 1e30f, 0.0f);
	push(0, 1e20f);
	for (uint64_t i = 1; i < 1000000; i++) {
		push(i, (float)rng_unit(&rng));
	}
	for (uint64_t i = 0; i < 8; i++) {
		push(1000000 + i, 0.1f * 8.0f);
	}
	assert_true(fabsf(smoothed - 0.8f) <= 8 * 0.8f * FLT_EPSILON);
}

/*
 * The oracle: keep all scores since the last gap, and for each window look back over as many as are
 * needed. Scores are multiples of 1/64 below 2^6, so that each mean over a power of two of them is
 * exact and the order of summing cannot matter.
 */
struct oracle {
	struct tocsin_decide_config cfg;
	double scores[4096]; /* since the last gap */
	size_t n;
	bool on;
	uint64_t begin; /* windows, not samples */
	uint64_t last;
	double peak;
};

static double oracle_mean(const struct oracle *oracle, size_t last)
{
	double sum = 0.0;

	for (size_t i = 0; i < oracle->cfg.smooth; i++) {
		sum += oracle->scores[last - i];
	}
	return sum / oracle->cfg.smooth;
}

/* Whether the newest windows, as many as an alarm needs, all stand over the upper threshold, each
 * with a full smoothing. The window that ended the last event was below both thresholds, so it
 * breaks any row that reaches back to it. */
static bool oracle_begins(const struct oracle *oracle)
{
	for (size_t i = 0; i < oracle->cfg.min_windows; i++) {
		if (oracle->n < oracle->cfg.smooth + i ||
		    oracle_mean(oracle, oracle->n - 1 - i) < (double)oracle->cfg.threshold_on) {
			return false;
		}
	}
	return true;
}

static int oracle_push(struct oracle *oracle, uint64_t window, double score)
{
	double mean;

	oracle->scores[oracle->n++] = score;
	if (oracle->n < oracle->cfg.smooth) {
		return TOCSIN_DECIDE_NONE;
	}
	mean = oracle_mean(oracle, oracle->n - 1);
	if (oracle->on) {
		if (mean < (double)oracle->cfg.threshold_off) {
			oracle->on = false;
			return TOCSIN_DECIDE_END;
		}
		oracle->last = window;
		oracle->peak = fmax(oracle->peak, mean);
		return TOCSIN_DECIDE_NONE;
	}
	if (!oracle_begins(oracle)) {
		return TOCSIN_DECIDE_NONE;
	}
	oracle->on = true;
	oracle->begin = window - (oracle->cfg.min_windows - 1);
	oracle->last = window;
	oracle->peak = mean;
	for (size_t i = 0; i < oracle->cfg.min_windows; i++) {
		oracle->peak = fmax(oracle->peak, oracle_mean(oracle, oracle->n - 1 - i));
	}
	return TOCSIN_DECIDE_BEGIN;
}

static unsigned run_against_oracle(uint64_t seed)
{
	static struct oracle oracle;
	struct rng rng = {seed};
	unsigned events = 0;
	double level = 0.0;

	memset(&oracle, 0, sizeof(oracle));
	oracle.cfg.smooth = 1u << rng_below(&rng, 5);
	oracle.cfg.min_windows = 1 + rng_below(&rng, 6);
	oracle.cfg.threshold_on = (float)rng_below(&rng, 128) / 64.0f;
	oracle.cfg.threshold_off = oracle.cfg.threshold_on - (float)rng_below(&rng, 64) / 64.0f;
	prepare(oracle.cfg.smooth, oracle.cfg.min_windows, oracle.cfg.threshold_on,
		oracle.cfg.threshold_off);

	for (uint64_t i = 0; i < 4000; i++) {
		double score;
		int kind;

		if (rng_below(&rng, 40) == 0) {
			level = (double)rng_below(&rng, 192) / 64.0;
		}
		if (rng_below(&rng, 100) == 0) {
			tocsin_decide_gap(&decide);
			oracle.n = 0;
		}
		score = level + ((double)rng_below(&rng, 65) - 32.0) / 64.0;
		kind = oracle_push(&oracle, i, score);
		if (push(i, (float)score) != kind) {
			fail_msg("seed %u, window %u: event %d, not %d", (unsigned)seed,
				 (unsigned)i, (int)event.kind, kind);
		}
		assert_int_equal(isnan(smoothed), oracle.n < oracle.cfg.smooth);
		assert_true(oracle.n < oracle.cfg.smooth ||
			    (double)smoothed == oracle_mean(&oracle, oracle.n - 1));
		assert_int_equal(tocsin_decide_active(&decide), oracle.on);
		if (kind != TOCSIN_DECIDE_NONE) {
			assert_event(oracle.begin, oracle.last, (float)oracle.peak);
			events++;
		}
	}
	return events;
}

static void test_random_against_oracle(void **state)
{
	unsigned events = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		events += run_against_oracle(seed);
	}
	print_message("%u events\n", events);
	assert_true(events > 1000);
}

/* Scores that are not dyadic and lengths that are not powers of two: within rounding of float64. */
static void test_mean_within_rounding(void **state)
{
	struct rng rng = {11};
	double scores[1000];

	(void)state;
	prepare(37, 1, 1e30f, 0.0f);
	for (size_t i = 0; i < 1000; i++) {
		double sum = 0.0;

		scores[i] = (double)(float)(10.0 * rng_unit(&rng));
		push(i, (float)scores[i]);
		if (i < 36) {
			continue;
		}
		for (size_t j = 0; j < 37; j++) {
			sum += scores[i - j];
		}
		assert_true(fabs((double)smoothed - sum / 37) < 37 * 10 * 6e-8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_event_from_begin_to_end),
		cmocka_unit_test(test_smoothing_fills_first),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_refused_windows_change_nothing),
		cmocka_unit_test(test_windows_without_a_score),
		cmocka_unit_test(test_sum_that_overflows),
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_random_against_oracle),
		cmocka_unit_test(test_mean_within_rounding),
	};

	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
