/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#define _POSIX_C_SOURCE 200809L

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bundle_writer.h"

#define HEADER 32
#define ENTRY  16

static void put_u16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *at, uint32_t value)
{
	put_u16(at, value & 0xFFFF);
	put_u16(&at[2], value >> 16);
}

static uint32_t get_u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static size_t padded(size_t size)
{
	return (size + 15) / 16 * 16;
}

/* Bit by bit, as the standard defines it: not the module's way. */
static uint32_t crc32(const uint8_t *data, size_t size)
{
	uint32_t crc = 0xFFFFFFFF;

	for (size_t i = 0; i < size; i++) {
		for (int bit = 0; bit < 8; bit++) {
			uint32_t differ = (crc ^ (uint32_t)(data[i] >> bit)) & 1;

			crc = (crc >> 1) ^ (differ ? 0xEDB88320 : 0);
		}
	}
	return ~crc;
}

void draft_init(struct draft *draft)
{
	memset(draft, 0, sizeof(*draft));
	draft->major = 1;
	draft->feature_version = 2;
}

void draft_free(struct draft *draft)
{
	for (size_t i = 0; i < draft->n; i++) {
		free(draft->sections[i].data);
	}
	draft->n = 0;
}

struct draft_section *draft_add(struct draft *draft, const char *type, const void *data,
				size_t size)
{
	struct draft_section *section = &draft->sections[draft->n];

	assert(draft->n < DRAFT_SECTIONS_MAX);
	draft->n++;
	memset(section->type, 0, sizeof(section->type));
	memcpy(section->type, type, 4);
	section->data = calloc(1, size > 0 ? size : 1);
	assert(section->data != NULL);
	section->size = size;
	if (data != NULL && size > 0) {
		memcpy(section->data, data, size);
	}
	return section;
}

struct draft_section *draft_find(struct draft *draft, const char *type)
{
	for (size_t i = 0; i < draft->n; i++) {
		if (memcmp(draft->sections[i].type, type, 4) == 0) {
			return &draft->sections[i];
		}
	}
	return NULL;
}

void draft_remove(struct draft *draft, const char *type)
{
	struct draft_section *section = draft_find(draft, type);

	if (section != NULL) {
		size_t behind = (size_t)(&draft->sections[draft->n] - section) - 1;

		free(section->data);
		memmove(section, section + 1, behind * sizeof(*section));
		draft->n--;
	}
}

void draft_resize(struct draft_section *section, size_t size)
{
	uint8_t *data = calloc(1, size > 0 ? size : 1);

	assert(data != NULL);
	memcpy(data, section->data, size < section->size ? size : section->size);
	free(section->data);
	section->data = data;
	section->size = size;
}

void draft_put_u32(struct draft_section *section, size_t at, uint32_t value)
{
	assert(at + 4 <= section->size);
	put_u32(&section->data[at], value);
}

void draft_put_f32(struct draft_section *section, size_t at, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	draft_put_u32(section, at, bits);
}

size_t draft_size(const struct draft *draft)
{
	size_t size = HEADER + ENTRY * draft->n;

	for (size_t i = 0; i < draft->n; i++) {
		size += padded(draft->sections[i].size);
	}
	return size;
}

void draft_write(const struct draft *draft, uint8_t *out)
{
	size_t size = draft_size(draft);
	size_t offset = HEADER + ENTRY * draft->n;

	memset(out, 0, size);
	memcpy(out, "TOCSIN\r\n", 8);
	put_u16(&out[8], draft->major);
	put_u16(&out[10], draft->minor);
	put_u32(&out[12], (uint32_t)size);
	put_u32(&out[16], (uint32_t)draft->n);
	put_u32(&out[20], draft->feature_version);
	for (size_t i = 0; i < draft->n; i++) {
		const struct draft_section *section = &draft->sections[i];
		uint8_t *entry = &out[HEADER + ENTRY * i];

		memcpy(entry, section->type, 4);
		put_u32(&entry[4], (uint32_t)offset);
		put_u32(&entry[8], (uint32_t)section->size);
		memcpy(&out[offset], section->data, section->size);
		offset += padded(section->size);
	}
	bundle_fix_crcs(out, size);
}

uint8_t *draft_emit(const struct draft *draft, size_t *size)
{
	void *out;

	*size = draft_size(draft);
	if (posix_memalign(&out, 16, *size) != 0) {
		abort();
	}
	draft_write(draft, out);
	return out;
}

uint8_t *aligned_copy(const void *data, size_t size)
{
	void *copy;

	if (posix_memalign(&copy, 16, size) != 0) {
		abort();
	}
	if (size > 0) {
		memcpy(copy, data, size);
	}
	return copy;
}

void bundle_fix_crcs(uint8_t *data, size_t size)
{
	uint32_t end;

	if (size < HEADER) {
		return;
	}
	end = get_u32(&data[12]);
	if (end > size) {
		end = (uint32_t)size;
	}
	put_u32(&data[24], crc32(&data[HEADER], end > HEADER ? end - HEADER : 0));
	put_u32(&data[28], crc32(data, 28));
}
