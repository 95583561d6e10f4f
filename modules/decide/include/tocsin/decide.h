/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Decision stage: from a score for each window to events.
 *
 * score → mean over the last `smooth` windows → threshold with hysteresis → minimum duration →
 * events.
 *
 * A begin event is given in the window in which the smoothed score has stood at or above
 * `threshold_on` for `min_windows` windows in a row; its `begin` is that of the first of them. From
 * then on the alarm is on, and it stays on while the smoothed score is at or above `threshold_off`;
 * each such window moves the event's `end` to its own. An end event is given in the first window
 * whose smoothed score is below `threshold_off`; that window is no part of the event. Until the
 * smoothing has `smooth` windows, nothing is decided: a half-filled mean has a longer tail than the
 * threshold was chosen for.
 *
 * A window that could not be scored is never taken for a healthy one: it counts as the strangest
 * there is, so that a detector that scores nothing raises an alarm instead of staying silent.
 *
 * A gap in the samples (a window that does not begin where the dsp said the last one should be
 * followed) is told by tocsin_decide_gap(): the smoothing starts afresh, an alarm that is on stays
 * on until scores say otherwise. While the smoothing fills again the event's `end` and `peak` stand
 * still.
 *
 * The mean is summed afresh for each window, from the oldest score to the newest, so no rounding
 * error is carried along; it saturates at ±FLT_MAX. All arithmetic is float32 in that order, so the
 * result is the same on every machine. Not thread-safe: one thread calls. The caller owns the
 * memory.
 */

#ifndef TOCSIN_DECIDE_H_
#define TOCSIN_DECIDE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most windows that can be smoothed over. */
#define TOCSIN_DECIDE_SMOOTH_MAX 1024

/** Where to draw the line; comes from the bundle. */
struct tocsin_decide_config {
	uint32_t smooth;      /**< windows averaged, 1 to TOCSIN_DECIDE_SMOOTH_MAX */
	uint32_t min_windows; /**< windows in a row at or above threshold_on before an alarm, at
				 least 1 */
	float threshold_on;   /**< finite */
	float threshold_off;  /**< finite, at most threshold_on */
};

enum tocsin_decide_event_kind {
	TOCSIN_DECIDE_NONE = 0,
	TOCSIN_DECIDE_BEGIN = 1,
	TOCSIN_DECIDE_END = 2,
};

/** An event. Sample indices count frames since start-up; `end` is one past the last. */
struct tocsin_decide_event {
	enum tocsin_decide_event_kind kind;
	uint64_t begin; /**< first sample of the first window at or above threshold_on */
	/** One past the last sample of the last window of the event so far: at a begin event that
	 * of the window just pushed, at an end event that of the last window at or above
	 * threshold_off. */
	uint64_t end;
	float peak; /**< greatest smoothed score of the event's windows so far; finite */
};

/** The stage's state. Treat as opaque. */
struct tocsin_decide {
	struct tocsin_decide_config cfg;
	float *history; /* the last `smooth` scores, a ring */
	uint32_t filled;
	uint32_t next;
	uint32_t above; /* windows in a row at or above threshold_on, before an alarm */
	bool active;
	uint64_t begin;
	uint64_t end;
	float peak;
};

/**
 * @brief Check a configuration.
 * @retval 0       valid
 * @retval -EINVAL @p cfg is NULL, or a field is out of range
 */
int tocsin_decide_check(const struct tocsin_decide_config *cfg);

/**
 * @brief Bytes of memory the stage needs for @p cfg.
 * @return bytes, or 0 where the configuration is not valid
 */
size_t tocsin_decide_needed_size(const struct tocsin_decide_config *cfg);

/**
 * @brief Prepare the stage.
 *
 * @param cfg  copied
 * @param mem  memory aligned to 4 bytes, owned by the caller while the stage is used
 * @param size bytes at @p mem
 * @retval 0       ready
 * @retval -EINVAL an argument is NULL or misaligned, or the configuration is not valid
 * @retval -ENOMEM @p size is smaller than tocsin_decide_needed_size()
 */
int tocsin_decide_init(struct tocsin_decide *decide, const struct tocsin_decide_config *cfg,
		       void *mem, size_t size);

/**
 * @brief Take the score of one window.
 *
 * @param begin    index of the window's first sample
 * @param end      one past its last sample, greater than @p begin
 * @param score    the window's anomaly score; greater is stranger. One that is not finite counts as
 *                 FLT_MAX
 * @param smoothed the mean that was judged, or NaN while the smoothing is not full or the window
 *                 was left out; may be NULL
 * @param event    always filled; its kind is TOCSIN_DECIDE_NONE, and the rest 0, where nothing
 *                 happened
 * @retval 0       taken
 * @retval -EINVAL @p end is not after @p begin; the window is left out, the stage does not change
 */
int tocsin_decide_push(struct tocsin_decide *decide, uint64_t begin, uint64_t end, float score,
		       float *smoothed, struct tocsin_decide_event *event);

/** @brief The samples had a gap: forget the smoothing and the count towards an alarm, keep an alarm
 * that is on. */
void tocsin_decide_gap(struct tocsin_decide *decide);

/** @brief Whether an alarm is on. */
bool tocsin_decide_active(const struct tocsin_decide *decide);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_DECIDE_H_ */
