/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The cycle counter is not to be trusted by itself: it stands still while the processor sleeps
 * (WFI), wraps after a minute at 64 MHz, and is switched off by a debugger that leaves. The
 * kernel's clock does none of that, but on many boards it is a slow one that goes on in sleep: 30.5
 * us a cycle on an nRF52840. So both are read, and the counter's word is taken where it agrees with
 * the kernel's.
 */

#include <stdbool.h>

#include <zephyr/kernel.h>
#include <zephyr/timing/timing.h>

#include "measure/stopwatch.h"

#if defined(CONFIG_TOCSIN_CYCLE_COUNTER)
#include <cmsis_core.h>

/* The processor's oscillator may be some per cent off (an nRF52840's without its crystal). */
#define TOLERANCE 8 /* that is an eighth */
/* Either reading of the kernel's clock may be late by a cycle. */
#define SLACK     2

static uint32_t count(void)
{
	/* pyOCD switches tracing off, and with it the counter, some time after a reset. */
	if ((CoreDebug->DEMCR & CoreDebug_DEMCR_TRCENA_Msk) == 0) {
		arch_timing_init();
	}
	return (uint32_t)timing_counter_get();
}

struct stopwatch stopwatch_start(void)
{
	const uint32_t kernel = k_cycle_get_32();

	return (struct stopwatch){.kernel = kernel, .core = count()};
}

static uint64_t core_of(uint64_t kernel_cycles)
{
	return kernel_cycles * stopwatch_hz() / CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC;
}

uint32_t stopwatch_cycles(const struct stopwatch *start)
{
	const uint32_t core = count() - start->core;
	const uint64_t kernel = core_of((uint32_t)(k_cycle_get_32() - start->kernel));
	const uint64_t apart = kernel > core ? kernel - core : core - kernel;
	const bool agreed = apart <= kernel / TOLERANCE + core_of(SLACK);

	return agreed ? core : (uint32_t)MIN(kernel, UINT32_MAX);
}

uint32_t stopwatch_hz(void)
{
	return (uint32_t)timing_freq_get();
}

#else

struct stopwatch stopwatch_start(void)
{
	return (struct stopwatch){.kernel = k_cycle_get_32()};
}

uint32_t stopwatch_cycles(const struct stopwatch *start)
{
	return k_cycle_get_32() - start->kernel;
}

uint32_t stopwatch_hz(void)
{
	return CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC;
}

#endif /* CONFIG_TOCSIN_CYCLE_COUNTER */

uint32_t stopwatch_cycles_of(uint32_t frames, uint32_t rate)
{
	return (uint32_t)MIN((uint64_t)frames * stopwatch_hz() / rate, UINT32_MAX);
}

uint32_t stopwatch_us(uint32_t cycles)
{
	const uint32_t hz = stopwatch_hz();

	return (uint32_t)MIN(((uint64_t)cycles * USEC_PER_SEC + hz / 2) / hz, UINT32_MAX);
}
