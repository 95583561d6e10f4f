/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Work of a thread that is long and can wait: looking through a bundle, erasing flash.
 *
 * Below features, or the ring would have to hold the samples of all that time; above the detector,
 * as a device whose detector is too much for it must still take another one.
 */

#ifndef TOCSIN_APP_BUNDLES_BACKGROUND_H_
#define TOCSIN_APP_BUNDLES_BACKGROUND_H_

#include <zephyr/kernel.h>

/** @brief From here on, the running thread may be interrupted by features. @return for
 * background_end() */
static inline int background_begin(void)
{
	const int priority = k_thread_priority_get(k_current_get());

	k_thread_priority_set(k_current_get(), CONFIG_TOCSIN_BACKGROUND_PRIORITY);
	return priority;
}

/** @brief The running thread has its own priority again. */
static inline void background_end(int priority)
{
	k_thread_priority_set(k_current_get(), priority);
}

#endif /* TOCSIN_APP_BUNDLES_BACKGROUND_H_ */
