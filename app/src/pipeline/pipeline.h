/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The running detector: its bundle, its memory and the state of its stages.
 *
 * Ownership. Between pipeline_begin() and the end of the stream each part belongs to one thread, as
 * the comments say; while no stream runs, everything belongs to control, which alone calls
 * pipeline_use() and pipeline_begin(). The messages that start and end a stream are what carries
 * the ownership over.
 *
 * The pool (CONFIG_TOCSIN_POOL_SIZE) is the pipeline's. The running bundle's parts lie in it, the
 * ring first. What is left over is lent by control to the recorder, from one change of bundle to
 * the next.
 */

#ifndef TOCSIN_APP_PIPELINE_PIPELINE_H_
#define TOCSIN_APP_PIPELINE_PIPELINE_H_

#include <stdbool.h>
#include <stddef.h>

#include <zephyr/kernel.h>

#include <tocsin/bundle.h>
#include <tocsin/source.h>
#include <tocsin/tflm.h>

#include "pipeline/plan.h"

struct pipeline {
	bool ready;                  /**< a bundle runs */
	struct tocsin_bundle bundle; /**< read by all */
	struct plan plan;
	bool paced;              /**< a recording: everyone waits, and nothing is left out */
	struct tocsin_ring ring; /**< written by acquisition, read by features */
	uint32_t high_water;     /**< frames in the ring, above which windows are skipped */
	struct k_sem room;       /**< given by features when it has taken samples */
	uint32_t step;           /**< frames from one window to the next */
	uint32_t hop_cycles;     /**< deadlines, in cycles of the stopwatch: of a frame … */
	uint32_t step_cycles;    /**< … and of a window */
	struct tocsin_dsp dsp;   /**< features */
	float *slots[CONFIG_TOCSIN_VECTOR_SLOTS]; /**< owner: see channels.h */
	struct k_sem free_slots;                  /**< taken by features, given by the detector */
	struct tocsin_score score;                /**< detector */
	struct tocsin_decide decide;              /**< detector */
#if defined(CONFIG_TOCSIN_TFLM)
	struct tocsin_tflm network; /**< detector */
#endif
};

/** The one pipeline. */
extern struct pipeline pipeline;

/**
 * @brief Run another bundle. On an error the one that ran before still does.
 *
 * @param data  the bundle, which must stay where it is while it runs
 * @param size  bytes at @p data
 * @retval 0 the next stream uses it
 * @return else what tocsin_bundle_parse(), plan_check() or tocsin_tflm_init() answered; logged
 */
int pipeline_use(const void *data, size_t size);

/** @brief Whether pipeline_use() would refuse the bundle; changes nothing, may be called any time.
 */
int pipeline_check(const void *data, size_t size);

/**
 * @brief Prepare all stages for a stream that begins with sample 0.
 * @param paced the source waits, so everyone else may
 */
int pipeline_begin(bool paced);

/** What others tell of the running bundle; a struct tocsin_bundle would be a third of a stack. */
struct pipeline_bundle {
	uint32_t crc;
	uint32_t size; /**< bytes */
	enum tocsin_bundle_sensor sensor;
	enum tocsin_score_kind kind;
	uint32_t sample_rate; /**< Hz */
	uint32_t channels;
	uint32_t dim;       /**< values of a window's vector */
	const char *meta;   /**< training record, not terminated; may be NULL */
	uint32_t meta_size; /**< bytes */
};

/**
 * @brief What the running bundle is; any thread, any time.
 * @retval 0 @p bundle is filled
 * @retval -ENOENT no bundle runs
 */
int pipeline_describe(struct pipeline_bundle *bundle);

/**
 * @brief The part of the pool that the running bundle leaves free; until the next pipeline_use().
 * @param size receives its bytes
 * @return the memory, aligned to TOCSIN_TFLM_ALIGN
 */
void *pipeline_spare(size_t *size);

/** @brief The samples that the bundle wants. */
struct tocsin_source_format pipeline_format(void);

#endif /* TOCSIN_APP_PIPELINE_PIPELINE_H_ */
