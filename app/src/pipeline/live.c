/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A live source, for ever. One that fails, is silent or was never there is stopped and started
 * again, more and more seldom; what it missed is counted by the clock and becomes a gap at its
 * place, so that every index stays a time. The same clock spans the pauses of a duty cycle.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "pipeline/live.h"
#include "pipeline/pipeline.h"
#include "pipeline/stream.h"
#include "sensor/sensor.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

BUILD_ASSERT(CONFIG_TOCSIN_SENSOR_RESTART_MIN_MS <= CONFIG_TOCSIN_SENSOR_RESTART_MAX_MS);

#define SECOND ((uint64_t)CONFIG_SYS_CLOCK_TICKS_PER_SEC)

/* A source that has delivered for so long is well: the next fault is tried again soon. */
#define WELL_SECONDS 1

/* A slow sensor's FIFO fills slowly: no silence shorter than two blocks is a stall. */
#define STALL_FRAMES (2 * CONFIG_TOCSIN_SOURCE_BLOCK_FRAMES)

static struct {
	const struct device *source;
	const struct tocsin_source_format *format;
	bool started;
	bool behind;     /* samples were missed since `heard`, and are not counted yet */
	bool faulty;     /* it was, since `heard` */
	int64_t heard;   /* ticks, when the last sample came; at first, when the stream began */
	int64_t begun;   /* ticks, of the last start */
	int64_t woken;   /* ticks, the end of the last pause; 0: none since `heard` */
	uint32_t delay;  /* ms, before the next start */
	int64_t cycle;   /* ticks, when this listening was due */
	uint64_t frames; /* delivered in it */
} live;                  /* acquisition's thread alone */

static uint64_t frames_in(int64_t ticks)
{
	/* In two parts: days of ticks times the rate would overflow. */
	return (uint64_t)ticks / SECOND * live.format->sample_rate +
	       (uint64_t)ticks % SECOND * live.format->sample_rate / SECOND;
}

static void fault(enum tocsin_source_condition condition)
{
	if (live.started) {
		tocsin_source_stop(live.source);
		live.started = false;
	}
	live.behind = true;
	live.faulty = true;
	sensor_silent(condition, tocsin_ring_write_index(&pipeline.ring));
	stream_sleep(K_MSEC(live.delay));
	live.delay = MIN(live.delay * 2, CONFIG_TOCSIN_SENSOR_RESTART_MAX_MS);
}

static void start(void)
{
	int err = device_is_ready(live.source) ? tocsin_source_start(live.source, live.format)
					       : -ENODEV;

	if (err != 0) {
		LOG_DBG("source %s does not start (%d)", live.source->name, err);
		fault(TOCSIN_SOURCE_ABSENT);
		return;
	}
	live.started = true;
	live.begun = k_uptime_ticks();
	sensor_restarted(live.faulty);
}

/* What was missed before a block that has just come, by the clock. */
static void count_missed(const struct tocsin_source_block *block, int64_t now)
{
	const uint64_t passed = frames_in(now - live.heard);
	const uint64_t told = block->lost + block->frames;
	const uint64_t missed = passed > told ? passed - told : 0;
	uint64_t slept = 0;

	if (live.woken != 0) {
		/* Starting takes its time, and is part of the pause unless something went wrong. */
		slept = live.faulty ? MIN(missed, frames_in(live.woken - live.heard)) : missed;
	}
	stream_skip(missed, slept);
	live.behind = false;
	live.faulty = false;
	live.woken = 0;
}

static void take(const struct tocsin_source_block *block)
{
	const int64_t now = k_uptime_ticks();
	uint64_t index;

	if (live.behind) {
		count_missed(block, now);
	}
	index = tocsin_ring_write_index(&pipeline.ring) + block->lost;
	stream_write(block);
	if (block->frames > 0) {
		sensor_heard(index, block->samples, block->frames);
	}
	live.heard = now;
	live.frames += block->frames;
	if ((uint64_t)(now - live.begun) >= WELL_SECONDS * SECOND) {
		live.delay = CONFIG_TOCSIN_SENSOR_RESTART_MIN_MS;
	}
}

static bool stalled(void)
{
	const uint64_t silent = (uint64_t)(k_uptime_ticks() - MAX(live.heard, live.begun));
	const uint64_t patience = MAX(SECOND * CONFIG_TOCSIN_SENSOR_STALL_MS / 1000,
				      SECOND * STALL_FRAMES / live.format->sample_rate);

	return silent > patience;
}

static void listen(void)
{
	struct tocsin_source_block block;
	int err = tocsin_source_read(live.source, SIZE_MAX, STREAM_READ_TIMEOUT, &block);

	if (err == 0) {
		take(&block);
	} else if (err == -ENODEV || err == -ENXIO) {
		fault(TOCSIN_SOURCE_ABSENT);
	} else if (err != -EAGAIN) {
		LOG_DBG("source %s failed (%d)", live.source->name, err);
		fault(TOCSIN_SOURCE_FAILED);
	} else if (stalled()) {
		fault(TOCSIN_SOURCE_STALLED);
	}
}

/* The duty cycle: once enough was heard, the source rests until the period is over. */
static void rest(void)
{
	const struct tocsin_bundle *bundle = &pipeline.bundle;
	const uint64_t wanted = (uint64_t)bundle->listen_ms * live.format->sample_rate / 1000;

	if (bundle->period_ms == 0 || live.frames < wanted) {
		return;
	}
	tocsin_source_stop(live.source);
	live.started = false;
	live.cycle += (int64_t)((uint64_t)bundle->period_ms * SECOND / 1000);
	stream_sleep(K_TIMEOUT_ABS_TICKS(live.cycle));
	/* A listening that a fault drew out beyond its period is followed by the next at once. */
	live.cycle = MAX(live.cycle, k_uptime_ticks());
	live.woken = k_uptime_ticks();
	live.behind = true;
	live.frames = 0;
}

void live_run(const struct device *source, const struct tocsin_source_format *format)
{
	live.source = source;
	live.format = format;
	live.started = false;
	live.behind = false;
	live.faulty = false;
	live.heard = k_uptime_ticks();
	live.woken = 0;
	live.delay = CONFIG_TOCSIN_SENSOR_RESTART_MIN_MS;
	live.cycle = live.heard;
	live.frames = 0;
	sensor_begin(format);
	while (stream_goes_on()) {
		if (!live.started) {
			start();
		} else {
			listen();
			rest();
		}
	}
	if (live.started) {
		tocsin_source_stop(source);
	}
	if (live.behind) {
		stream_skip(frames_in(k_uptime_ticks() - live.heard),
			    live.woken != 0 ? frames_in(live.woken - live.heard) : 0);
	}
	sensor_end(tocsin_ring_write_index(&pipeline.ring));
}
