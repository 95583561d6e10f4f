/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* A recording that a feeder sends in: by credit nothing is lost, beyond it all that is gets told.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include <tocsin/source.h>
#include <tocsin/source_replay.h>

#define CAPACITY (CONFIG_TOCSIN_SOURCE_REPLAY_BUFFER / sizeof(int16_t))
#define PIECE    100
#define TOTAL    20000

static const struct device *const source = DEVICE_DT_GET(DT_NODELABEL(replay));
static const struct tocsin_source_format format = {
	.sample_rate = 16000, .channels = 1, .scale = 1.0f / 32768};

static struct tocsin_source_block block;
static int16_t piece[2 * CAPACITY];
static uint64_t position;
static uint64_t lost;
static K_SEM_DEFINE(credit, 0, 1);
static uint64_t limit;

static void on_credit(uint64_t told)
{
	limit = told;
	k_sem_give(&credit);
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	position = 0;
	lost = 0;
	limit = 0;
	k_sem_reset(&credit);
	tocsin_source_replay_set_credit(source, on_credit);
	zassert_ok(tocsin_source_start(source, &format));
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	tocsin_source_stop(source);
}

ZTEST_SUITE(replay, NULL, NULL, before, after, NULL);

/* Each sample tells its index. */
static int feed(uint64_t index, size_t frames)
{
	for (size_t i = 0; i < frames; i++) {
		piece[i] = (int16_t)(uint16_t)(index + i);
	}
	return tocsin_source_replay_feed(source, index, piece, frames);
}

static int read(k_timeout_t timeout)
{
	const int err = tocsin_source_read(source, 37, timeout, &block);

	if (err == 0) {
		lost += block.lost;
		position += block.lost;
		for (size_t i = 0; i < block.frames; i++, position++) {
			zassert_equal(block.samples[i], (int16_t)(uint16_t)position, "frame %u",
				      (unsigned int)position);
		}
	}
	return err;
}

static void read_to_the_end(void)
{
	int err;

	while ((err = read(K_SECONDS(1))) == 0) {
	}
	zassert_equal(err, -ENODATA);
}

ZTEST(replay, test_what_was_fed_comes_out_and_ends)
{
	zassert_true(tocsin_source_is_paced(source));
	zassert_equal(read(K_NO_WAIT), -EAGAIN);
	zassert_ok(feed(0, PIECE));
	zassert_ok(tocsin_source_replay_end(source, PIECE));
	read_to_the_end();
	zassert_equal(position, PIECE);
	zassert_equal(lost, 0);
	zassert_equal(feed(PIECE, 1), -EPIPE);
}

ZTEST(replay, test_what_was_fed_before_is_left_out)
{
	zassert_ok(feed(0, PIECE));
	zassert_ok(feed(0, PIECE));
	zassert_ok(feed(PIECE / 2, PIECE));
	zassert_ok(tocsin_source_replay_end(source, PIECE + PIECE / 2));
	read_to_the_end();
	zassert_equal(position, PIECE + PIECE / 2);
	zassert_equal(lost, 0);
}

ZTEST(replay, test_holes_are_told_at_their_place)
{
	zassert_ok(feed(0, 10));
	zassert_ok(tocsin_source_replay_gap(source, 1010));
	zassert_ok(feed(1010, 10));
	zassert_ok(feed(1050, 10)); /* and one that nobody has told of */
	zassert_ok(tocsin_source_replay_end(source, 1100));
	zassert_ok(read(K_NO_WAIT));
	zassert_equal(position, 10);
	zassert_ok(read(K_NO_WAIT));
	zassert_equal(block.lost, 1000);
	read_to_the_end();
	zassert_equal(position, 1100);
	zassert_equal(lost, 1000 + 30 + 40);
}

ZTEST(replay, test_more_than_the_credit_is_told_as_lost)
{
	zassert_equal(read(K_MSEC(1)), -EAGAIN);
	zassert_equal(limit, CAPACITY);
	zassert_equal(feed(0, CAPACITY + PIECE), -ENOBUFS);
	zassert_ok(tocsin_source_replay_end(source, CAPACITY + PIECE));
	read_to_the_end();
	zassert_equal(position, CAPACITY + PIECE);
	zassert_equal(lost, PIECE);
}

