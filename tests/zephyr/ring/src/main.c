/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The ring between Zephyr's own contexts: filled by an interrupt or by a thread that preempts its
 * reader. Three channels carry 48 bits of each sample's index (tests/c/support/ring_model.h), so
 * the samples alone tell whether an index is right. POSIX threads: tests/c/test_ring_threads.c.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include <tocsin/ring.h>

#include "ring_model.h"
#include "rng.h"

#define CAPACITY 512
#define CHANNELS 3
#define WINDOW   200
#define HOP      90
#define BLOCK    48 /* frames written at once, at most */
#define SAMPLES  100000

static int16_t memory[CAPACITY * CHANNELS];
static struct tocsin_ring ring;
static struct rng producers_luck;
static struct rng consumers_luck;

/* What the producer did; read once it has ended. */
static volatile bool ended;
static uint64_t stored;
static uint64_t dropped;
static uint64_t skipped;
static uint64_t tail_lost; /* missing after the last sample that was stored: never told */

/* What the consumer saw. */
static uint64_t next;
static uint64_t taken;
static uint64_t missing;
static uint32_t windows;
static uint32_t gaps;

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	zassert_ok(tocsin_ring_init(&ring, CAPACITY, CHANNELS, memory, sizeof(memory)));
	/* Let the 32-bit positions wrap on the way. */
	ring.head = ring.tail = UINT32_MAX - SAMPLES / 2;
	ring.gap_head = ring.gap_tail = UINT32_MAX - 2;
	producers_luck = (struct rng){1};
	consumers_luck = (struct rng){2};
	ended = false;
	stored = dropped = skipped = tail_lost = 0;
	next = taken = missing = 0;
	windows = gaps = 0;
}

ZTEST_SUITE(ring, NULL, NULL, before, NULL, NULL);

/* A block, or now and then a loss of the source's own; false once there were enough. */
static bool produce(void)
{
	static int16_t block[BLOCK * CHANNELS];
	const uint64_t index = tocsin_ring_write_index(&ring);
	const size_t count = rng_below(&producers_luck, BLOCK) + 1;
	size_t fits;

	if (index >= SAMPLES) {
		ended = true;
		return false;
	}
	if (rng_below(&producers_luck, 100) == 0) {
		tocsin_ring_skip(&ring, count);
		skipped += count;
		tail_lost += count;
		return true;
	}
	for (size_t i = 0; i < count * CHANNELS; i++) {
		block[i] = ring_sample(index + i / CHANNELS, (uint32_t)(i % CHANNELS));
	}
	fits = tocsin_ring_write(&ring, block, count);
	stored += fits;
	dropped += count - fits;
	tail_lost = (fits > 0 ? 0 : tail_lost) + count - fits;
	return true;
}

static void cross(const struct tocsin_ring_gap *seen)
{
	struct tocsin_ring_gap gap;

	zassert_ok(tocsin_ring_cross_gap(&ring, &gap));
	zassert_equal(gap.index, seen->index);
	zassert_equal(gap.count, seen->count, "a gap that was seen has grown");
	zassert_true(gap.count > 0 && gap.index >= next);
	taken += gap.index - next;
	missing += gap.count;
	gaps++;
	next = gap.index + gap.count;
}

/* Look once; false where nothing more will come. */
static bool consume(void)
{
	const bool last = ended;
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;
	const int err = tocsin_ring_peek(&ring, WINDOW, &view, &gap);

	if (err == -EPIPE) {
		cross(&gap);
	} else if (err == -EAGAIN && last) {
		taken += tocsin_ring_fill(&ring);
		return false;
	} else if (err == -EAGAIN) {
		k_sleep(K_TICKS(1));
	} else {
		zassert_ok(err);
		zassert_true(ring_view_is(&view, next, WINDOW, CHANNELS),
			     "the window at %llu holds samples of other indices",
			     (unsigned long long)next);
		zassert_ok(tocsin_ring_advance(&ring, HOP));
		windows++;
		taken += HOP;
		next += HOP;
	}
	return true;
}

static void every_sample_is_accounted_for(void)
{
	zassert_equal(taken, stored);
	zassert_equal(missing + tail_lost, dropped + skipped);
	zassert_equal(stored + dropped + skipped, tocsin_ring_write_index(&ring));
	zassert_equal(tocsin_ring_dropped(&ring), dropped);
	zassert_true(windows > 100, "%u windows", windows);
	zassert_true(gaps > 10, "%u gaps", gaps);
}

static void tick(struct k_timer *timer)
{
	if (!produce()) {
		k_timer_stop(timer);
	}
}

static K_TIMER_DEFINE(ticks, tick, NULL);

/* A block each 100 µs, whatever the reader is doing; it is late now and then. */
ZTEST(ring, test_an_interrupt_writes)
{
	k_timer_start(&ticks, K_TICKS(1), K_TICKS(1));
	while (consume()) {
		if (rng_below(&consumers_luck, 100) == 0) {
			k_sleep(K_TICKS(40));
		}
	}
	every_sample_is_accounted_for();
	zassert_true(dropped > 0, "the reader was never late");
	zassert_true(tocsin_ring_overruns(&ring) > 0);
}

static K_THREAD_STACK_DEFINE(stack, 2048);
static struct k_thread producer;

/* It waits for room, so nothing may be dropped. */
static void write_patiently(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (true) {
		while (tocsin_ring_space(&ring) < BLOCK) {
			k_sleep(K_TICKS(1));
		}
		if (!produce()) {
			return;
		}
		if (rng_below(&producers_luck, 4) == 0) {
			k_sleep(K_TICKS(1));
		}
	}
}

ZTEST(ring, test_a_thread_writes_that_preempts_the_reader)
{
	k_thread_create(&producer, stack, K_THREAD_STACK_SIZEOF(stack), write_patiently, NULL, NULL,
			NULL, k_thread_priority_get(k_current_get()) - 1, 0, K_NO_WAIT);
	while (consume()) {
	}
	zassert_ok(k_thread_join(&producer, K_SECONDS(10)));
	every_sample_is_accounted_for();
	zassert_equal(dropped, 0);
	zassert_equal(tocsin_ring_overruns(&ring), 0);
}
