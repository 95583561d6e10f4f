/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A writer of bundles after docs/reference/bundle.md, for tests and fuzzers: it writes whatever it
 * is told to, and gets the checksums right. It shares no code with modules/bundle.
 */

#ifndef TOCSIN_TEST_BUNDLE_WRITER_H_
#define TOCSIN_TEST_BUNDLE_WRITER_H_

#include <stddef.h>
#include <stdint.h>

#define DRAFT_SECTIONS_MAX 40

/* A section's contents, owned by the draft. */
struct draft_section {
	char type[5];
	uint8_t *data;
	size_t size;
};

struct draft {
	uint16_t major;
	uint16_t minor;
	uint32_t feature_version;
	size_t n;
	struct draft_section sections[DRAFT_SECTIONS_MAX];
};

void draft_init(struct draft *draft);
void draft_free(struct draft *draft);

/* Append a section; `data` is copied, or the section is zero where it is NULL. */
struct draft_section *draft_add(struct draft *draft, const char *type, const void *data,
				size_t size);

/* NULL where there is none. */
struct draft_section *draft_find(struct draft *draft, const char *type);

void draft_remove(struct draft *draft, const char *type);

/* Give a section another size: cut, or filled with zeros. */
void draft_resize(struct draft_section *section, size_t size);

/* Little-endian access to a section's contents. */
void draft_put_u32(struct draft_section *section, size_t at, uint32_t value);
void draft_put_f32(struct draft_section *section, size_t at, float value);

/* Bytes of the bundle. */
size_t draft_size(const struct draft *draft);

/* Write it to draft_size() bytes. */
void draft_write(const struct draft *draft, uint8_t *out);

/* The same to memory of exactly that size, aligned to 16 bytes; free() it. */
uint8_t *draft_emit(const struct draft *draft, size_t *size);

/* A copy aligned to 16 bytes, exactly as long, so that a sanitizer sees a byte too far; free() it.
 */
uint8_t *aligned_copy(const void *data, size_t size);

/* Make both checksums right again. A size field that reaches past `size` is taken to be `size`. */
void bundle_fix_crcs(uint8_t *data, size_t size);

#endif /* TOCSIN_TEST_BUNDLE_WRITER_H_ */
