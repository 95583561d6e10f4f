/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * From the ring to feature vectors. A recording waits for whoever is late. The world does not: then
 * whole windows are left out and counted, so that the ring never runs over and those that are
 * computed are computed right. Where the detector is late, a window that is complete is not handed
 * over; where this thread is, it goes on at a later window without looking at the frames before.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "measure/stats.h"
#include "measure/stopwatch.h"
#include "messages/channels.h"
#include "pipeline/pauses.h"
#include "pipeline/pipeline.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static K_SEM_DEFINE(arrived, 0, 1);
static atomic_t ended;
static struct ending ending; /* written before `ended` is set */

/* Of this stream. */
static uint64_t position; /* index of the next frame to be taken */
static uint64_t window;   /* index at which the next window begins, at most `position` … */
static uint64_t resume;   /* … unless frames are left out: nothing is computed before this one */
static bool catching_up;  /* frames were left out, and no window handed over since */
static uint32_t slot;     /* held, to be filled */
static bool slot_held;

static void samples_changed(const struct zbus_channel *channel)
{
	const struct samples_state *state = zbus_chan_const_msg(channel);

	if (state->ended) {
		ending = (struct ending){.total = state->total, .why = state->why};
		atomic_set(&ended, 1);
	}
	k_sem_give(&arrived);
}

ZBUS_LISTENER_DEFINE(features_listener, samples_changed);

static void publish_gap(const struct tocsin_ring_gap *gap)
{
	const struct item item = {.kind = ITEM_GAP, .gap = {*gap, pauses_in(gap)}};
	const uint64_t lost = gap->count - item.gap.slept;

	if (lost > 0) {
		stats_count(STATS_GAPS, 1);
		stats_count(STATS_LOST, lost);
	}
	item_publish(&item);
}

static float *held_slot(void)
{
	if (!slot_held) {
		/* The stream's first: all are free. */
		(void)k_sem_take(&pipeline.free_slots, K_FOREVER);
		slot_held = true;
	}
	return pipeline.slots[slot];
}

/* The vector is handed over only for another slot in return: there is always one to write into. */
static void hand_over(const struct item *item)
{
	const k_timeout_t patience = pipeline.paced ? K_FOREVER : K_NO_WAIT;

	if (k_sem_take(&pipeline.free_slots, patience) != 0) {
		stats_count(STATS_SKIPPED, 1);
		return;
	}
	slot = (slot + 1) % CONFIG_TOCSIN_VECTOR_SLOTS;
	catching_up = false;
	item_publish(item);
}

static void take_frame(const struct tocsin_ring_view *view)
{
	struct item item = {.kind = ITEM_VECTOR, .slot = (uint8_t)slot};
	float *vector = held_slot();
	const struct stopwatch start = stopwatch_start();
	const int ret = tocsin_dsp_push(&pipeline.dsp, view, vector, &item.window);

	stats_time(STATS_FEATURES, stopwatch_cycles(&start), pipeline.hop_cycles);
	position = view->index + pipeline.bundle.dsp.hop;
	/* hop is at most frame_length, and that many frames are there. */
	(void)tocsin_ring_advance(&pipeline.ring, pipeline.bundle.dsp.hop);
	k_sem_give(&pipeline.room);
	if (ret == 1) {
		window = item.window.begin + pipeline.step;
		hand_over(&item);
	}
}

static void cross_gap(void)
{
	struct tocsin_ring_gap gap;

	(void)tocsin_ring_cross_gap(&pipeline.ring, &gap);
	position = gap.index + gap.count;
	window = position;
	resume = position;
	k_sem_give(&pipeline.room);
	publish_gap(&gap);
}

/* Give up on the window that is being computed and as many as have passed since; go on at the one
 * that begins last among the samples at hand. It is one of those that would have been computed
 * anyway, so its values are the same. */
static void skip_windows(void)
{
	const uint64_t here = position + tocsin_ring_fill(&pipeline.ring) - window;
	const uint64_t begun = DIV_ROUND_UP(position - window, pipeline.step);
	const uint64_t skipped = MAX(MAX(here / pipeline.step, begun), 1);

	window += skipped * pipeline.step;
	resume = window;
	catching_up = true;
	tocsin_dsp_reset(&pipeline.dsp);
	stats_count(STATS_SKIPPED, skipped);
}

/* Whether to leave frames out: the ring fills, or did, and the window whose first frame is there
 * would be for nobody. What is not spent on it is the detector's. */
static bool late(void)
{
	const size_t fill = tocsin_ring_fill(&pipeline.ring);

	return !pipeline.paced && position >= resume &&
	       (fill > pipeline.high_water ||
		(catching_up && position == window && fill >= pipeline.bundle.dsp.frame_length &&
		 k_sem_count_get(&pipeline.free_slots) == 0));
}

/* Let go of samples before `resume`. Whether there were any. */
static bool leave_out(void)
{
	const size_t count = (size_t)MIN(resume - position, tocsin_ring_fill(&pipeline.ring));

	if (count == 0) {
		return false;
	}
	if (tocsin_ring_advance(&pipeline.ring, count) == -EPIPE) {
		cross_gap();
	} else {
		position += count;
	}
	return true;
}

/* All that the ring holds. */
static void drain(void)
{
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;
	bool more = true;

	while (more) {
		if (late()) {
			skip_windows();
		}
		if (position < resume) {
			more = leave_out();
			continue;
		}
		switch (tocsin_ring_peek(&pipeline.ring, pipeline.bundle.dsp.frame_length, &view,
					 &gap)) {
		case 0:
			take_frame(&view);
			break;
		case -EPIPE:
			cross_gap();
			break;
		default:
			more = false;
			break;
		}
	}
}

static void end_stream(void)
{
	const uint64_t seen = position + tocsin_ring_fill(&pipeline.ring);
	const struct item item = {.kind = ITEM_END, .ending = ending};

	/* A hole is met with the first sample after it; one at the very end has none. */
	if (ending.total > seen) {
		publish_gap(&(struct tocsin_ring_gap){.index = seen, .count = ending.total - seen});
	}
	if (slot_held) {
		slot_held = false;
		k_sem_give(&pipeline.free_slots);
	}
	position = 0;
	window = 0;
	resume = 0;
	catching_up = false;
	slot = 0;
	item_publish(&item);
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
