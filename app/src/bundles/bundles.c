/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/atomic.h>

#include "bundles/background.h"
#include "bundles/bundles.h"
#include "bundles/store.h"
#include "messages/control_inbox.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

extern const uint8_t tocsin_default_bundle[];
extern const uint8_t tocsin_default_bundle_end[];

enum upload {
	UPLOAD_NONE,
	UPLOAD_OPEN,  /* data comes, until the desk ends it or control gives it up */
	UPLOAD_ENDED, /* whole, and control's until that has settled it */
};

static atomic_t running = ATOMIC_INIT(BUNDLES_EMBEDDED);
static atomic_t upload = ATOMIC_INIT(UPLOAD_NONE);
static atomic_t heard; /* milliseconds of k_uptime_get_32(): the last piece of the open upload */

/* The open upload: the link's thread alone. */
static uint32_t target;
static uint32_t expected;
static uint32_t received;

const void *bundles_default(size_t *size)
{
	*size = (size_t)(tocsin_default_bundle_end - tocsin_default_bundle);
	return tocsin_default_bundle;
}

static void hear(void)
{
	atomic_set(&heard, (atomic_val_t)k_uptime_get_32());
}

int bundles_begin(uint32_t size)
{
	int priority;
	int err;

	if (store_capacity() == 0) {
		return -ENOSYS;
	}
	if (size == 0) {
		return -EINVAL;
	}
	if (size > store_capacity()) {
		return -EFBIG;
	}
	if (atomic_get(&upload) == UPLOAD_ENDED) {
		return -EBUSY;
	}
	atomic_set(&upload, UPLOAD_NONE);
	target = atomic_get(&running) == 0 ? 1 : 0;
	expected = size;
	received = 0;
	priority = background_begin();
	err = store_begin(target, size);
	background_end(priority);
	if (err == 0) {
		hear();
		atomic_set(&upload, UPLOAD_OPEN);
		control_wake();
	}
	return err;
}

int bundles_write(uint32_t offset, const uint8_t *data, size_t size)
{
	int err = 0;

	if (atomic_get(&upload) != UPLOAD_OPEN) {
		return -EPIPE;
	}
	hear();
	if (offset > received || size > expected || offset > expected - size) {
		return -ESPIPE;
	}
	if (offset + size > received) {
		const size_t taken = received - offset;

		err = store_append(data + taken, size - taken);
		received = offset + (uint32_t)size;
	}
	if (err != 0) {
		atomic_set(&upload, UPLOAD_NONE);
	}
	return err;
}

int bundles_end(uint32_t *slot, uint32_t *size)
{
	int err;

	switch (atomic_get(&upload)) {
	case UPLOAD_OPEN:
		break;
	case UPLOAD_ENDED:
		return -EBUSY;
	default:
		return -EPIPE;
	}
	hear();
	if (received != expected) {
		return -EMSGSIZE;
	}
	err = store_finish();
	*slot = target;
	*size = expected;
	atomic_set(&upload, err == 0 ? UPLOAD_ENDED : UPLOAD_NONE);
	return err;
}

void bundles_reopen(void)
{
	hear();
	atomic_set(&upload, UPLOAD_OPEN);
	control_wake();
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
	atomic_set(&upload, UPLOAD_NONE);
}

uint32_t bundles_patience_ms(void)
{
	/* Read in this order: whatever is heard in between is not in the future. */
	const uint32_t last = (uint32_t)atomic_get(&heard);
	const uint32_t silent = k_uptime_get_32() - last;

	if (atomic_get(&upload) != UPLOAD_OPEN) {
		return UINT32_MAX;
	}
	return silent < CONFIG_TOCSIN_DESK_TIMEOUT_MS ? CONFIG_TOCSIN_DESK_TIMEOUT_MS - silent : 0;
}

bool bundles_forget_silent(void)
{
	return bundles_patience_ms() == 0 && atomic_cas(&upload, UPLOAD_OPEN, UPLOAD_NONE);
}

bool bundles_uploading(void)
{
	return atomic_get(&upload) != UPLOAD_NONE;
}

int bundles_last(size_t *size)
{
	const int slot = store_kept(size);

	return slot >= 0 ? slot : BUNDLES_EMBEDDED;
}
