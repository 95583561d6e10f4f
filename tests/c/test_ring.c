/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/ring.h>

#include "ring_model.h"
#include "rng.h"

#define CHANNELS 3

static struct tocsin_ring ring;
static int16_t *mem;
static struct tocsin_ring_view view;
static struct tocsin_ring_gap gap;

/* The memory is exactly as long as asked for, so that a sanitizer sees one sample too many. */
static void prepare(uint32_t capacity)
{
	size_t size = tocsin_ring_needed_size(capacity, CHANNELS);

	free(mem);
	mem = malloc(size);
	assert_non_null(mem);
	assert_int_equal(tocsin_ring_init(&ring, capacity, CHANNELS, mem, size), 0);
}

static int teardown(void **state)
{
	(void)state;
	free(mem);
	mem = NULL;
	return 0;
}

static void assert_window(uint64_t index, size_t count)
{
	assert_int_equal(tocsin_ring_peek(&ring, count, &view, &gap), 0);
	assert_true(ring_view_is(&view, index, count, CHANNELS));
}

static void assert_gap(size_t count, uint64_t index, uint64_t missing)
{
	memset(&gap, 0xA5, sizeof(gap));
	assert_int_equal(tocsin_ring_peek(&ring, count, &view, &gap), -EPIPE);
	assert_int_equal(gap.index, index);
	assert_int_equal(gap.count, missing);
}

static void assert_crosses(uint64_t index, uint64_t missing)
{
	memset(&gap, 0xA5, sizeof(gap));
	assert_int_equal(tocsin_ring_cross_gap(&ring, &gap), 0);
	assert_int_equal(gap.index, index);
	assert_int_equal(gap.count, missing);
}

static void test_needed_size(void **state)
{
	(void)state;
	assert_int_equal(tocsin_ring_needed_size(2, 1), 4);
	assert_int_equal(tocsin_ring_needed_size(1024, 3), 6144);
	assert_int_equal(tocsin_ring_needed_size(UINT32_C(1) << 24, 3), 100663296);
	assert_int_equal(tocsin_ring_needed_size(0, 1), 0);
	assert_int_equal(tocsin_ring_needed_size(1, 1), 0);
	assert_int_equal(tocsin_ring_needed_size(48, 1), 0);
	assert_int_equal(tocsin_ring_needed_size(UINT32_C(1) << 25, 1), 0);
	assert_int_equal(tocsin_ring_needed_size(64, 0), 0);
	assert_int_equal(tocsin_ring_needed_size(64, 4), 0);
}

static void test_init_refuses(void **state)
{
	int16_t some[9];

	(void)state;
	assert_int_equal(tocsin_ring_init(NULL, 4, 1, some, 8), -EINVAL);
	assert_int_equal(tocsin_ring_init(&ring, 4, 1, NULL, 8), -EINVAL);
	assert_int_equal(tocsin_ring_init(&ring, 4, 1, (char *)some + 1, 8), -EINVAL);
	assert_int_equal(tocsin_ring_init(&ring, 3, 1, some, 8), -EINVAL);
	assert_int_equal(tocsin_ring_init(&ring, 4, 1, some, 7), -ENOMEM);
	assert_int_equal(tocsin_ring_init(&ring, 4, 1, some, 8), 0);
}

static void test_overlapping_windows(void **state)
{
	(void)state;
	prepare(16);
	assert_int_equal(tocsin_ring_peek(&ring, 1, &view, &gap), -EAGAIN);
	for (uint64_t index = 0; index < 100; index += 4) {
		size_t missing = index == 0 ? 10 : 4;

		assert_int_equal(tocsin_ring_peek(&ring, 10, &view, &gap), -EAGAIN);
		assert_int_equal(ring_write_next(&ring, missing), missing);
		assert_window(index, 10);
		assert_int_equal(tocsin_ring_fill(&ring), 10);
		assert_int_equal(tocsin_ring_space(&ring), 6);
		assert_int_equal(tocsin_ring_advance(&ring, 4), 0);
	}
	assert_int_equal(tocsin_ring_peek(&ring, 0, &view, &gap), -EINVAL);
	assert_int_equal(tocsin_ring_peek(&ring, 17, &view, &gap), -EINVAL);
	assert_int_equal(tocsin_ring_advance(&ring, 17), -EINVAL);
	assert_int_equal(tocsin_ring_advance(&ring, 0), 0);
}

static void test_hop_longer_than_window(void **state)
{
	(void)state;
	prepare(16);
	ring_write_next(&ring, 4);
	assert_window(0, 4);
	assert_int_equal(tocsin_ring_advance(&ring, 6), -EAGAIN);
	assert_window(0, 4);
	ring_write_next(&ring, 1);
	tocsin_ring_skip(&ring, 7);
	assert_int_equal(tocsin_ring_advance(&ring, 6), -EAGAIN);
	ring_write_next(&ring, 3);
	assert_int_equal(tocsin_ring_advance(&ring, 6), -EPIPE);
	assert_int_equal(tocsin_ring_advance(&ring, 5), 0);
	assert_int_equal(tocsin_ring_advance(&ring, 1), -EPIPE);
	assert_crosses(5, 7);
	assert_window(12, 3);
}

