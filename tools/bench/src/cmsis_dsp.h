/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_BENCH_CMSIS_DSP_H_
#define TOCSIN_BENCH_CMSIS_DSP_H_

/** @brief Measure CMSIS-DSP's parts and print a line for each. */
void cmsis_dsp_measure(void);

#endif /* TOCSIN_BENCH_CMSIS_DSP_H_ */
