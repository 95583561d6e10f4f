/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_TEST_CHECKSUM_H_
#define TOCSIN_TEST_CHECKSUM_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* FNV-1a, 32 bits, over floats as little-endian binary32; NaNs count as one. */
static inline uint32_t checksum_floats(uint32_t hash, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &x[i], sizeof(bits));
		if ((bits & 0x7fffffffu) > 0x7f800000u) {
			bits = 0x7fc00000u;
		}
		for (int byte = 0; byte < 4; byte++) {
			hash = (hash ^ ((bits >> (8 * byte)) & 0xff)) * 16777619u;
		}
	}
	return hash;
}

#define CHECKSUM_INIT 2166136261u

#endif /* TOCSIN_TEST_CHECKSUM_H_ */