static void test_full_ring_drops_the_newest(void **state)
{
	(void)state;
	prepare(8);
	assert_int_equal(ring_write_next(&ring, 5), 5);
	assert_int_equal(ring_write_next(&ring, 5), 3);
	assert_int_equal(ring_write_next(&ring, 4), 0);
	assert_int_equal(tocsin_ring_dropped(&ring), 6);
	assert_int_equal(tocsin_ring_overruns(&ring), 2);
	assert_int_equal(tocsin_ring_write_index(&ring), 14);
	assert_window(0, 8);

	/* The gap has no end yet, so the consumer is not told. */
	assert_int_equal(tocsin_ring_advance(&ring, 6), 0);
	assert_int_equal(tocsin_ring_peek(&ring, 3, &view, &gap), -EAGAIN);
	assert_int_equal(tocsin_ring_cross_gap(&ring, &gap), -ENOENT);

	assert_int_equal(ring_write_next(&ring, 1), 1);
	assert_window(6, 2);
	assert_gap(3, 8, 6);
	assert_crosses(8, 6);
	assert_window(14, 1);
}

static void test_skip(void **state)
{
	(void)state;
	prepare(8);
	tocsin_ring_skip(&ring, 0);
	ring_write_next(&ring, 1);
	tocsin_ring_skip(&ring, 0);
	ring_write_next(&ring, 1);
	assert_window(0, 2);
	assert_int_equal(tocsin_ring_cross_gap(&ring, NULL), -ENOENT);

	/* Two losses without a sample between them are one gap; indices go beyond 32 bits. */
	tocsin_ring_skip(&ring, UINT64_C(1) << 40);
	tocsin_ring_skip(&ring, 3);
	ring_write_next(&ring, 2);
	assert_gap(3, 2, (UINT64_C(1) << 40) + 3);
	assert_int_equal(tocsin_ring_dropped(&ring), 0);
	assert_int_equal(tocsin_ring_overruns(&ring), 0);
	assert_int_equal(tocsin_ring_cross_gap(&ring, NULL), 0);
	assert_window((UINT64_C(1) << 40) + 5, 2);

	/* A stream may begin with a gap. */
	prepare(8);
	tocsin_ring_skip(&ring, 9);
	ring_write_next(&ring, 1);
	assert_gap(1, 0, 9);
}

static void test_gap_queue_full(void **state)
{
	(void)state;
	prepare(64);
	for (int i = 0; i < TOCSIN_RING_GAPS; i++) {
		assert_int_equal(ring_write_next(&ring, 1), 1);
		tocsin_ring_skip(&ring, 1);
		assert_int_equal(tocsin_ring_space(&ring), 64 - 1 - i);
	}
	assert_int_equal(ring_write_next(&ring, 1), 1);

	/* All gaps wait; samples still fit as long as nothing is missing in front of them. */
	assert_int_equal(tocsin_ring_space(&ring), 64 - TOCSIN_RING_GAPS - 1);
	assert_int_equal(ring_write_next(&ring, 1), 1);
	tocsin_ring_skip(&ring, 1);
	assert_int_equal(tocsin_ring_space(&ring), 0);
	assert_int_equal(ring_write_next(&ring, 5), 0);
	assert_int_equal(tocsin_ring_dropped(&ring), 5);

	assert_crosses(1, 1);
	assert_int_equal(ring_write_next(&ring, 2), 2);
	for (uint64_t i = 1; i < TOCSIN_RING_GAPS; i++) {
		assert_window(2 * i, 1);
		assert_crosses(2 * i + 1, 1);
	}
	assert_window(2 * TOCSIN_RING_GAPS, 2);
	assert_crosses(2 * TOCSIN_RING_GAPS + 2, 6);
	assert_window(2 * TOCSIN_RING_GAPS + 8, 2);
}

/* Every other call writes, so that small rings overrun often. */
static enum ring_operation random_operation(struct rng *rng)
{
	uint32_t kind = rng_below(rng, 2 * RING_OPERATIONS);

	return kind < RING_OPERATIONS ? (enum ring_operation)kind : RING_WRITE;
}

static void run_against_model(uint64_t seed, uint32_t capacity, uint32_t position)
{
	struct rng rng = {seed};
	struct ring_model model;

	prepare(capacity);
	ring_model_init(&model, capacity);
	ring.head = position;
	ring.tail = position;
	ring.gap_head = position;
	ring.gap_tail = position;
	for (int i = 0; i < 2000; i++) {
		enum ring_operation operation = random_operation(&rng);
		uint64_t count = rng_below(&rng, capacity + capacity / 4 + 2);
		const char *fault;

		if (operation == RING_SKIP) {
			count = rng_u64(&rng) >> (24 + rng_below(&rng, 40));
		}
		fault = ring_model_step(&model, &ring, operation, count);
		if (fault != NULL) {
			fail_msg("seed %u, capacity %u, call %d: %s differs", (unsigned)seed,
				 (unsigned)capacity, i, fault);
		}
	}
}

static void test_random_against_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		run_against_model(seed, UINT32_C(2) << (seed % 9), 0);
	}
}

static void test_positions_wrap(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		run_against_model(seed, UINT32_C(2) << (seed % 9), UINT32_MAX - (uint32_t)seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needed_size),
		cmocka_unit_test(test_init_refuses),
		cmocka_unit_test_teardown(test_overlapping_windows, teardown),
		cmocka_unit_test_teardown(test_hop_longer_than_window, teardown),
		cmocka_unit_test_teardown(test_full_ring_drops_the_newest, teardown),
		cmocka_unit_test_teardown(test_skip, teardown),
		cmocka_unit_test_teardown(test_gap_queue_full, teardown),
		cmocka_unit_test_teardown(test_random_against_model, teardown),
		cmocka_unit_test_teardown(test_positions_wrap, teardown),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
