/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * From feature vectors to scores and events. Below features: a network that takes longer than a hop
 * is interrupted by the next frame, not the other way round.
 */

#include <float.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "measure/decimal.h"
#include "measure/stats.h"
#include "measure/stopwatch.h"
#include "messages/channels.h"
#include "pipeline/pipeline.h"
#include "sensor/sensor.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static void publish(struct outcome *outcome)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);

	outcome->replay = state->replay;
	outcome->active = tocsin_decide_active(&pipeline.decide);
	/* Only acquisition tells something, too, and it waits for nothing: a moment. */
	(void)outcome_publish(outcome, K_FOREVER);
}

/* Score a vector and give its slot back. */
static int score(const struct item *item, float *out)
{
	const struct stopwatch start = stopwatch_start();
	const int err = tocsin_score_in_place(&pipeline.score, pipeline.slots[item->slot], out);

	stats_time(STATS_SCORE, stopwatch_cycles(&start), pipeline.step_cycles);
	k_sem_give(&pipeline.free_slots);
	return err;
}

/* Of a live stream, as a recording's samples come when there is room for them. The newest block
 * came with its last sample, so the window's last sample was that much earlier as there are samples
 * in between. */
static void measure_latency(uint64_t window_end)
{
	struct stopwatch arrived;
	const uint32_t frames = stats_newest(&arrived) - (uint32_t)window_end;
	const uint64_t cycles = (uint64_t)stopwatch_cycles(&arrived) +
				stopwatch_cycles_of(frames, pipeline.bundle.dsp.sample_rate);

	stats_time(STATS_LATENCY, (uint32_t)MIN(cycles, UINT32_MAX), pipeline.step_cycles);
}

static void on_vector(const struct item *item)
{
	struct outcome outcome = {.kind = OUTCOME_WINDOW, .window.at = item->window};
	struct tocsin_decide_event event = {0};
	const int err = score(item, &outcome.window.score);
	struct stopwatch start;

	if (err == 0) {
		stats_count(STATS_WINDOWS, 1);
	} else {
		/* What cannot be scored is never healthy: a network that fails raises an alarm. */
		outcome.window.score = FLT_MAX;
		stats_count(STATS_REFUSED, 1);
		LOG_WRN("window at %s has no score (%d)", DECIMAL(item->window.begin), err);
	}
	start = stopwatch_start();
	(void)tocsin_decide_push(&pipeline.decide, item->window.begin, item->window.end,
				 outcome.window.score, &outcome.window.smoothed, &event);
	stats_time(STATS_DECIDE, stopwatch_cycles(&start), pipeline.step_cycles);
	outcome.window.fault = !pipeline.paced && sensor_in_fault(item->window.begin);
	publish(&outcome);
	if (!pipeline.paced) {
		measure_latency(item->window.end);
	}
	if (event.kind != TOCSIN_DECIDE_NONE) {
		outcome = (struct outcome){.kind = OUTCOME_EVENT, .event = event};
		stats_count(STATS_EVENTS, 1);
		publish(&outcome);
	}
}

static void on_gap(const struct item *item)
{
	struct outcome outcome = {.kind = OUTCOME_GAP, .gap = item->gap};

	tocsin_decide_gap(&pipeline.decide);
	publish(&outcome);
}

static void on_end(const struct item *item)
{
	struct outcome outcome = {.kind = OUTCOME_END, .ending = item->ending};

	publish(&outcome);
}

static void detector_thread(void *p1, void *p2, void *p3)
{
	struct item item;

	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (true) {
		item_wait(&item);
		switch (item.kind) {
		case ITEM_VECTOR:
			on_vector(&item);
			break;
		case ITEM_GAP:
			on_gap(&item);
			break;
		case ITEM_END:
			on_end(&item);
			break;
		}
	}
}

K_THREAD_DEFINE(detector, CONFIG_TOCSIN_DETECTOR_STACK_SIZE, detector_thread, NULL, NULL, NULL,
		CONFIG_TOCSIN_DETECTOR_PRIORITY, 0, 0);
