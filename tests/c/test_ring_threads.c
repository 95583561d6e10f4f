/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A producer and a consumer on threads of their own. Three channels carry 48 bits of each sample's
 * index, so the consumer can tell from the samples alone whether an index is right. Build with
 * -DTOCSIN_SANITIZE_THREAD=ON to have the memory order itself checked.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <tocsin/ring.h>

#include "ring_model.h"
#include "rng.h"

#define CHANNELS 3
#define BLOCK    96 /* at most, so that a block fits on the stack */
#define SAMPLES  UINT64_C(3000000)

struct run {
	struct tocsin_ring ring;
	size_t window;
	size_t hop;
	uint32_t block;     /* most frames written at once */
	uint32_t skip_odds; /* the source loses samples once in so many blocks */
	uint32_t skip_most; /* at most so many */
	bool patient;       /* the producer waits for room, so that nothing is dropped */
	uint64_t seed;

	/* What the producer did; read once it has ended. */
	_Atomic int ended;
	uint64_t stored;
	uint64_t dropped;
	uint64_t skipped;
	uint64_t tail_lost; /* missing after the last sample that was stored: never told */

	/* What the consumer saw. */
	_Atomic int gone;
	uint64_t taken;
	uint64_t missing;
	uint64_t windows;
	uint64_t gaps;
	const char *fault;
};

static void *produce(void *arg)
{
	struct run *run = arg;
	struct rng rng = {run->seed};
	int16_t block[BLOCK * CHANNELS];

	while (tocsin_ring_write_index(&run->ring) < SAMPLES) {
		uint64_t index = tocsin_ring_write_index(&run->ring);
		size_t count = rng_below(&rng, run->block) + 1;
		size_t stored;

		if (rng_below(&rng, run->skip_odds) == 0) {
			uint64_t skip = rng_below(&rng, run->skip_most) + 1;

			tocsin_ring_skip(&run->ring, skip);
			run->skipped += skip;
			run->tail_lost += skip;
			continue;
		}
		while (run->patient && tocsin_ring_space(&run->ring) < count &&
		       !atomic_load(&run->gone)) {
			sched_yield();
		}
		for (size_t i = 0; i < count * CHANNELS; i++) {
			block[i] = ring_sample(index + i / CHANNELS, (uint32_t)(i % CHANNELS));
		}
		stored = tocsin_ring_write(&run->ring, block, count);
		run->stored += stored;
		run->dropped += count - stored;
		run->tail_lost = (stored > 0 ? 0 : run->tail_lost) + (count - stored);
		if (rng_below(&rng, 8) == 0) {
			sched_yield();
		}
	}
	atomic_store(&run->ended, 1);
	return NULL;
}

/* Step over a gap; whatever stood before it was taken without having been part of a full hop. */
static void cross(struct run *run, uint64_t *next, const struct tocsin_ring_gap *seen)
{
	struct tocsin_ring_gap gap;

	if (tocsin_ring_cross_gap(&run->ring, &gap) != 0 || gap.index != seen->index ||
	    gap.count != seen->count || gap.count == 0 || gap.index < *next) {
		run->fault = "the gap crossed is not the gap seen";
		return;
	}
	run->taken += gap.index - *next;
	run->missing += gap.count;
	run->gaps++;
	*next = gap.index + gap.count;
}

static void *consume(void *arg)
{
	struct run *run = arg;
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;
	uint64_t next = 0;

	while (run->fault == NULL) {
		int ended = atomic_load(&run->ended);
		int err = tocsin_ring_peek(&run->ring, run->window, &view, &gap);

		if (err == -EPIPE) {
			cross(run, &next, &gap);
		} else if (err == -EAGAIN && ended) {
			run->taken += tocsin_ring_fill(&run->ring);
			break;
		} else if (err == -EAGAIN) {
			sched_yield();
		} else if (!ring_view_is(&view, next, run->window, CHANNELS)) {
			run->fault = "a window holds samples of other indices";
		} else {
			run->windows++;
			if (tocsin_ring_advance(&run->ring, run->hop) != 0) {
				run->fault = "a hop inside a full window was refused";
			}
			run->taken += run->hop;
			next += run->hop;
		}
	}
	atomic_store(&run->gone, 1);
	return NULL;
}

static void stress(uint32_t capacity, struct run run)
{
	size_t size = tocsin_ring_needed_size(capacity, CHANNELS);
	void *mem = malloc(size);
	pthread_t producer;
	pthread_t consumer;

	assert_int_equal(tocsin_ring_init(&run.ring, capacity, CHANNELS, mem, size), 0);
	/* Let the 32-bit positions wrap on the way. */
	run.ring.head = UINT32_MAX - 100000;
	run.ring.tail = UINT32_MAX - 100000;
	run.ring.gap_head = UINT32_MAX - 2;
	run.ring.gap_tail = UINT32_MAX - 2;

	assert_int_equal(pthread_create(&consumer, NULL, consume, &run), 0);
	assert_int_equal(pthread_create(&producer, NULL, produce, &run), 0);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	free(mem);

	if (run.fault != NULL) {
		fail_msg("capacity %u, seed %u: %s", (unsigned)capacity, (unsigned)run.seed,
			 run.fault);
	}
	print_message("capacity %u: %llu windows, %llu gaps, %llu of %llu samples dropped\n",
		      (unsigned)capacity, (unsigned long long)run.windows,
		      (unsigned long long)run.gaps, (unsigned long long)run.dropped,
		      (unsigned long long)tocsin_ring_write_index(&run.ring));
	assert_int_equal(run.taken, run.stored);
	assert_int_equal(run.missing + run.tail_lost, run.dropped + run.skipped);
	assert_int_equal(run.stored + run.dropped + run.skipped,
			 tocsin_ring_write_index(&run.ring));
	assert_int_equal(tocsin_ring_dropped(&run.ring), run.dropped);
	assert_true(run.windows > 100);
	assert_true(run.gaps > 100);
}

static void test_producer_that_waits(void **state)
{
	(void)state;
	stress(1024, (struct run){.window = 400,
				  .hop = 160,
				  .block = BLOCK,
				  .skip_odds = 200,
				  .skip_most = 1000,
				  .patient = true,
				  .seed = 1});
}

static void test_producer_that_overruns(void **state)
{
	(void)state;
	stress(512, (struct run){.window = 200,
				 .hop = 100,
				 .block = BLOCK,
				 .skip_odds = 200,
				 .skip_most = 1000,
				 .seed = 2});
}

static void test_tight_ring(void **state)
{
	(void)state;
	stress(128, (struct run){.window = 32,
				 .hop = 31,
				 .block = BLOCK,
				 .skip_odds = 200,
				 .skip_most = 1000,
				 .seed = 3});
}

/* Gaps everywhere, each just ahead of a consumer that spins: whoever looks at the gaps before the
 * samples takes a sample for one before the gap. */
static void test_dense_gaps(void **state)
{
	(void)state;
	stress(64, (struct run){.window = 1,
				.hop = 1,
				.block = 2,
				.skip_odds = 2,
				.skip_most = 2,
				.patient = true,
				.seed = 4});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_producer_that_waits),
		cmocka_unit_test(test_producer_that_overruns),
		cmocka_unit_test(test_tight_ring),
		cmocka_unit_test(test_dense_gaps),
	};

	return cmocka_run_group_tests_name("ring_threads", tests, NULL, NULL);
}
