/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include <tocsin/tflm.h>

#include "pipeline/plan.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

/* Suits every part: the tensor arena wants the most. */
static size_t rounded(size_t size)
{
	return ROUND_UP(size, TOCSIN_TFLM_ALIGN);
}

static uint32_t ring_capacity(const struct tocsin_dsp_config *dsp)
{
	/* Beyond a frame there must be room for one more, and for two blocks of the source:
	 * pipeline.high_water lies in the middle of it. */
	const uint64_t spare =
		MAX((uint64_t)dsp->frame_length, 2 * CONFIG_TOCSIN_SOURCE_BLOCK_FRAMES);
	const uint64_t wanted = MAX((uint64_t)dsp->sample_rate * CONFIG_TOCSIN_RING_MS / 1000,
				    dsp->frame_length + spare);
	uint32_t capacity = 2;

	while (capacity < wanted && capacity < BIT(24)) {
		capacity *= 2;
	}
	return capacity;
}

void plan_make(const struct tocsin_bundle *bundle, struct plan *plan)
{
	plan->ring_capacity = ring_capacity(&bundle->dsp);
	plan->ring = rounded(tocsin_ring_needed_size(plan->ring_capacity, bundle->dsp.channels));
	plan->dsp = rounded(tocsin_dsp_needed_size(&bundle->dsp));
	plan->slot = rounded(tocsin_dsp_vector_size(&bundle->dsp) * sizeof(float));
	plan->score = rounded(tocsin_score_in_place_size(&bundle->score));
	plan->decide = rounded(tocsin_decide_needed_size(&bundle->decide));
	plan->arena = rounded(bundle->arena_size);
	plan->total = plan->ring + plan->dsp + CONFIG_TOCSIN_VECTOR_SLOTS * plan->slot +
		      plan->score + plan->decide + plan->arena;
}

static int check_network(const struct tocsin_bundle *bundle)
{
	int err;

	if (tocsin_score_quant_of(&bundle->score) == NULL) {
		return 0;
	}
	if (!IS_ENABLED(CONFIG_TOCSIN_TFLM)) {
		LOG_ERR("the bundle holds a network; this image is built without "
			"CONFIG_TOCSIN_TFLM");
		return -ENOSYS;
	}
	err = tocsin_tflm_check(bundle->model, bundle->model_size, &bundle->score);
	/* For the bundle, "not supported" means its format; an operator is the image's matter. */
	return err == -ENOTSUP ? -ENOSYS : err;
}

int plan_check(const struct tocsin_bundle *bundle, struct plan *plan)
{
	plan_make(bundle, plan);
	if (bundle->arena_size > PLAN_MOST || plan->total > PLAN_MOST) {
		LOG_ERR("bundle needs %zu bytes (ring %zu, features %zu, vectors %d x %zu, score "
			"%zu, decision %zu, arena %zu), there are %d: raise "
			"CONFIG_TOCSIN_POOL_SIZE",
			plan->total, plan->ring, plan->dsp, CONFIG_TOCSIN_VECTOR_SLOTS, plan->slot,
			plan->score, plan->decide, plan->arena, PLAN_MOST);
		return -ENOMEM;
	}
	return check_network(bundle);
}
