/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What a sensor lost, told by the clock. No Zephyr.
 *
 * A sensor's samples come without numbers, so what is missing shows in the time alone. Two kinds:
 * - a source that *knows* that it was interrupted (a microphone restarted) asks how many frames
 *   fit into the time between: tocsin_pace_since();
 * - a source whose sensor has a clock of its own, a few per cent off and drifting, asks with each
 *   block whether it came too late for the samples in it: tocsin_pace_block(), which follows the
 *   sensor's true rate (an alpha-beta filter, as in
 *   tracking) so that a slow sensor is not taken for a lossy one.
 *
 * Times are ticks of any monotonic clock. Integer arithmetic alone.
 */

#ifndef TOCSIN_SOURCE_PACE_H_
#define TOCSIN_SOURCE_PACE_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How far a sensor's rate may be from what it says: a tenth. */
#define TOCSIN_PACE_TOLERANCE 10

/** State; treat as opaque. */
struct tocsin_pace {
	uint32_t rate;  /* frames a second */
	uint32_t clock; /* ticks a second */
	int64_t end;    /* when the last frame ended, ticks in 2^-16 */
	int64_t period; /* of a frame, ticks in 2^-16 */
	int64_t slack;  /* how late a block may be, ticks in 2^-16 */
	int64_t doubt;  /* how far the period may be off, ticks in 2^-16 */
	uint32_t seen;  /* blocks that the period was learned from, up to a limit */
};

/**
 * @brief Begin: a frame has just ended.
 *
 * @param rate  frames a second that the sensor is to give, at least 1
 * @param clock ticks a second, at least 1 and below 2^31
 * @param slack_quarters how late a block may be before frames count as lost, in quarters of a
 *              frame: the jitter of the times that are given, plus a reserve
 * @param now   ticks
 */
void tocsin_pace_init(struct tocsin_pace *pace, uint32_t rate, uint32_t clock,
		      uint32_t slack_quarters, int64_t now);

/** @brief The last frame of a block ended at @p now: nothing was lost, whatever the clock says. */
void tocsin_pace_set(struct tocsin_pace *pace, int64_t now);

/** @brief @p frames more came, which have waited: they follow the last ones without a gap, and
 * ended at @p now or before. */
void tocsin_pace_advance(struct tocsin_pace *pace, uint32_t frames, int64_t now);

/** @brief When the last frame ended, for tocsin_pace_since(). */
static inline int64_t tocsin_pace_end(const struct tocsin_pace *pace)
{
	return pace->end;
}

/**
 * @brief Frames that fit between an earlier end of a frame and that of the last one.
 * @param end what tocsin_pace_end() gave then
 * @return frames, rounded to the nearest
 */
uint64_t tocsin_pace_since(const struct tocsin_pace *pace, int64_t end);

/**
 * @brief A block of @p frames ended at @p now; was anything lost in front of it?
 * @return frames missing, 0 where the block came in time
 */
uint64_t tocsin_pace_block(struct tocsin_pace *pace, uint32_t frames, int64_t now);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SOURCE_PACE_H_ */
