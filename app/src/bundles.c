/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/sys/atomic.h>
#include <zephyr/sys/util.h>

#include <tocsin/bundle.h>

#include "bundles.h"

extern const uint8_t tocsin_default_bundle[];
extern const uint8_t tocsin_default_bundle_end[];

#define SLOTS     2
#define SLOT_SIZE CONFIG_TOCSIN_BUNDLE_SLOT_SIZE

BUILD_ASSERT(SLOT_SIZE % TOCSIN_BUNDLE_ALIGN == 0,
	     "CONFIG_TOCSIN_BUNDLE_SLOT_SIZE must be a multiple of a bundle's alignment");

/* At least one unit, so that an image without slots compiles; bundles_begin() refuses there. */
static uint8_t slots[SLOTS][MAX(SLOT_SIZE, TOCSIN_BUNDLE_ALIGN)] __aligned(TOCSIN_BUNDLE_ALIGN);
static atomic_t running = ATOMIC_INIT(-1);

/* The upload: the link's thread alone. */
static uint32_t target;
static uint32_t expected;
static uint32_t received;

const void *bundles_default(size_t *size)
{
	*size = (size_t)(tocsin_default_bundle_end - tocsin_default_bundle);
	return tocsin_default_bundle;
}

int bundles_begin(uint32_t size)
{
	if (SLOT_SIZE == 0) {
		return -ENOSYS;
	}
	if (size > SLOT_SIZE) {
		return -EFBIG;
	}
	target = atomic_get(&running) == 0 ? 1 : 0;
	expected = size;
	received = 0;
	return 0;
}

int bundles_write(uint32_t offset, const uint8_t *data, size_t size)
{
	if (offset > received || size > expected || offset > expected - size) {
		return -EINVAL;
	}
	if (offset + size > received) {
		memcpy(&slots[target][offset], data, size);
		received = offset + (uint32_t)size;
	}
	return 0;
}

int bundles_end(uint32_t *slot, uint32_t *size)
{
	if (expected == 0 || received != expected) {
		return -EINVAL;
	}
	*slot = target;
	*size = expected;
	expected = 0; /* closed: nothing is written into it any more */
	received = 0;
	return 0;
}

const void *bundles_slot(uint32_t slot)
{
	return slots[slot % SLOTS];
}

void bundles_set_running(int slot)
{
	atomic_set(&running, slot);
}
