/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A random count in FEAT makes WIND, SINE, BAND, NORM and the model the wrong size, and the parser
 * says so at once. What lies behind those checks is reached by bundles whose sizes agree, so here
 * they are made to agree.
 */

#include <string.h>

#include "fuzz_bundle.h"

#define MEND_MAX (64u << 10) /* bytes a section is let grow to */

static uint32_t get_u32(const struct draft_section *section, size_t at)
{
	uint32_t value;

	memcpy(&value, &section->data[at], sizeof(value));
	return value;
}

static uint32_t ones(uint32_t bits)
{
	return (uint32_t)__builtin_popcount(bits);
}

static void fit(struct draft *draft, const char *type, uint64_t size)
{
	struct draft_section *section = draft_find(draft, type);

	if (section != NULL && size <= MEND_MAX) {
		draft_resize(section, (size_t)size);
	}
}

static void mend_tables(struct draft *draft, struct draft_section *feat)
{
	const uint32_t frame_length = get_u32(feat, 0);
	const uint32_t n_bands = get_u32(feat, 20);
	struct draft_section *band = draft_find(draft, "BAND");
	uint32_t n_weights = 0;

	fit(draft, "WIND", UINT64_C(4) * (frame_length / 2 + 1));
	fit(draft, "SINE", UINT64_C(4) * get_u32(feat, 16));
	if (band == NULL || n_bands > 256) {
		return;
	}
	if (band->size < 4 * n_bands) {
		draft_resize(band, 4 * n_bands);
	}
	for (uint32_t i = 0; i < n_bands; i++) {
		n_weights += get_u32(band, 4 * i) >> 16;
	}
	draft_put_u32(feat, 40, n_weights);
	fit(draft, "BAND", UINT64_C(4) * (n_bands + n_weights));
}

static void mend_model(struct draft *draft, const char *type, uint32_t dim)
{
	struct draft_section *section = draft_find(draft, type);
	const int mixture = strcmp(type, "GMMX") == 0;
	uint64_t values = dim;

	if (section == NULL || section->size < 16) {
		return;
	}
	draft_put_u32(section, 4, dim);
	if (strcmp(type, "KMNS") != 0) {
		values += get_u32(section, 8) == 2 ? (uint64_t)dim * (dim + 1) / 2 : dim;
		values += mixture ? 1 : 0;
	}
	fit(draft, type, 16 + 4 * values * (get_u32(section, 0) & 0x1FF));
}

void mend_bundle(struct draft *draft)
{
	struct draft_section *sens = draft_find(draft, "SENS");
	struct draft_section *feat = draft_find(draft, "FEAT");
	struct draft_section *aenc = draft_find(draft, "AENC");
	uint32_t pool;
	uint64_t dim;

	if (sens == NULL || feat == NULL || sens->size != 16 || feat->size != 48) {
		return;
	}
	mend_tables(draft, feat);
	pool = get_u32(feat, 28);
	dim = (uint64_t)(get_u32(sens, 8) & 3) *
	      (ones(get_u32(feat, 8)) + (get_u32(feat, 20) & 0xFF)) *
	      ((pool & 1 ? get_u32(feat, 32) & 0xFFF : 0) + ones(pool & 14));
	if (dim > 4096) {
		return;
	}
	fit(draft, "NORM", 8 * dim);
	mend_model(draft, "KMNS", (uint32_t)dim);
	mend_model(draft, "GMMX", (uint32_t)dim);
	mend_model(draft, "MAHA", (uint32_t)dim);
	if (aenc != NULL && aenc->size == 32) {
		draft_put_u32(aenc, 16, (uint32_t)dim);
	}
}
