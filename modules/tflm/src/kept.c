/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * See kept.h. Rows have places in a circle. A window begins `slide` places further than the last
 * one did, so a row that slid is in its place already, and nothing is moved. In every place lie a
 * row and what the layer makes of it, from whatever window.
 */

#include "int8.h"
#include "kept.h"

static bool same(const int8_t *a, const int8_t *b, uint32_t n)
{
	uint32_t i = 0;

	for (; n - i >= TOCSIN_INT8_WORD; i += TOCSIN_INT8_WORD) {
		if (tocsin_int8_load(a + i) != tocsin_int8_load(b + i)) {
			return false;
		}
	}
	for (; i < n; i++) {
		if (a[i] != b[i]) {
			return false;
		}
	}
	return true;
}

/* memcpy() of a C library for small machines may well go byte by byte, four instructions each. */
static void copy(int8_t *to, const int8_t *from, uint32_t n)
{
	for (; n >= TOCSIN_INT8_WORD; n -= TOCSIN_INT8_WORD) {
		memcpy(to, from, TOCSIN_INT8_WORD); /* of a known size: no call */
		to += TOCSIN_INT8_WORD;
		from += TOCSIN_INT8_WORD;
	}
	for (; n > 0; n--) {
		*to++ = *from++;
	}
}

static uint32_t place_of(const struct tocsin_kept *kept, uint32_t row)
{
	const uint32_t place = kept->first + row;

	return place < kept->rows ? place : place - kept->rows;
}

void tocsin_kept_init(struct tocsin_kept *kept, uint32_t rows, uint32_t slide, uint32_t n_in,
		      uint32_t n_out, int8_t *mem)
{
	*kept = (struct tocsin_kept){
		.rows = rows,
		.slide = slide,
		.n_in = n_in,
		.n_out = n_out,
		.inputs = mem,
		.outputs = mem + (size_t)rows * n_in,
	};
}

void tocsin_kept_begin(struct tocsin_kept *kept)
{
	kept->first = place_of(kept, kept->slide);
}

bool tocsin_kept_find(const struct tocsin_kept *kept, uint32_t row, const int8_t *input,
		      int8_t *output)
{
	const size_t place = place_of(kept, row);

	if (kept->filled < kept->rows ||
	    !same(input, kept->inputs + place * kept->n_in, kept->n_in)) {
		return false;
	}
	copy(output, kept->outputs + place * kept->n_out, kept->n_out);
	return true;
}

void tocsin_kept_put(struct tocsin_kept *kept, uint32_t row, const int8_t *input,
		     const int8_t *output)
{
	const size_t place = place_of(kept, row);

	copy(kept->inputs + place * kept->n_in, input, kept->n_in);
	copy(kept->outputs + place * kept->n_out, output, kept->n_out);
	kept->filled += kept->filled < kept->rows ? 1 : 0;
}
