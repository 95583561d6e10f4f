/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What acquisition lets others take of the running stream: the samples, as they come.
 *
 * The recorder implements it (host/recorder.c); without CONFIG_TOCSIN_RECORD nobody does, and
 * nothing is called. Only acquisition's thread calls. No function waits for more than the copy of
 * one message.
 */

#ifndef TOCSIN_APP_PIPELINE_TAP_H_
#define TOCSIN_APP_PIPELINE_TAP_H_

#include <stddef.h>
#include <stdint.h>

#include <tocsin/source.h>

#if defined(CONFIG_TOCSIN_RECORD)

/** @brief A stream begins; its first frame has index 0. */
void tap_begin(const struct tocsin_source_format *format);

/** @brief The stream's next frames, interleaved; copied. */
void tap_samples(const int16_t *samples, size_t frames);

/** @brief The source has lost the stream's next @p frames frames. */
void tap_lost(uint64_t frames);

/** @brief The stream is over. */
void tap_end(void);

/**
 * @brief Frames that tap_samples() takes without a gap, for a source that can wait; pipeline.room
 * is given when there are more. SIZE_MAX where nobody takes any.
 */
size_t tap_space(void);

#else

static inline void tap_begin(const struct tocsin_source_format *format)
{
	(void)format;
}

static inline void tap_samples(const int16_t *samples, size_t frames)
{
	(void)samples;
	(void)frames;
}

static inline void tap_lost(uint64_t frames)
{
	(void)frames;
}

static inline void tap_end(void)
{
}

static inline size_t tap_space(void)
{
	return SIZE_MAX;
}

#endif /* CONFIG_TOCSIN_RECORD */

#endif /* TOCSIN_APP_PIPELINE_TAP_H_ */
