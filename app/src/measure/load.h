/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief How busy the processor is, and how much of their stacks the threads have used.
 *
 * Load is time in threads other than idle; interrupts count to the thread that they interrupt. On
 * native_sim, where computing takes no time, it is 0.
 */

#ifndef TOCSIN_APP_MEASURE_LOAD_H_
#define TOCSIN_APP_MEASURE_LOAD_H_

#include <stddef.h>
#include <stdint.h>

/** Load in thousandths. */
struct load {
	uint32_t recent; /**< since it was asked for the time before, at least a second */
	uint32_t boot;   /**< since the boot */
};

/** A thread. */
struct load_thread {
	const char *name;
	size_t size; /**< of its stack, bytes */
	size_t used; /**< the most that ever was */
};

/** Called for each thread. */
typedef void (*load_thread_t)(const struct load_thread *thread, void *user_data);

/** @brief The processor's load. Any thread. */
struct load load_get(void);

/** @brief Visit all threads, and the interrupts' stack as if it were one; must not create or end
 * one. */
void load_foreach_thread(load_thread_t visit, void *user_data);

#endif /* TOCSIN_APP_MEASURE_LOAD_H_ */
