/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/logging/log.h>

#include "measure/stopwatch.h"
#include "pipeline/pipeline.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

struct pipeline pipeline;

static uint8_t pool[CONFIG_TOCSIN_POOL_SIZE] __aligned(TOCSIN_TFLM_ALIGN);

static struct k_spinlock describing; /* others read the bundle while control changes it */

/* Where the parts lie. Their sizes are multiples of the pool's alignment, so each is aligned. */
struct layout {
	uint8_t *ring;
	uint8_t *dsp;
	uint8_t *slots;
	uint8_t *score;
	uint8_t *decide;
	uint8_t *arena;
};

static struct layout lay_out(const struct plan *plan)
{
	struct layout at;

	at.ring = pool;
	at.dsp = at.ring + plan->ring;
	at.slots = at.dsp + plan->dsp;
	at.score = at.slots + CONFIG_TOCSIN_VECTOR_SLOTS * plan->slot;
	at.decide = at.score + plan->score;
	at.arena = at.decide + plan->decide;
	return at;
}

/* The network, where there is one, and the score. */
static int start_score(const struct tocsin_bundle *bundle, const struct plan *plan,
		       const struct layout *at)
{
	struct tocsin_score_ends ends = {NULL, NULL};
	tocsin_score_infer_t infer = NULL;
	void *ctx = NULL;

#if defined(CONFIG_TOCSIN_TFLM)
	if (tocsin_score_quant_of(&bundle->score) != NULL) {
		const int err =
			tocsin_tflm_init(&pipeline.network, bundle->model, bundle->model_size,
					 at->arena, plan->arena, &bundle->score, bundle->slide);

		if (err != 0) {
			return err;
		}
		infer = tocsin_tflm_invoke;
		ctx = &pipeline.network;
		ends = tocsin_tflm_ends(&pipeline.network);
	}
#endif
	return tocsin_score_init_in_place(&pipeline.score, &bundle->score, infer, ctx, &ends,
					  at->score, plan->score);
}

static void set_limits(void)
{
	const struct tocsin_dsp_config *dsp = &pipeline.bundle.dsp;

	/* Half of what the ring can hold beyond the frame that is waited for: the other half is
	 * for what comes while one frame is worked on. */
	pipeline.high_water =
		dsp->frame_length + (pipeline.plan.ring_capacity - dsp->frame_length) / 2;
	pipeline.step = dsp->hop * dsp->window_hop;
	pipeline.hop_cycles = stopwatch_cycles_of(dsp->hop, dsp->sample_rate);
	pipeline.step_cycles = stopwatch_cycles_of(pipeline.step, dsp->sample_rate);
}

int pipeline_begin(bool paced)
{
	const struct tocsin_bundle *bundle = &pipeline.bundle;
	const struct plan *plan = &pipeline.plan;
	const struct layout at = lay_out(plan);
	int err = start_score(bundle, plan, &at);

	if (err == 0) {
		err = tocsin_ring_init(&pipeline.ring, plan->ring_capacity, bundle->dsp.channels,
				       at.ring, plan->ring);
	}
	if (err == 0) {
		err = tocsin_dsp_init(&pipeline.dsp, &bundle->dsp, at.dsp, plan->dsp);
	}
	if (err == 0) {
		err = tocsin_decide_init(&pipeline.decide, &bundle->decide, at.decide,
					 plan->decide);
	}
	if (err != 0) {
		LOG_ERR("the bundle's stages could not be prepared (%d)", err);
		return err;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pipeline.slots); i++) {
		pipeline.slots[i] = (float *)(at.slots + i * plan->slot);
	}
	pipeline.paced = paced;
	set_limits();
	k_sem_init(&pipeline.room, 0, 1);
	k_sem_init(&pipeline.free_slots, CONFIG_TOCSIN_VECTOR_SLOTS, CONFIG_TOCSIN_VECTOR_SLOTS);
	return 0;
}

static int examine(const void *data, size_t size, struct tocsin_bundle *bundle, struct plan *plan)
{
	int err = tocsin_bundle_parse(bundle, data, size);

	if (err != 0) {
		LOG_ERR("bundle refused: %s (%d)", tocsin_bundle_strerror(err), err);
		return err;
	}
	err = plan_check(bundle, plan);
	if (err != 0) {
		LOG_ERR("bundle %08x refused: this image cannot run it (%d)", bundle->crc, err);
	}
	return err;
}

int pipeline_check(const void *data, size_t size)
{
	struct tocsin_bundle bundle;
	struct plan plan;

	return examine(data, size, &bundle, &plan);
}

BUILD_ASSERT(sizeof(struct tocsin_bundle) % sizeof(uint32_t) == 0);

/* The bundle that runs for another one; a word at a time, as a third would not fit on the stack. */
static void exchange(struct tocsin_bundle *bundle, struct plan *plan)
{
	const struct plan next = *plan;
	uint8_t *const ours = (uint8_t *)&pipeline.bundle;
	uint8_t *const theirs = (uint8_t *)bundle;

	K_SPINLOCK(&describing)
	{
		for (size_t i = 0; i < sizeof(*bundle); i += sizeof(uint32_t)) {
			uint32_t a;
			uint32_t b;

			memcpy(&a, &ours[i], sizeof(a));
			memcpy(&b, &theirs[i], sizeof(b));
			memcpy(&ours[i], &b, sizeof(b));
			memcpy(&theirs[i], &a, sizeof(a));
		}
	}
	*plan = pipeline.plan;
	pipeline.plan = next;
}

int pipeline_describe(struct pipeline_bundle *bundle)
{
	const struct tocsin_bundle *const running = &pipeline.bundle;

	K_SPINLOCK(&describing)
	{
		*bundle = (struct pipeline_bundle){
			.crc = running->crc,
			.size = running->size,
			.sensor = running->sensor,
			.kind = running->score.kind,
			.sample_rate = running->dsp.sample_rate,
			.channels = running->dsp.channels,
			.dim = running->score.dim,
			.meta = running->meta,
			.meta_size = running->meta_size,
		};
	}
	return pipeline.ready ? 0 : -ENOENT;
}

int pipeline_use(const void *data, size_t size)
{
	struct tocsin_bundle bundle;
	struct plan plan;
	int err = examine(data, size, &bundle, &plan);

	if (err != 0) {
		return err;
	}
	exchange(&bundle, &plan);
	/* Only laying out the arena tells whether the size that the bundle states is enough. */
	err = pipeline_begin(true);
	if (err != 0) {
		exchange(&bundle, &plan);
		return err;
	}
	pipeline.ready = true;
	LOG_INF("bundle %08x: %u Hz x %u, %u values a window, %zu of %d bytes", pipeline.bundle.crc,
		pipeline.bundle.dsp.sample_rate, pipeline.bundle.dsp.channels,
		pipeline.bundle.score.dim, pipeline.plan.total, PLAN_MOST);
	return 0;
}

void *pipeline_spare(size_t *size)
{
	*size = sizeof(pool) - pipeline.plan.total;
	return &pool[pipeline.plan.total];
}

struct tocsin_source_format pipeline_format(void)
{
	const struct tocsin_bundle *bundle = &pipeline.bundle;

	return (struct tocsin_source_format){
		.sample_rate = bundle->dsp.sample_rate,
		.channels = bundle->dsp.channels,
		.scale = bundle->dsp.scale,
		.vibration = bundle->sensor == TOCSIN_BUNDLE_VIBRATION,
	};
}
