/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/kernel_structs.h>

#include "measure/load.h"

K_KERNEL_STACK_ARRAY_DECLARE(z_interrupt_stacks, CONFIG_MP_MAX_NUM_CPUS, CONFIG_ISR_STACK_SIZE);

/* Time in threads, and time, both in cycles since the boot. */
struct reading {
	uint64_t busy;
	uint64_t now;
};

static struct reading last;
static uint32_t recent;
static struct k_spinlock lock;

static struct reading read_now(void)
{
	k_thread_runtime_stats_t all;

	(void)k_thread_runtime_stats_all_get(&all);
	/* The kernel's own sum of idle time overflows when tickless idle outlasts its 32 bits. */
	return (struct reading){
		.busy = all.total_cycles,
		.now = k_ticks_to_cyc_near64((uint64_t)k_uptime_ticks()),
	};
}

static uint32_t share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (uint32_t)MIN(part * 1000 / whole, 1000) : 0;
}

struct load load_get(void)
{
	const struct reading now = read_now();
	struct load load = {.boot = share(now.busy, now.now)};

	K_SPINLOCK(&lock)
	{
		if (now.now - last.now >= CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC) {
			recent = share(now.busy - last.busy, now.now - last.now);
			last = now;
		}
		load.recent = recent;
	}
	return load;
}

struct visit {
	load_thread_t visit;
	void *user_data;
};

static void look_at(const struct k_thread *thread, void *user_data)
{
	const struct visit *visit = user_data;
	size_t unused;

	if (k_thread_stack_space_get(thread, &unused) == 0) {
		const struct load_thread seen = {
			.name = k_thread_name_get((k_tid_t)thread),
			.size = thread->stack_info.size,
			.used = thread->stack_info.size - unused,
		};

		visit->visit(&seen, visit->user_data);
	}
}

/* Interrupts share one stack, which is no thread's. */
static void look_at_interrupts(const struct visit *visit)
{
	const uint8_t *stack = K_KERNEL_STACK_BUFFER(z_interrupt_stacks[0]);
	size_t unused = 0;

	/* As CONFIG_INIT_STACKS fills it. */
	while (unused < CONFIG_ISR_STACK_SIZE && stack[unused] == 0xaa) {
		unused++;
	}

	const struct load_thread seen = {
		.name = "interrupts",
		.size = CONFIG_ISR_STACK_SIZE,
		.used = CONFIG_ISR_STACK_SIZE - unused,
	};

	visit->visit(&seen, visit->user_data);
}

void load_foreach_thread(load_thread_t visit, void *user_data)
{
	struct visit both = {visit, user_data};

	/* Unlocked: threads here never end, and looking through their stacks takes a while. */
	k_thread_foreach_unlocked(look_at, &both);
	if (!IS_ENABLED(CONFIG_ARCH_POSIX)) { /* there the host's stack serves */
		look_at_interrupts(&both);
	}
}
