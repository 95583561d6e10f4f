/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * From the ring to feature vectors. When this thread is late the ring fills, and when it is late by
 * more than the ring holds the ring counts what it drops; the thread meets the hole as a gap.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "channels.h"
#include "pipeline.h"
#include "stats.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static K_SEM_DEFINE(arrived, 0, 1);
static atomic_t ended;
static uint64_t total; /* written before `ended` is set */

/* Of this stream. */
static uint64_t position; /* index of the next frame to be taken */
static uint32_t slot;     /* next to be filled */
static bool slot_held;

static void samples_changed(const struct zbus_channel *channel)
{
	const struct samples_state *state = zbus_chan_const_msg(channel);

	if (state->ended) {
		total = state->total;
		atomic_set(&ended, 1);
	}
	k_sem_give(&arrived);
}

ZBUS_LISTENER_DEFINE(features_listener, samples_changed);

static void publish(const struct item *item)
{
	/* Waits for the detector, if for anything: a late detector makes the ring drop, not this.
	 */
	(void)zbus_chan_pub(&item_chan, item, K_FOREVER);
}

static void publish_gap(const struct tocsin_ring_gap *gap)
{
	const struct item item = {.kind = ITEM_GAP, .gap = *gap};

	stats_count(STATS_GAPS, 1);
	stats_count(STATS_LOST, (uint32_t)gap->count);
	publish(&item);
}

static float *held_slot(void)
{
	if (!slot_held) {
		(void)k_sem_take(&pipeline.free_slots, K_FOREVER);
		slot_held = true;
	}
	return pipeline.slots[slot];
}

static void take_frame(const struct tocsin_ring_view *view)
{
	struct item item = {.kind = ITEM_VECTOR, .slot = (uint8_t)slot};
	float *vector = held_slot();
	const uint32_t start = k_cycle_get_32();
	const int ret = tocsin_dsp_push(&pipeline.dsp, view, vector, &item.window);

	stats_time(STATS_FEATURES, k_cycle_get_32() - start);
	position = view->index + pipeline.bundle.dsp.hop;
	/* hop is at most frame_length, and that many frames are there. */
	(void)tocsin_ring_advance(&pipeline.ring, pipeline.bundle.dsp.hop);
	k_sem_give(&pipeline.room);
	if (ret == 1) {
		slot_held = false;
		slot = (slot + 1) % CONFIG_TOCSIN_VECTOR_SLOTS;
		publish(&item);
	}
}

/* All that the ring holds. */
static void drain(void)
{
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;
	int ret;

	while ((ret = tocsin_ring_peek(&pipeline.ring, pipeline.bundle.dsp.frame_length, &view,
				       &gap)) != -EAGAIN) {
		if (ret == 0) {
			take_frame(&view);
			continue;
		}
		(void)tocsin_ring_cross_gap(&pipeline.ring, &gap);
		position = gap.index + gap.count;
		k_sem_give(&pipeline.room);
		publish_gap(&gap);
	}
}

static void end_stream(void)
{
	const uint64_t seen = position + tocsin_ring_fill(&pipeline.ring);
	const struct item item = {.kind = ITEM_END, .total = total};

	/* A hole is met with the first sample after it; one at the very end has none. */
	if (total > seen) {
		publish_gap(&(struct tocsin_ring_gap){.index = seen, .count = total - seen});
	}
	if (slot_held) {
		slot_held = false;
		k_sem_give(&pipeline.free_slots);
	}
	position = 0;
	slot = 0;
	publish(&item);
}

static void features_thread(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (true) {
		(void)k_sem_take(&arrived, K_FOREVER);

		/* Looked at before the ring, or its last samples might come in between. */
		const bool last = atomic_cas(&ended, 1, 0);

		drain();
		if (last) {
			end_stream();
		}
	}
}

K_THREAD_DEFINE(features, CONFIG_TOCSIN_FEATURES_STACK_SIZE, features_thread, NULL, NULL, NULL,
		CONFIG_TOCSIN_FEATURES_PRIORITY, 0, 0);
