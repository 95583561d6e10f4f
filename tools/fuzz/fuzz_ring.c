/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Any sequence of calls on a ring agrees with the model of tests/c/support. The first two bytes
 * choose capacity, channels and whether the 32-bit positions are about to wrap; then come calls of
 * two bytes each: what, and how much. A burst is many short gaps in a row, which single calls would
 * hardly ever be.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <tocsin/ring.h>

#include "ring_model.h"

#define BURST RING_OPERATIONS

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void step(struct ring_model *model, struct tocsin_ring *ring, enum ring_operation operation,
		 uint64_t count)
{
	const char *fault = ring_model_step(model, ring, operation, count);

	if (fault != NULL) {
		fprintf(stderr, "operation %d, count %llu: %s differs\n", operation,
			(unsigned long long)count, fault);
		abort();
	}
}

/* 0 to a bit more than the capacity; for skips also far beyond 32 bits. */
static uint64_t amount(enum ring_operation operation, uint8_t byte, uint32_t capacity)
{
	if (operation == RING_SKIP) {
		return (uint64_t)(byte & 15) << (3 * (byte >> 4));
	}
	return (uint64_t)byte * (capacity + 2) / 250;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tocsin_ring ring;
	struct ring_model model;
	uint32_t capacity;
	uint32_t channels;
	size_t bytes;
	void *mem;

	if (size < 2) {
		return 0;
	}
	capacity = UINT32_C(2) << (data[0] % 9);
	channels = 1 + data[0] / 9 % 3;
	bytes = tocsin_ring_needed_size(capacity, channels);
	mem = malloc(bytes);
	if (tocsin_ring_init(&ring, capacity, channels, mem, bytes) != 0) {
		abort();
	}
	ring.head = UINT32_MAX - data[1];
	ring.tail = UINT32_MAX - data[1];
	ring.gap_head = UINT32_MAX - data[1] % 16;
	ring.gap_tail = UINT32_MAX - data[1] % 16;
	ring_model_init(&model, capacity);

	for (size_t i = 2; i + 1 < size; i += 2) {
		const int operation = data[i] % (RING_OPERATIONS + 1);

		for (int n = 0; operation == BURST && n < data[i + 1] % 16; n++) {
			step(&model, &ring, RING_SKIP, 1);
			step(&model, &ring, RING_WRITE, 1);
		}
		if (operation != BURST) {
			step(&model, &ring, operation, amount(operation, data[i + 1], capacity));
		}
	}
	free(mem);
	return 0;
}
