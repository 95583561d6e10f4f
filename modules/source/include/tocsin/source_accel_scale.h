/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief From acceleration in µm/s² to int16 digits of a bundle's scale. No Zephyr.
 */

#ifndef TOCSIN_SOURCE_ACCEL_SCALE_H_
#define TOCSIN_SOURCE_ACCEL_SCALE_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A scale, prepared. */
struct tocsin_accel_scale {
	int64_t digits; /* a µm/s², in 2^-40 */
	int64_t limit;  /* µm/s² beyond which every digit is saturated */
};

/**
 * @brief Prepare a scale.
 * @param g g a digit; > 0, finite (as a bundle's scale is)
 */
void tocsin_accel_scale_init(struct tocsin_accel_scale *scale, float g);

/** @brief @p um_s2 in digits, rounded to the nearest (halves up), saturated to int16. */
int16_t tocsin_accel_scale_digit(const struct tocsin_accel_scale *scale, int64_t um_s2);

/**
 * @brief A range of sensors (2, 4, 8, 16, 32, …) that holds all that a scale can tell.
 * @param g g a digit
 * @return g: the smallest power of two, at least 2, that is not below 32768 · @p g by more than
 *         1 %; 0 where that is above 1024
 */
uint32_t tocsin_accel_scale_range(float g);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SOURCE_ACCEL_SCALE_H_ */
