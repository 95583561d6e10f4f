/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * No bytes make the parser read outside of them, and a bundle that it accepts can be run: whatever
 * its values, the stages stay inside their memory and their arithmetic is defined.
 */

#include <stdlib.h>
#include <string.h>

#include "fuzz_bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = aligned_copy(data, size);
	struct tocsin_bundle before;
	struct tocsin_bundle bundle;
	int err;

	memset(&bundle, 0xA5, sizeof(bundle));
	memset(&before, 0xA5, sizeof(before));
	err = tocsin_bundle_parse(&bundle, copy, size);
	if (err == 0) {
		if (bundle.size > size) {
			abort();
		}
		run_bundle(&bundle, bundle.crc);
	} else if (memcmp(&bundle, &before, sizeof(bundle)) != 0) {
		abort();
	}
	free(copy);
	return 0;
}
