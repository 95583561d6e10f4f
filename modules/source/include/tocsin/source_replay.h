/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The replay source's other end: where someone else (the link) feeds a recording in.
 *
 * Flow control is by credit: the feeder may send samples up to an absolute index, which rises as
 * the reader takes them. One thread feeds; another reads.
 */

#ifndef TOCSIN_SOURCE_REPLAY_H_
#define TOCSIN_SOURCE_REPLAY_H_

#include <stddef.h>
#include <stdint.h>

#include <zephyr/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Told, in the reader's context, how far the feeder may go; must not block.
 *
 * Called when a quarter of the buffer has become free, and again every time the reader has waited
 * in vain, so that a credit that got lost is repeated.
 */
typedef void (*tocsin_source_replay_credit_t)(uint64_t limit);

/** Most frames of a recording: 89 years at 100 kHz. Whoever says more is mistaken. */
#define TOCSIN_SOURCE_REPLAY_FRAMES_MAX (UINT64_C(1) << 48)

/** @brief Set the function that is told of credit. Before the first start. */
void tocsin_source_replay_set_credit(const struct device *dev,
				     tocsin_source_replay_credit_t credit);

/**
 * @brief Feed samples.
 *
 * Samples that came before are left out, so a feeder may repeat itself; samples missing in between
 * become a loss of their exact number.
 *
 * @param index   index of the first frame in the recording
 * @param samples interleaved, copied
 * @param frames  frames
 * @retval 0        taken, or left out
 * @retval -EPIPE   not running, or behind the recording's end
 * @retval -ERANGE  beyond TOCSIN_SOURCE_REPLAY_FRAMES_MAX: left out
 * @retval -ENOBUFS beyond the credit: what did not fit becomes a loss
 */
int tocsin_source_replay_feed(const struct device *dev, uint64_t index, const int16_t *samples,
			      size_t frames);

/**
 * @brief Say that the recording itself has a hole: the next frame has index @p index.
 * @retval 0 taken (or in the past: left out)
 * @retval -EPIPE, -ERANGE see tocsin_source_replay_feed()
 */
int tocsin_source_replay_gap(const struct device *dev, uint64_t index);

/**
 * @brief Say that the recording has @p total frames; the reader gets -ENODATA after the last.
 * @retval 0 taken; saying it again does no harm
 * @retval -EPIPE, -ERANGE see tocsin_source_replay_feed()
 */
int tocsin_source_replay_end(const struct device *dev, uint64_t total);

/** @brief When the feeder was heard last, or the source was started: k_uptime_get(). */
int64_t tocsin_source_replay_heard(const struct device *dev);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SOURCE_REPLAY_H_ */
