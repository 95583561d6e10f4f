/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the services count and how long the stages take; since the boot.
 */

#ifndef TOCSIN_APP_STATS_H_
#define TOCSIN_APP_STATS_H_

#include <stdint.h>

enum stats_counter {
	STATS_STREAMS, /**< streams begun */
	STATS_WINDOWS, /**< windows scored */
	STATS_EVENTS,  /**< begin and end events */
	STATS_GAPS,    /**< gaps met */
	STATS_LOST,    /**< frames in those gaps */
	STATS_REFUSED, /**< windows without a finite score */
	STATS_UNTOLD,  /**< outcomes dropped because the report was behind */
	STATS_COUNTERS,
};

enum stats_stage {
	STATS_FEATURES, /**< one frame */
	STATS_SCORE,    /**< one window: normalisation and model */
	STATS_DECIDE,   /**< one window */
	STATS_STAGES,
};

/** Time a stage took, in microseconds. */
struct stats_time {
	uint32_t count;
	uint32_t min;
	uint32_t mean;
	uint32_t max;
};

/** @brief Count. Any thread. */
void stats_count(enum stats_counter counter, uint32_t by);

/** @brief A counter, modulo 2^32. */
uint32_t stats_get(enum stats_counter counter);

/** @brief A stage took @p cycles of the hardware clock. Each stage has one thread that calls. */
void stats_time(enum stats_stage stage, uint32_t cycles);

/** @brief The times of a stage. */
struct stats_time stats_time_get(enum stats_stage stage);

/** @brief A counter's, or a stage's, name. */
const char *stats_counter_name(enum stats_counter counter);
const char *stats_stage_name(enum stats_stage stage);

#endif /* TOCSIN_APP_STATS_H_ */
