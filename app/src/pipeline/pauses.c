/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>

#include "pipeline/pauses.h"

/* As many gaps as can wait in the ring, and the one that has no end yet. */
#define PAUSES (TOCSIN_RING_GAPS + 1)

static struct tocsin_ring_gap pauses[PAUSES];
static uint32_t next;
static struct k_spinlock lock;

void pauses_begin(void)
{
	K_SPINLOCK(&lock)
	{
		for (uint32_t i = 0; i < PAUSES; i++) {
			pauses[i].count = 0;
		}
	}
}

void pauses_add(uint64_t index, uint64_t count)
{
	K_SPINLOCK(&lock)
	{
		pauses[next] = (struct tocsin_ring_gap){.index = index, .count = count};
		next = (next + 1) % PAUSES;
	}
}

uint64_t pauses_in(const struct tocsin_ring_gap *gap)
{
	uint64_t slept = 0;

	K_SPINLOCK(&lock)
	{
		for (uint32_t i = 0; i < PAUSES; i++) {
			if (pauses[i].count > 0 && pauses[i].index >= gap->index &&
			    pauses[i].index < gap->index + gap->count) {
				slept += pauses[i].count;
			}
		}
	}
	return slept;
}
