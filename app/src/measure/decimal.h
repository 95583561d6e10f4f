/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Numbers for people: what the log and the shell show, whose printf knows neither 64 bits
 * nor floats (10 KB less of flash).
 */

#ifndef TOCSIN_APP_MEASURE_DECIMAL_H_
#define TOCSIN_APP_MEASURE_DECIMAL_H_

#include <stdint.h>

/** Characters that each function here needs, the terminator included. */
#define DECIMAL_SIZE 21

/**
 * @brief Write a number.
 * @param value above INT64_MIN
 * @param text  DECIMAL_SIZE characters, the caller's
 * @return where it begins in @p text
 */
const char *decimal(int64_t value, char *text);

/**
 * @brief Write a score or a threshold, to four digits or the whole number: "7.213", "0.042",
 * "158118", "1.2e+12".
 * @param value any float
 * @param text  DECIMAL_SIZE characters, the caller's
 * @return where it begins in @p text
 */
const char *decimal_score(float value, char *text);

/**
 * @brief Write the time of a sample since its stream began: "0:12:34.5", in hours.
 * @param index       of the frame
 * @param sample_rate Hz, not 0
 * @param text        DECIMAL_SIZE characters, the caller's
 * @return where it begins in @p text
 */
const char *decimal_time(uint64_t index, uint32_t sample_rate, char *text);

/** The texts of these, for as long as the block around them lasts; for an argument of "%s". */
#define DECIMAL(value)    decimal((int64_t)(value), (char[DECIMAL_SIZE]){0})
#define SCORE(value)      decimal_score(value, (char[DECIMAL_SIZE]){0})
#define TIME(index, rate) decimal_time(index, rate, (char[DECIMAL_SIZE]){0})

#endif /* TOCSIN_APP_MEASURE_DECIMAL_H_ */
