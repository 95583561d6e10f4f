/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Random bytes do not pass a CRC, so the mutator takes a bundle apart, changes a section, and puts
 * it together again with sizes, offsets and checksums that are right. Now and then it changes bytes
 * of the whole instead, with or without making the checksums right, so that header and table have
 * their turn.
 */

#include <stdlib.h>
#include <string.h>

#include "fuzz_bundle.h"
#include "rng.h"

#define HEADER 32
#define ENTRY  16

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static uint32_t get_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Take apart what can be found, whatever the rest is like. */
static void read_draft(struct draft *draft, const uint8_t *data, size_t size)
{
	uint32_t n;

	draft_init(draft);
	if (size < HEADER) {
		return;
	}
	n = get_u32(&data[16]);
	for (size_t i = 0; i < n && i < 32 && HEADER + ENTRY * (i + 1) <= size; i++) {
		const uint8_t *entry = &data[HEADER + ENTRY * i];
		const uint32_t offset = get_u32(&entry[4]);
		const uint32_t length = get_u32(&entry[8]);

		if (offset <= size && length <= size - offset) {
			draft_add(draft, (const char *)entry, &data[offset], length);
		}
	}
}

/* The fields that counts and kinds stand in, at the front of each section, want small numbers. */
static void put_number(struct draft_section *section, struct rng *rng)
{
	static const uint32_t numbers[] = {
		0,          1,          2,          3,          4,          5,
		8,          15,         16,         31,         32,         64,
		127,        128,        129,        255,        256,        257,
		512,        1024,       4096,       4097,       0x7FFFFFFF, 0x80000000,
		0x3F800000, 0x7F7FFFFF, 0x00800000, 0x7F800000, UINT32_MAX};
	const uint32_t fields = (uint32_t)(section->size < 48 ? section->size : 48) / 4;
	size_t at;

	if (fields == 0) {
		return;
	}
	at = 4 * rng_below(rng, rng_below(rng, fields) + 1); /* the front ones more often */
	if (rng_below(rng, 2) == 0) {
		draft_put_u32(section, at,
			      get_u32(&section->data[at]) ^ UINT32_C(1) << rng_below(rng, 32));
	} else {
		draft_put_u32(section, at,
			      numbers[rng_below(rng, sizeof(numbers) / sizeof(numbers[0]))]);
	}
}

/* Other bytes, the same size. */
static void change_bytes(struct draft_section *section, struct rng *rng)
{
	const size_t size = section->size;

	(void)rng;
	if (size > 0) {
		draft_resize(section, LLVMFuzzerMutate(section->data, size, size));
		draft_resize(section, size);
	}
}

/* Other bytes, another size. */
static void change_size(struct draft_section *section, struct rng *rng)
{
	draft_resize(section, section->size + rng_below(rng, 64));
	draft_resize(section, LLVMFuzzerMutate(section->data, section->size, section->size));
}

static void change_table(struct draft *draft, struct draft_section *section, struct rng *rng)
{
	static const char types[][5] = {"SENS", "FEAT", "WIND", "SINE", "BAND", "NORM",
					"KMNS", "GMMX", "MAHA", "AENC", "TFLM", "DECD",
					"duty", "slid", "meta", "NEWS"};
	const char *type = types[rng_below(rng, sizeof(types) / sizeof(types[0]))];

	switch (rng_below(rng, 3)) {
	case 0:
		memcpy(section->type, type, 4);
		break;
	case 1:
		draft_remove(draft, section->type);
		break;
	default:
		if (draft->n < 33) {
			draft_add(draft, type, section->data, section->size);
		}
		break;
	}
}

static void change_draft(struct draft *draft, struct rng *rng)
{
	struct draft_section *section = &draft->sections[rng_below(rng, (uint32_t)draft->n)];
	const uint32_t kind = rng_below(rng, 16);

	if (kind < 6) {
		change_bytes(section, rng);
	} else if (kind < 12) {
		put_number(section, rng);
	} else if (kind < 14) {
		change_size(section, rng);
	} else {
		change_table(draft, section, rng);
	}
	if (rng_below(rng, 4) != 0) {
		mend_bundle(draft);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static struct draft draft;
	struct rng rng = {seed};
	const uint32_t kind = rng_below(&rng, 16);

	read_draft(&draft, data, size);
	if (kind < 3 || draft.n == 0) {
		size = LLVMFuzzerMutate(data, size, max_size);
		if (kind > 0) {
			bundle_fix_crcs(data, size);
		}
	} else {
		change_draft(&draft, &rng);
		if (draft_size(&draft) <= max_size) {
			size = draft_size(&draft);
			draft_write(&draft, data);
		}
	}
	draft_free(&draft);
	return size;
}
