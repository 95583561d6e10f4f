/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Sends the stream's samples to a desk that wants them, while the detector hears the same.
 *
 * The samples come through pipeline/tap.h. A thread of its own, below the detector's, does the
 * sending: an overloaded device records gaps, but detects.
 */

#ifndef TOCSIN_APP_HOST_RECORDER_H_
#define TOCSIN_APP_HOST_RECORDER_H_

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/link_record.h>

#if defined(CONFIG_TOCSIN_RECORD)

/**
 * @brief Control, while no stream runs: wait until the desk has all of a recording whose stream is
 * over, or for a second. What it has not got then is gone with the memory.
 */
void recorder_settle(void);

/** @brief Control, while no stream runs: hold samples in @p mem from the next stream on. */
void recorder_use(void *mem, size_t size);

/** @brief Bytes that hold samples. */
size_t recorder_buffer(void);

/** @brief Do what the desk asks. 0 or a negative errno to answer with, 1 where none is due. */
int recorder_request(const struct tocsin_link_message *message);

/** @brief Whether a recording was given up since the last call, its desk having gone away. */
bool recorder_has_forgotten(void);

/** @brief Whether a desk records, or could take up what it has recorded. */
bool recorder_is_wanted(void);

#else

static inline void recorder_settle(void)
{
}

static inline void recorder_use(void *mem, size_t size)
{
	(void)mem;
	(void)size;
}

static inline size_t recorder_buffer(void)
{
	return 0;
}

static inline int recorder_request(const struct tocsin_link_message *message)
{
	(void)message;
	return -ENOSYS;
}

static inline bool recorder_has_forgotten(void)
{
	return false;
}

static inline bool recorder_is_wanted(void)
{
	return false;
}

#endif /* CONFIG_TOCSIN_RECORD */

#endif /* TOCSIN_APP_HOST_RECORDER_H_ */
