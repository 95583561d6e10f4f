/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* CMSIS-DSP's parts of a log-mel frame of 1024 points, to compare with. */

#include <arm_math.h>

#include "cmsis_dsp.h"
#include "measure.h"

#define POINTS 1024

static float32_t samples[POINTS];
static float32_t window[POINTS];
static float32_t spectrum[POINTS];
static arm_rfft_fast_instance_f32 rfft;

static void run_window(void *ctx)
{
	(void)ctx;
	arm_mult_f32(samples, window, spectrum, POINTS);
}

static void run_rfft(void *ctx)
{
	(void)ctx;
	arm_rfft_fast_f32(&rfft, samples, spectrum, 0);
}

static void run_power(void *ctx)
{
	(void)ctx;
	arm_cmplx_mag_squared_f32(spectrum, samples, POINTS / 2);
}

void cmsis_dsp_measure(void)
{
	for (uint32_t i = 0; i < POINTS; i++) {
		samples[i] = (float32_t)(i % 17) - 8.0f;
		window[i] = 0.5f;
	}
	(void)arm_rfft_fast_init_1024_f32(&rfft);
	bench_print("cmsis_dsp_window", bench_count(run_window, NULL, 20));
	bench_print("cmsis_dsp_rfft", bench_count(run_rfft, NULL, 20));
	bench_print("cmsis_dsp_power", bench_count(run_power, NULL, 20));
}
