/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Sensor health: whether samples can be those of a sensor that works.
 *
 * Portable C, no Zephyr header. Looks at blocks of samples in their order and finds a value that
 * does not change any more (a dead microphone, a hung converter) and a signal that lies at the
 * rails (too loud, a wrong range, a broken bias). What no sample can show, a sensor that does not
 * answer or is silent, is for the caller to judge; the conditions have names for that, too.
 *
 * Gaps between blocks are allowed: a sensor that stood still before and after one is stuck. Counts
 * and indices are in frames, one sample of every channel. The caller owns the structure; one thread
 * calls.
 */

#ifndef TOCSIN_SOURCE_HEALTH_H_
#define TOCSIN_SOURCE_HEALTH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most channels of a source. */
#define TOCSIN_SOURCE_CHANNELS_MAX 3

/** How a sensor is. Numbers of the link's protocol: none changes its meaning. */
enum tocsin_source_condition {
	TOCSIN_SOURCE_OK = 0,
	TOCSIN_SOURCE_ABSENT = 1,    /**< it does not answer: no start succeeds */
	TOCSIN_SOURCE_FAILED = 2,    /**< its driver reported an error */
	TOCSIN_SOURCE_STALLED = 3,   /**< it runs and delivers nothing */
	TOCSIN_SOURCE_STUCK = 4,     /**< the value of a channel does not change */
	TOCSIN_SOURCE_SATURATED = 5, /**< many samples lie at the ends of the range */
	TOCSIN_SOURCE_OFF_RATE = 6,  /**< samples come faster or slower than agreed */
};

/** A sensor of a few samples a second is not stuck because two of them are equal. */
#define TOCSIN_SOURCE_STUCK_FRAMES_MIN 64

/** What to call sick. */
struct tocsin_source_health_config {
	uint32_t channels;       /**< 1 to TOCSIN_SOURCE_CHANNELS_MAX */
	uint32_t stuck_frames;   /**< as many equal samples in a row are STUCK, at least 2 */
	uint32_t span_frames;    /**< SATURATED is judged over so many, 1 to 2^24: a second */
	uint32_t rails_permille; /**< more than this share of them at the rails, 0 to 999 */
};

/** The state. Treat as opaque. */
struct tocsin_source_health {
	struct tocsin_source_health_config cfg;
	bool any; /* `last` means something */
	int16_t last[TOCSIN_SOURCE_CHANNELS_MAX];
	uint32_t run[TOCSIN_SOURCE_CHANNELS_MAX];       /* equal samples so far, saturating */
	uint64_t run_begin[TOCSIN_SOURCE_CHANNELS_MAX]; /* index of the first of them */
	uint32_t in_span;                               /* frames of the unfinished span */
	uint64_t span_begin;
	uint32_t at_rails[TOCSIN_SOURCE_CHANNELS_MAX];
	bool saturated; /* the last whole span was */
	uint64_t saturated_since;
};

/**
 * @brief What to call sick at a sample rate. The firmware and the desk's tools both ask this.
 *
 * @param channels        1 to TOCSIN_SOURCE_CHANNELS_MAX
 * @param sample_rate     Hz
 * @param stuck_ms        equal samples for so long are STUCK, and never fewer than
 *                        TOCSIN_SOURCE_STUCK_FRAMES_MIN of them
 * @param rails_permille  SATURATED: more than this share of a second's samples, 0 to 999
 */
struct tocsin_source_health_config tocsin_source_health_config_at(uint32_t channels,
								  uint32_t sample_rate,
								  uint32_t stuck_ms,
								  uint32_t rails_permille);

/**
 * @brief Begin with a sensor of which nothing is known.
 * @param cfg copied
 * @retval 0       ready
 * @retval -EINVAL an argument is NULL or out of range
 */
int tocsin_source_health_init(struct tocsin_source_health *health,
			      const struct tocsin_source_health_config *cfg);

/**
 * @brief Look at the next samples.
 *
 * @param index   index of the first frame; it never falls
 * @param samples interleaved, @p frames of them; the lowest and highest int16 are the rails
 * @param since   index of the first frame of the condition; written unless the answer is OK
 * @return TOCSIN_SOURCE_OK, TOCSIN_SOURCE_STUCK, which goes first, or TOCSIN_SOURCE_SATURATED,
 *         after the last of these samples
 */
enum tocsin_source_condition tocsin_source_health_push(struct tocsin_source_health *health,
						       uint64_t index, const int16_t *samples,
						       size_t frames, uint64_t *since);

/** @brief A condition's name as the console tells it, "STUCK"; "?" where there is none. */
const char *tocsin_source_condition_name(enum tocsin_source_condition condition);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SOURCE_HEALTH_H_ */
