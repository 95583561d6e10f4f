/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the services count and how long the stages take, since the boot; and how far the
 * running stream is.
 */

#ifndef TOCSIN_APP_MEASURE_STATS_H_
#define TOCSIN_APP_MEASURE_STATS_H_

#include <stdint.h>

#include "measure/stopwatch.h"

/** In the order of STATUS (docs/reference/link.md): new ones go to the end. */
enum stats_counter {
	STATS_STREAMS, /**< streams begun */
	STATS_WINDOWS, /**< windows scored */
	STATS_EVENTS,  /**< begin and end events */
	STATS_GAPS,    /**< gaps met */
	STATS_LOST,    /**< frames in those gaps, without those slept through */
	STATS_REFUSED, /**< windows that could not be scored, and count as the strangest */
	STATS_UNTOLD,  /**< changes of the sensor dropped because the report was behind */
	STATS_SKIPPED, /**< windows left out because features or detector were late */
	STATS_COUNTERS,
};

/** As for the counters. */
enum stats_stage {
	STATS_FEATURES, /**< one frame; its deadline is the hop */
	STATS_SCORE,  /**< one window, normalisation and model; its deadline is the window's step */
	STATS_DECIDE, /**< one window; likewise */
	STATS_LATENCY, /**< from a live window's last sample to its outcome; likewise */
	STATS_STAGES,
};

/** Time a stage took, in cycles of the stopwatch. */
struct stats_time {
	uint32_t count;
	uint32_t min;
	uint32_t mean;
	uint32_t max;
	uint32_t misses; /**< of its deadline */
};

/** The running stream, or the last one. */
struct stats_stream {
	uint64_t frames; /**< so far, those missing included */
	uint64_t slept;  /**< of them, slept through */
	uint64_t elapsed_us;
	uint32_t fill;     /**< of the ring, frames, when the last block had been written */
	uint32_t fill_max; /**< its greatest */
	uint32_t capacity; /**< of the ring */
};

/** @brief Count. Any thread. */
void stats_count(enum stats_counter counter, uint64_t by);

/** @brief A counter; it stays at UINT32_MAX, three days of 16 kHz, rather than begin anew. */
uint32_t stats_get(enum stats_counter counter);

/**
 * @brief A stage took @p cycles of the stopwatch, and should take at most @p deadline. Each stage
 * has one thread that calls.
 */
void stats_time(enum stats_stage stage, uint32_t cycles, uint32_t deadline);

/** @brief The times of a stage. */
struct stats_time stats_time_get(enum stats_stage stage);

/** @brief Acquisition: a stream begins, with a ring of @p capacity frames. */
void stats_stream_begin(uint32_t capacity);

/** @brief Acquisition: the stream has @p frames now, @p fill of them wait in the ring. */
void stats_samples(uint64_t frames, uint32_t fill);

/** @brief Acquisition: @p frames more are slept through. */
void stats_slept(uint64_t frames);

/** @brief How far the stream is. */
struct stats_stream stats_stream_get(void);

/** @brief Its frames modulo 2^32, and when the last of them came: when their block did. */
uint32_t stats_newest(struct stopwatch *when);

/** @brief A counter's, or a stage's, name. */
const char *stats_counter_name(enum stats_counter counter);
const char *stats_stage_name(enum stats_stage stage);

#endif /* TOCSIN_APP_MEASURE_STATS_H_ */
