/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief 64-bit numbers for the log and the shell, whose printf knows 32 bits: 6 KB less of flash.
 */

#ifndef TOCSIN_APP_DECIMAL_H_
#define TOCSIN_APP_DECIMAL_H_

#include <stdint.h>

/** Characters that decimal() needs, the terminator included. */
#define DECIMAL_SIZE 21

/**
 * @brief Write a number.
 * @param value above INT64_MIN
 * @param text  DECIMAL_SIZE characters, the caller's
 * @return where it begins in @p text
 */
const char *decimal(int64_t value, char *text);

/** The text of a number, for as long as the block around it lasts; for an argument of "%s". */
#define DECIMAL(value) decimal((int64_t)(value), (char[DECIMAL_SIZE]){0})

#endif /* TOCSIN_APP_DECIMAL_H_ */
