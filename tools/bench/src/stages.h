/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_BENCH_STAGES_H_
#define TOCSIN_BENCH_STAGES_H_

#include <stddef.h>
#include <stdint.h>

/**
 * @brief Measure the stages of one bundle and print a line for each, its name behind @p number.
 * @param data 16-byte aligned
 * @return bytes of the bundle, or 0 where it cannot be run
 */
size_t stages_measure(int number, const void *data, size_t size);

#endif /* TOCSIN_BENCH_STAGES_H_ */
