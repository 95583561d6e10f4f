/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <float.h>
#include <stdbool.h>

#include "measure/decimal.h"

/* Four digits are what a threshold is known to, and what a person keeps in mind. */
#define DIGITS_MIN 1000.0f
#define DIGITS_MAX 9999.5f

/* Up to here a whole number is written out; behind so many zeros no fraction is. */
#define WHOLE_MAX  1e9f
#define PLACES_MAX 6

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

/* Ends at @p at; the last @p places digits are a fraction, whose zeros at the end say nothing. */
static char *put_digits(char *at, uint32_t digits, int places)
{
	while (places > 0 && digits % 10 == 0) {
		digits /= 10;
		places--;
	}
	for (int i = 0; digits > 0 || i <= places; i++) {
		if (i == places && i > 0) {
			*--at = '.';
		}
		*--at = (char)('0' + digits % 10);
		digits /= 10;
	}
	return at;
}

static char *put_exponent(char *at, int exponent)
{
	at = put_digits(at, (uint32_t)(exponent < 0 ? -exponent : exponent), 0);
	*--at = exponent < 0 ? '-' : '+';
	*--at = 'e';
	return at;
}

const char *decimal_score(float value, char *text)
{
	const bool negative = value < 0.0f;
	char *at = &text[DECIMAL_SIZE - 1];
	float size = negative ? -value : value;
	int places = 0;

	if (!(size <= FLT_MAX)) {
		return size > 0.0f ? negative ? "-inf" : "inf" : "-";
	}
	if (size == 0.0f || (size >= DIGITS_MIN && size < WHOLE_MAX)) {
		return decimal((int64_t)(value + (negative ? -0.5f : 0.5f)), text);
	}
	for (; size < DIGITS_MIN; size *= 10.0f) {
		places++;
	}
	for (; size >= DIGITS_MAX; size /= 10.0f) {
		places--;
	}
	*at = '\0';
	if (places > PLACES_MAX || places < 0) {
		at = put_exponent(at, 3 - places);
		places = 3;
	}
	at = put_digits(at, (uint32_t)(size + 0.5f), places);
	if (negative) {
		*--at = '-';
	}
	return at;
}

static char *put_sixtieths(char *at, uint32_t count)
{
	*--at = (char)('0' + count % 10);
	*--at = (char)('0' + count / 10 % 6);
	*--at = ':';
	return at;
}

const char *decimal_time(uint64_t index, uint32_t sample_rate, char *text)
{
	const uint64_t seconds = index / sample_rate;
	const uint64_t hours = seconds / 3600;
	const uint32_t rest = (uint32_t)(seconds % 3600);
	char *at = &text[DECIMAL_SIZE - 1];

	*at = '\0';
	*--at = (char)('0' + index % sample_rate * 10 / sample_rate);
	*--at = '.';
	at = put_sixtieths(at, rest);
	at = put_sixtieths(at, rest / 60);
	return put_digits(at, (uint32_t)(hours < UINT32_MAX ? hours : UINT32_MAX), 0);
}
