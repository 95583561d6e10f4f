/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_BUNDLE_INTERNAL_H_
#define TOCSIN_BUNDLE_INTERNAL_H_

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <tocsin/bundle.h>

/* The sections this version knows; those of the model from KMNS to TFLM. */
enum section_id {
	SECTION_SENS,
	SECTION_FEAT,
	SECTION_WIND,
	SECTION_SINE,
	SECTION_BAND,
	SECTION_NORM,
	SECTION_KMNS,
	SECTION_GMMX,
	SECTION_MAHA,
	SECTION_NNBR,
	SECTION_AENC,
	SECTION_NETW,
	SECTION_CMBN,
	SECTION_TFLM,
	SECTION_DECD,
	SECTION_DUTY,
	SECTION_SLID,
	SECTION_META,
	SECTION_COUNT,
};

/* A section's bytes, 16-byte aligned; `data` is NULL where the bundle has none of that type. */
struct section {
	const uint8_t *data;
	uint32_t size;
};

static inline bool section_given(const struct section *section)
{
	return section->data != NULL;
}

static inline bool section_has_size(const struct section *section, uint64_t size)
{
	return section->data != NULL && section->size == size;
}

/* The bytes are little-endian, and so is every machine this is built for (see container.c). */
static inline uint32_t get_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline int32_t get_i32(const uint8_t *at)
{
	int32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline float get_f32(const uint8_t *at)
{
	float value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Only for places that the format aligns: sections begin at multiples of 16, tables at multiples
 * of 4 within them. */
static inline const float *get_floats(const uint8_t *at)
{
	return (const float *)(const void *)at;
}

/*
 * Check header and section table and find the known sections.
 * Fills the header's fields of `bundle` and all of `sections`.
 * Returns 0 or what tocsin_bundle_parse() answers.
 */
int tocsin_bundle_open(struct tocsin_bundle *bundle, struct section sections[SECTION_COUNT],
		       const uint8_t *data, size_t size);

/*
 * Read the sections into the configurations of `bundle`, all values checked.
 * Returns 0 or -EILSEQ.
 */
int tocsin_bundle_read_features(struct tocsin_bundle *bundle, const struct section *sections);
int tocsin_bundle_read_model(struct tocsin_bundle *bundle, const struct section *sections);
int tocsin_bundle_read_decision(struct tocsin_bundle *bundle, const struct section *sections);
int tocsin_bundle_read_duty(struct tocsin_bundle *bundle, const struct section *sections);
int tocsin_bundle_read_slide(struct tocsin_bundle *bundle, const struct section *sections);

#endif /* TOCSIN_BUNDLE_INTERNAL_H_ */
