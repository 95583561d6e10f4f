/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Which holes in the stream were meant: the pauses of a duty cycle.
 *
 * The ring knows only that samples are missing. Acquisition notes a pause before the ring's gap can
 * be seen, features asks when it meets the gap.
 */

#ifndef TOCSIN_APP_PIPELINE_PAUSES_H_
#define TOCSIN_APP_PIPELINE_PAUSES_H_

#include <stdint.h>

#include <tocsin/ring.h>

/** @brief A stream begins: no pause yet. Acquisition. */
void pauses_begin(void);

/** @brief The next @p count frames from @p index on are slept through. Acquisition. */
void pauses_add(uint64_t index, uint64_t count);

/** @brief How many of a gap's frames were slept through. Any thread. */
uint64_t pauses_in(const struct tocsin_ring_gap *gap);

#endif /* TOCSIN_APP_PIPELINE_PAUSES_H_ */
