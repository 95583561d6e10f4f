/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/sys/util.h>

#include <tocsin/bundle.h>

#include "bundles/store.h"

#define SLOT_SIZE CONFIG_TOCSIN_BUNDLE_SLOT_SIZE

BUILD_ASSERT(SLOT_SIZE % TOCSIN_BUNDLE_ALIGN == 0,
	     "CONFIG_TOCSIN_BUNDLE_SLOT_SIZE must be a multiple of a bundle's alignment");

/* At least one unit, so that an image without slots compiles; its capacity is 0. */
static uint8_t slots[STORE_SLOTS][MAX(SLOT_SIZE, TOCSIN_BUNDLE_ALIGN)]
	__aligned(TOCSIN_BUNDLE_ALIGN);
static uint8_t *next;

size_t store_capacity(void)
{
	return SLOT_SIZE;
}

int store_begin(uint32_t slot, size_t size)
{
	ARG_UNUSED(size);
	next = slots[slot];
	return 0;
}

int store_append(const uint8_t *data, size_t size)
{
	memcpy(next, data, size);
	next += size;
	return 0;
}

int store_finish(void)
{
	return 0;
}

const void *store_slot(uint32_t slot)
{
	return slots[slot];
}

int store_keep(uint32_t slot, size_t size)
{
	ARG_UNUSED(slot);
	ARG_UNUSED(size);
	return 0;
}

int store_forget(void)
{
	return 0;
}

int store_kept(size_t *size)
{
	ARG_UNUSED(size);
	return -ENOENT;
}
