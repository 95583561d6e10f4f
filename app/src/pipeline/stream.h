/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The running stream: whether it shall go on, and what is put into the ring.
 *
 * Acquisition's thread alone calls, but for stream_start() and stream_stop(), which are control's.
 */

#ifndef TOCSIN_APP_PIPELINE_STREAM_H_
#define TOCSIN_APP_PIPELINE_STREAM_H_

#include <stdbool.h>
#include <stdint.h>

#include <zephyr/kernel.h>

#include <tocsin/link.h>
#include <tocsin/source.h>

/** How long a read waits: a stream that is told to end does so within this. */
#define STREAM_READ_TIMEOUT K_MSEC(100)

/** @brief The stream shall go on from now on; before acquisition's thread begins it. */
void stream_start(void);

/** @brief The stream shall end. */
void stream_stop(void);

/** @brief Forget the stop of a stream before. */
void stream_begin(void);

/** @brief Whether the stream shall go on. */
bool stream_goes_on(void);

/** @brief Sleep, but not past the stream's end. */
void stream_sleep(k_timeout_t timeout);

/** @brief Put a block into the ring, first what was lost before it. */
void stream_write(const struct tocsin_source_block *block);

/** @brief The next @p frames are missing; @p slept of them on purpose. */
void stream_skip(uint64_t frames, uint64_t slept);

/** @brief The stream is over: the last that is heard of it. */
void stream_end(enum tocsin_link_replay_end why);

#endif /* TOCSIN_APP_PIPELINE_STREAM_H_ */
