/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Whatever happens between a stream, a device and a desk, in whatever order, the desk gets no wrong
 * sample and every gap is true (the model of tests/c/support); and at the end, over a good wire, it
 * gets all the rest. The first byte chooses channels and the size of the buffer; then come
 * operations of three bytes each: what, and how much.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "record_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *fault, int operation)
{
	if (fault != NULL) {
		fprintf(stderr, "operation %d: %s\n", operation, fault);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record_model model;
	size_t bytes;
	void *mem;

	if (size < 1 || size > 3000) {
		return 0;
	}
	bytes = (size_t)12 << (data[0] / 3 % 10);
	mem = malloc(bytes);
	record_model_init(&model, mem, bytes, 1 + data[0] % 3);
	for (size_t i = 1; i + 2 < size; i += 3) {
		const int operation = data[i] % RECORD_OPERATIONS;

		check(record_model_step(&model, operation, data[i + 1] | data[i + 2] << 8),
		      operation);
	}
	check(record_model_finish(&model), RECORD_OPERATIONS);
	free(mem);
	return 0;
}
