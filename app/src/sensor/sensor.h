/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief How the live sensor is: judged here, kept for whoever asks, told as outcomes.
 *
 * Acquisition's thread alone calls sensor_begin(), sensor_heard(), sensor_silent(),
 * sensor_restarted() and sensor_end(); none of them waits. The others may be called by any thread.
 */

#ifndef TOCSIN_APP_SENSOR_SENSOR_H_
#define TOCSIN_APP_SENSOR_SENSOR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/source.h>
#include <tocsin/source_health.h>

/** What is known of the live sensor. Indices are of the running stream. */
struct sensor_state {
	enum tocsin_source_condition condition;
	uint64_t since;           /**< index at which the condition began, unless it is OK */
	uint32_t faults;          /**< conditions other than OK begun since the boot */
	uint32_t restarts;        /**< times the source was started again, since the boot */
	uint32_t rate_millihertz; /**< measured against the clock; 0 where not yet */
};

/** @brief A live stream begins. */
void sensor_begin(const struct tocsin_source_format *format);

/**
 * @brief Samples have come.
 * @param index   index of the first
 * @param samples interleaved
 * @param frames  at least 1
 */
void sensor_heard(uint64_t index, const int16_t *samples, size_t frames);

/**
 * @brief No samples come.
 * @param condition why: ABSENT, FAILED or STALLED
 * @param index     index of the next sample
 */
void sensor_silent(enum tocsin_source_condition condition, uint64_t index);

/** @brief The source was stopped and started again: its clock is measured afresh. */
void sensor_restarted(bool after_a_fault);

/** @brief The live stream is over; with it, all that was known of the sensor. */
void sensor_end(uint64_t index);

/** @brief A copy of what is known. */
void sensor_get(struct sensor_state *state);

/** @brief Whether a window that begins at @p begin may hold samples of a sensor with a fault. */
bool sensor_in_fault(uint64_t begin);

#endif /* TOCSIN_APP_SENSOR_SENSOR_H_ */
