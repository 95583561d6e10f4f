/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "measure.h"

#define NS_A_CYCLE (1000000000u / CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC)

static void nothing(void *ctx)
{
	ARG_UNUSED(ctx);
}

static uint64_t elapsed(void (*run)(void *ctx), void *ctx, uint32_t times)
{
	const uint32_t start = k_cycle_get_32();

	for (uint32_t i = 0; i < times; i++) {
		run(ctx);
	}

	const uint32_t cycles = k_cycle_get_32() - start;

	return (uint64_t)cycles * NS_A_CYCLE;
}

uint32_t bench_count(void (*run)(void *ctx), void *ctx, uint32_t times)
{
	uint64_t with;
	uint64_t without;

	run(ctx); /* what a first call prepares is not counted */
	with = elapsed(run, ctx, times);
	without = elapsed(nothing, NULL, times);
	return (uint32_t)((with - without + times / 2) / times);
}

void bench_print(const char *name, uint32_t value)
{
	printk("bench %s %u\n", name, value);
}
