/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The partition /chosen/tocsin,bundles, halved. The end of each slot is a mark: which of the two
 * was kept last. A mark is written once its bundle has been found fit to run, into erased flash,
 * with a checksum, so a mark that was cut short is none; and it is withdrawn by a word of its own,
 * as flash is not written twice. An upload goes into the other slot, so whenever the supply fails,
 * one of these is what runs next: the bundle kept before, whole, or the new one, whole.
 */

#include <errno.h>
#include <stddef.h>

#include <zephyr/devicetree.h>
#include <zephyr/drivers/flash.h>
#if defined(CONFIG_FLASH_SIMULATOR)
#include <zephyr/drivers/flash/flash_simulator.h>
#endif
#include <zephyr/kernel.h>
#include <zephyr/storage/stream_flash.h>
#include <zephyr/sys/crc.h>
#include <zephyr/sys/util.h>

#include <tocsin/bundle.h>

#include "bundles/store.h"

#define PARTITION DT_CHOSEN(tocsin_bundles)
#define FLASH     DT_MEM_FROM_FIXED_PARTITION(PARTITION)
#define PAGE      DT_PROP(FLASH, erase_block_size)
#define SLOT_SIZE (DT_REG_SIZE(PARTITION) / STORE_SLOTS)
#define MARK_AT   (SLOT_SIZE - sizeof(struct mark))

/* Between the erasing of pages, which keeps the processor from its program: the others' turn. */
#define BREATH K_MSEC(15)

#define MAGIC   UINT32_C(0x74636e73)
#define PRESENT UINT32_C(0xffffffff) /* as erased */

struct mark {
	uint32_t magic;
	uint32_t sequence; /* the greater was kept later */
	uint32_t size;
	uint32_t crc; /* of those above */
	uint32_t withdrawn;
	uint32_t unused[3];
};

BUILD_ASSERT(SLOT_SIZE % PAGE == 0 && DT_REG_ADDR(PARTITION) % PAGE == 0,
	     "the bundles' partition must be two times a number of whole pages");
BUILD_ASSERT(PAGE % TOCSIN_BUNDLE_ALIGN == 0 && sizeof(struct mark) % TOCSIN_BUNDLE_ALIGN == 0);

static const struct device *const flash = DEVICE_DT_GET(DT_MTD_FROM_FIXED_PARTITION(PARTITION));

static struct stream_flash_ctx stream;
static uint8_t buffer[32]; /* what is not yet a whole unit of the flash */

static off_t offset_of(uint32_t slot)
{
	return (off_t)(DT_REG_ADDR(PARTITION) + slot * SLOT_SIZE);
}

/* Flash is memory, to those who read it. */
const void *store_slot(uint32_t slot)
{
#if defined(CONFIG_FLASH_SIMULATOR)
	size_t size;

	return (const uint8_t *)flash_simulator_get_memory(flash, &size) + offset_of(slot);
#else
	return (const void *)(DT_REG_ADDR(FLASH) + (uintptr_t)offset_of(slot));
#endif
}

static const struct mark *mark_of(uint32_t slot)
{
	return (const struct mark *)((const uint8_t *)store_slot(slot) + MARK_AT);
}

static uint32_t checksum(const struct mark *mark)
{
	return crc32_ieee((const uint8_t *)mark, offsetof(struct mark, crc));
}

static bool is_kept(uint32_t slot)
{
	const struct mark *mark = mark_of(slot);

	return mark->magic == MAGIC && mark->crc == checksum(mark) && mark->withdrawn == PRESENT &&
	       mark->size <= store_capacity();
}

size_t store_capacity(void)
{
	return device_is_ready(flash) ? MARK_AT : 0;
}

static int erase_page(off_t offset)
{
	const int err = flash_erase(flash, offset, PAGE);

	k_sleep(BREATH);
	return err;
}

int store_begin(uint32_t slot, size_t size)
{
	/* The mark goes first: it must not stand behind a bundle that is half gone. */
	int err = erase_page(offset_of(slot) + SLOT_SIZE - PAGE);

	for (size_t at = 0; err == 0 && at < MIN(size, SLOT_SIZE - PAGE); at += PAGE) {
		err = erase_page(offset_of(slot) + (off_t)at);
	}
	return err != 0 ? err
			: stream_flash_init(&stream, flash, buffer, sizeof(buffer),
					    (size_t)offset_of(slot), MARK_AT, NULL);
}

int store_append(const uint8_t *data, size_t size)
{
	return stream_flash_buffered_write(&stream, data, size, false);
}

int store_finish(void)
{
	return stream_flash_buffered_write(&stream, NULL, 0, true);
}

int store_keep(uint32_t slot, size_t size)
{
	const uint32_t other = 1 - slot;
	struct mark mark = {
		.magic = MAGIC,
		.sequence = is_kept(other) ? mark_of(other)->sequence + 1 : 1,
		.size = (uint32_t)size,
		.withdrawn = PRESENT,
		.unused = {PRESENT, PRESENT, PRESENT},
	};

	if (is_kept(slot)) {
		return 0; /* runs again: it was the last one kept, or the last one's mark is gone */
	}
	mark.crc = checksum(&mark);
	return flash_write(flash, offset_of(slot) + MARK_AT, &mark,
			   offsetof(struct mark, withdrawn));
}

static int withdraw(uint32_t slot)
{
	static const uint32_t gone;

	return is_kept(slot)
		       ? flash_write(flash,
				     offset_of(slot) + MARK_AT + offsetof(struct mark, withdrawn),
				     &gone, sizeof(gone))
		       : 0;
}

int store_kept(size_t *size)
{
	int slot = -ENOENT;

	for (uint32_t i = 0; store_capacity() > 0 && i < STORE_SLOTS; i++) {
		if (is_kept(i) && (slot < 0 || mark_of(i)->sequence > mark_of(0)->sequence)) {
			slot = (int)i;
			*size = mark_of(i)->size;
		}
	}
	return slot;
}

int store_forget(void)
{
	size_t size;
	const int last = store_kept(&size);

	if (last < 0) {
		return 0;
	}

	/* The older one first: it must not be what is left when the supply fails in between. */
	const int err = withdraw(1 - (uint32_t)last);

	return err != 0 ? err : withdraw((uint32_t)last);
}
