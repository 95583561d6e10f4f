/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include <zephyr/logging/log.h>
#include <zephyr/sys/atomic.h>

#include "background.h"
#include "bundles.h"
#include "store.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

extern const uint8_t tocsin_default_bundle[];
extern const uint8_t tocsin_default_bundle_end[];

static atomic_t running = ATOMIC_INIT(BUNDLES_EMBEDDED);
static atomic_t unsettled;

/* The upload: the link's thread alone. */
static uint32_t target;
static uint32_t expected; /* 0: none is under way */
static uint32_t received;

const void *bundles_default(size_t *size)
{
	*size = (size_t)(tocsin_default_bundle_end - tocsin_default_bundle);
	return tocsin_default_bundle;
}

int bundles_begin(uint32_t size)
{
	int priority;
	int err;

	if (store_capacity() == 0) {
		return -ENOSYS;
	}
	if (size > store_capacity()) {
		return -EFBIG;
	}
	if (atomic_get(&unsettled) != 0) {
		return -EBUSY;
	}
	target = atomic_get(&running) == 0 ? 1 : 0;
	received = 0;
	priority = background_begin();
	err = store_begin(target, size);
	background_end(priority);
	expected = err == 0 ? size : 0;
	return err;
}

int bundles_write(uint32_t offset, const uint8_t *data, size_t size)
{
	int err = 0;

	if (offset > received || size > expected || offset > expected - size) {
		return -EINVAL;
	}
	if (offset + size > received) {
		const size_t taken = received - offset;

		err = store_append(data + taken, size - taken);
		received = offset + (uint32_t)size;
	}
	if (err != 0) {
		expected = 0;
	}
	return err;
}

int bundles_end(uint32_t *slot, uint32_t *size)
{
	if (expected == 0 || received != expected) {
		return -EINVAL;
	}

	const int err = store_finish();

	*slot = target;
	*size = expected;
	expected = 0;
	received = 0;
	atomic_set(&unsettled, err == 0);
	return err;
}

const void *bundles_slot(uint32_t slot)
{
	return store_slot(slot % STORE_SLOTS);
}

void bundles_set_running(int slot, size_t size)
{
	const int err =
		slot == BUNDLES_EMBEDDED ? store_forget() : store_keep((uint32_t)slot, size);

	atomic_set(&running, slot);
	if (err != 0) {
		LOG_ERR("after a reset another bundle will run than now: flash failed (%d)", err);
	}
}

void bundles_settle(void)
{
	atomic_set(&unsettled, 0);
}

int bundles_last(size_t *size)
{
	const int slot = store_kept(size);

	return slot >= 0 ? slot : BUNDLES_EMBEDDED;
}
