/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief How much memory a bundle needs, part by part, known before anything is touched.
 */

#ifndef TOCSIN_APP_PIPELINE_PLAN_H_
#define TOCSIN_APP_PIPELINE_PLAN_H_

#include <stddef.h>
#include <stdint.h>

#include <tocsin/bundle.h>

/** Bytes of the pool, part by part; each is rounded up to the pool's alignment. */
struct plan {
	uint32_t ring_capacity; /**< frames */
	size_t ring;
	size_t dsp;
	size_t slot; /**< one of CONFIG_TOCSIN_VECTOR_SLOTS */
	size_t score;
	size_t decide;
	size_t arena;
	size_t total;
};

/** Bytes of the pool that a bundle may take: a recording holds its samples in what is left. */
#if defined(CONFIG_TOCSIN_RECORD)
#define PLAN_MOST (CONFIG_TOCSIN_POOL_SIZE - CONFIG_TOCSIN_RECORD_BUFFER)
#else
#define PLAN_MOST CONFIG_TOCSIN_POOL_SIZE
#endif

/** @brief Work out what a bundle that tocsin_bundle_parse() has accepted needs. */
void plan_make(const struct tocsin_bundle *bundle, struct plan *plan);

/**
 * @brief Whether this image can run a bundle: memory, and its network where it has one.
 * @retval 0       yes
 * @retval -ENOMEM it needs more than PLAN_MOST; logged with the numbers
 * @retval -ENOSYS it needs a network or an operator that this image has not compiled in; logged
 * @return else what tocsin_tflm_check() answers
 */
int plan_check(const struct tocsin_bundle *bundle, struct plan *plan);

#endif /* TOCSIN_APP_PIPELINE_PLAN_H_ */
