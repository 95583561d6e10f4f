/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief How long something takes, by the finest clock that there is.
 *
 * That is the kernel's, or with CONFIG_TOCSIN_CYCLE_COUNTER the processor's cycle counter, where
 * the kernel's confirms what it says.
 */

#ifndef TOCSIN_APP_MEASURE_STOPWATCH_H_
#define TOCSIN_APP_MEASURE_STOPWATCH_H_

#include <stdint.h>

/** A moment. */
struct stopwatch {
	uint32_t kernel; /**< the kernel's clock */
#if defined(CONFIG_TOCSIN_CYCLE_COUNTER)
	uint32_t core; /**< the cycle counter */
#endif
};

/** @brief Now. Any thread or interrupt. */
struct stopwatch stopwatch_start(void);

/** @brief Cycles of the clock since @p start; UINT32_MAX for that many or more. Any thread or
 * interrupt. */
uint32_t stopwatch_cycles(const struct stopwatch *start);

/** @brief Cycles of the clock in a second. */
uint32_t stopwatch_hz(void);

/** @brief Cycles that @p frames take at @p rate Hz; UINT32_MAX for that many or more. */
uint32_t stopwatch_cycles_of(uint32_t frames, uint32_t rate);

/** @brief Cycles in microseconds, rounded. */
uint32_t stopwatch_us(uint32_t cycles);

#endif /* TOCSIN_APP_MEASURE_STOPWATCH_H_ */