ZTEST(replay, test_nothing_goes_into_a_source_that_does_not_run)
{
	tocsin_source_stop(source);
	zassert_equal(feed(0, PIECE), -EPIPE);
	zassert_equal(read(K_NO_WAIT), -ENODATA);
	zassert_ok(tocsin_source_start(source, &format));
	zassert_equal(tocsin_source_start(source, &format), -EALREADY);
	zassert_equal(read(K_NO_WAIT), -EAGAIN);
}

ZTEST(replay, test_indices_that_cannot_be_are_refused)
{
	static const uint64_t far[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63,
				       TOCSIN_SOURCE_REPLAY_FRAMES_MAX + 1};

	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		zassert_equal(feed(far[i], PIECE), -ERANGE);
		zassert_equal(tocsin_source_replay_gap(source, far[i]), -ERANGE);
		zassert_equal(tocsin_source_replay_end(source, far[i]), -ERANGE);
	}
	zassert_equal(feed(TOCSIN_SOURCE_REPLAY_FRAMES_MAX - PIECE + 1, PIECE), -ERANGE);
	zassert_ok(feed(0, PIECE));
	zassert_ok(tocsin_source_replay_end(source, TOCSIN_SOURCE_REPLAY_FRAMES_MAX));
	read_to_the_end();
	zassert_equal(position, TOCSIN_SOURCE_REPLAY_FRAMES_MAX);
	zassert_equal(lost, TOCSIN_SOURCE_REPLAY_FRAMES_MAX - PIECE);
}

ZTEST(replay, test_what_is_said_again_at_the_end_does_no_harm)
{
	zassert_ok(feed(0, PIECE));
	zassert_ok(tocsin_source_replay_end(source, PIECE));
	zassert_ok(tocsin_source_replay_end(source, PIECE));
	zassert_ok(tocsin_source_replay_gap(source, PIECE));
	zassert_ok(feed(0, PIECE));
	zassert_equal(tocsin_source_replay_end(source, PIECE + 1), -EPIPE);
	read_to_the_end();
	zassert_equal(position, PIECE);
}

static K_THREAD_STACK_DEFINE(stack, 2048);
static struct k_thread feeder;

/* What is known already, every 20 ms for a second. */
static void feed_the_same(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	for (int i = 0; i < 50; i++) {
		(void)feed(0, PIECE);
		k_sleep(K_MSEC(20));
	}
}

ZTEST(replay, test_a_feeder_that_repeats_itself_is_heard_and_holds_up_nobody)
{
	int64_t begun;

	zassert_ok(feed(0, PIECE));
	while (read(K_NO_WAIT) == 0) {
	}
	begun = k_uptime_get();
	k_thread_create(&feeder, stack, K_THREAD_STACK_SIZEOF(stack), feed_the_same, NULL, NULL,
			NULL, k_thread_priority_get(k_current_get()) - 1, 0, K_NO_WAIT);
	zassert_equal(read(K_MSEC(100)), -EAGAIN);
	zassert_between_inclusive(k_uptime_get() - begun, 90, 200);
	zassert_true(tocsin_source_replay_heard(source) >= begun);
	zassert_ok(k_thread_join(&feeder, K_SECONDS(3)));
	begun = tocsin_source_replay_heard(source);
	k_sleep(K_MSEC(50));
	zassert_equal(tocsin_source_replay_heard(source), begun);
}

/* Many times what the buffer holds, as fast as the credit allows. */
static void feed_all(void *p1, void *p2, void *p3)
{
	uint64_t index = 0;

	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (index < TOTAL && k_sem_take(&credit, K_SECONDS(2)) == 0) {
		while (index < TOTAL && index + PIECE <= limit) {
			if (feed(index, PIECE) != 0) {
				return;
			}
			index += PIECE;
		}
	}
	(void)tocsin_source_replay_end(source, index);
}

ZTEST(replay, test_a_feeder_that_keeps_to_its_credit_loses_nothing)
{
	k_thread_create(&feeder, stack, K_THREAD_STACK_SIZEOF(stack), feed_all, NULL, NULL, NULL,
			k_thread_priority_get(k_current_get()) - 1, 0, K_NO_WAIT);
	read_to_the_end();
	zassert_equal(position, TOTAL);
	zassert_equal(lost, 0);
	zassert_ok(k_thread_join(&feeder, K_SECONDS(1)));
}
