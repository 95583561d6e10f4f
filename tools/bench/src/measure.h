/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Count the instructions of a function on an emulator whose clock counts them.
 *
 * QEMU with `-icount shift=0` lets a nanosecond of its virtual time pass for each instruction. The
 * hardware clock of the board ticks every 40 ns, so many calls are measured together. The kernel's
 * timer interrupt, every few milliseconds, is counted with them: a few hundred instructions.
 */

#ifndef TOCSIN_BENCH_MEASURE_H_
#define TOCSIN_BENCH_MEASURE_H_

#include <stdint.h>

/**
 * @brief Instructions of one call, without those of calling it.
 * @param run   what to measure; called times + 1 times
 * @param ctx   given to it
 * @param times calls that are measured together; all of them must take less than half a second of
 * virtual time
 */
uint32_t bench_count(void (*run)(void *ctx), void *ctx, uint32_t times);

/** @brief Print a line that tools/bench.py reads: `bench NAME VALUE`. */
void bench_print(const char *name, uint32_t value);

#endif /* TOCSIN_BENCH_MEASURE_H_ */
