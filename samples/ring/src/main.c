/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The ring between a source of one's own and a reader. A timer's interrupt stands for the driver:
 * it writes a block of a sawtooth every 8 ms. Once it loses samples and says so. Once the reader is
 * late. The reader takes windows that overlap, and counts what is missing.
 */

#include <inttypes.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <tocsin/ring.h>

#define RATE     16000 /* Hz */
#define BLOCK    128   /* samples the driver brings at a time: 8 ms */
#define CAPACITY 4096  /* 256 ms: a window, and what comes while the reader is late */
#define WINDOW   1024
#define HOP      512
#define BLOCKS   200 /* 1.6 s */

#define BLOCK_OF_LOSS   40  /* where the driver loses samples ... */
#define LOST            100 /* ... and how many */
#define WINDOW_OF_SLEEP 30  /* where the reader is late by half a second */

static int16_t memory[CAPACITY];
static struct tocsin_ring ring;
static K_SEM_DEFINE(arrived, 0, 1);

/* The sawtooth's value is its index, so a reader can tell what it reads. */
static int16_t value_at(uint64_t index)
{
	return (int16_t)(index & 0x7fff);
}

/* The driver. tocsin_ring_write() takes constant time but for the copy, so it may run here. */
static void bring_block(struct k_timer *timer)
{
	static int blocks;
	static int16_t block[BLOCK];
	uint64_t index;

	if (blocks == BLOCK_OF_LOSS) {
		tocsin_ring_skip(&ring, LOST);
	}
	index = tocsin_ring_write_index(&ring);
	for (int i = 0; i < BLOCK; i++) {
		block[i] = value_at(index + i);
	}
	tocsin_ring_write(&ring, block, BLOCK); /* what has no room is counted */
	if (++blocks == BLOCKS) {
		k_timer_stop(timer);
	}
	k_sem_give(&arrived);
}

static K_TIMER_DEFINE(driver, bring_block, NULL);

/* Whether every sample of a window is the one that its index says. */
static bool is_right(const struct tocsin_ring_view *view)
{
	uint64_t index = view->index;

	for (int part = 0; part < 2; part++) {
		for (size_t i = 0; i < view->count[part]; i++, index++) {
			if (view->part[part][i] != value_at(index)) {
				return false;
			}
		}
	}
	return true;
}

/* Cross a gap; give how many samples were missing. */
static uint64_t cross_gap(void)
{
	struct tocsin_ring_gap gap;

	if (tocsin_ring_cross_gap(&ring, &gap) != 0) {
		return 0;
	}
	printk("gap: %" PRIu64 " samples are missing from %" PRIu64 " on\n", gap.count, gap.index);
	return gap.count;
}

int main(void)
{
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;
	uint64_t missing = 0;
	int windows = 0;
	int wrong = 0;

	if (tocsin_ring_init(&ring, CAPACITY, 1, memory, sizeof(memory)) != 0) {
		printk("the ring refuses its configuration\n");
		return 0;
	}
	printk("%d Hz, windows of %d samples, %d apart\n", RATE, WINDOW, HOP);
	k_timer_start(&driver, K_USEC(BLOCK * 1000000LL / RATE), K_USEC(BLOCK * 1000000LL / RATE));

	/* The driver is silent for much longer than a block: it has ended. */
	while (k_sem_take(&arrived, K_MSEC(100)) == 0) {
		int err;

		while ((err = tocsin_ring_peek(&ring, WINDOW, &view, &gap)) != -EAGAIN) {
			if (err == -EPIPE) {
				missing += cross_gap();
				continue;
			}
			wrong += !is_right(&view);
			tocsin_ring_advance(&ring, HOP);
			if (++windows == WINDOW_OF_SLEEP) {
				k_msleep(500);
			}
		}
	}
	printk("%d windows, %d of them wrong\n", windows, wrong);
	printk("%" PRIu64 " samples: %" PRIu64 " missing, %u of them for want of room\n",
	       tocsin_ring_write_index(&ring), missing, tocsin_ring_dropped(&ring));
	printk("done\n");
	return 0;
}
