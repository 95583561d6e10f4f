/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "decimal.h"

const char *decimal(int64_t value, char *text)
{
	uint64_t rest = value < 0 ? (uint64_t)-value : (uint64_t)value;
	char *at = &text[DECIMAL_SIZE - 1];

	*at = '\0';
	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0) {
		*--at = '-';
	}
	return at;
}
