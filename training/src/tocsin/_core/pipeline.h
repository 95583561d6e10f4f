/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The device's pipeline on the desk: ring → dsp → score → decide, in one place.
 *
 * This is what the firmware's threads do, without the threads: the producer's half is
 * tocsin_ring_write() and tocsin_ring_skip() on @ref tocsin_pipeline.ring, the consumers' half is
 * tocsin_pipeline_drain(). The four stages are prepared by the caller, who owns all memory.
 */

#ifndef TOCSIN_PIPELINE_H_
#define TOCSIN_PIPELINE_H_

#include <tocsin/decide.h>
#include <tocsin/dsp.h>
#include <tocsin/ring.h>
#include <tocsin/score.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where results go, in the order of the samples. Every function is needed. */
struct tocsin_pipeline_sink {
	void *ctx; /**< handed to each function */
	/** A window was scored; @p smoothed is NaN until the smoothing is full. */
	void (*window)(void *ctx, const struct tocsin_dsp_window *window, const float *vector,
		       float score, float smoothed);
	void (*event)(void *ctx, const struct tocsin_decide_event *event);
	void (*gap)(void *ctx, const struct tocsin_ring_gap *gap);
};

/** The stages, each initialised by its own function, and what lies between them. */
struct tocsin_pipeline {
	struct tocsin_ring ring;
	struct tocsin_dsp dsp;
	struct tocsin_score score;
	struct tocsin_decide decide;
	float *vector;         /**< tocsin_dsp_vector_size() values, owned by the caller */
	uint32_t frame_length; /**< samples, as in the dsp's configuration */
	uint32_t hop;          /**< samples, as in the dsp's configuration */
	uint64_t unscored;     /**< windows whose vector is not finite: their score is FLT_MAX */
};

/**
 * @brief Take from the ring all that can be taken, and tell what comes of it.
 *
 * @retval 0 the ring holds less than a frame, and no gap
 * @return else the network's answer (a negative errno); its window is lost, the next call goes on
 * after it
 */
int tocsin_pipeline_drain(struct tocsin_pipeline *pipeline,
			  const struct tocsin_pipeline_sink *sink);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_PIPELINE_H_ */
