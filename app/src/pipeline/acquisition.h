/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Between acquisition's thread and how it reads a live source. Only that thread calls.
 */

#ifndef TOCSIN_APP_PIPELINE_ACQUISITION_H_
#define TOCSIN_APP_PIPELINE_ACQUISITION_H_

#include <stdbool.h>

#include <zephyr/kernel.h>

#include <tocsin/source.h>

/** How long a read waits: so soon a stream that is told to end does, at the latest. */
#define ACQUISITION_PATIENCE K_MSEC(100)

/** @brief Whether the stream shall go on. */
bool acquisition_goes_on(void);

/** @brief Sleep, but not past the stream's end. */
void acquisition_wait(k_timeout_t timeout);

/** @brief Put a block into the ring, first what was lost before it. */
void acquisition_take(const struct tocsin_source_block *block);

/** @brief The next @p frames are missing; @p slept of them on purpose. */
void acquisition_skip(uint64_t frames, uint64_t slept);

/** @brief Read a live source until the stream shall end, whatever the source does. */
void live_run(const struct device *source, const struct tocsin_source_format *format);

#endif /* TOCSIN_APP_PIPELINE_ACQUISITION_H_ */
