/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * From the source into the ring. The highest thread of the application: whatever the others do, it
 * comes in time for the source's own buffer. It waits for nobody but the source, except for a
 * source that waits in turn (a recording), which it reads only as far as the ring has room.
 *
 * A live source that fails is no end: live.c starts it again.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include <tocsin/source_replay.h>

#include "host/recorder.h"
#include "measure/stats.h"
#include "messages/channels.h"
#include "pipeline/acquisition.h"
#include "pipeline/pauses.h"
#include "pipeline/pipeline.h"
#include "sensor/sources.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static K_SEM_DEFINE(begin, 0, 1);
static K_SEM_DEFINE(stop, 0, 1);
static atomic_t keep_running;
static bool replaying;                      /* written before `begin` is given */
static enum tocsin_link_replay_end stopped; /* why, written before `keep_running` is cleared */

static void stream_changed(const struct zbus_channel *channel)
{
	const struct stream_state *state = zbus_chan_const_msg(channel);

	if (state->run) {
		replaying = state->replay;
		atomic_set(&keep_running, 1);
		k_sem_give(&begin);
	} else {
		stopped = state->why;
		atomic_set(&keep_running, 0);
		k_sem_give(&stop);
	}
}

ZBUS_LISTENER_DEFINE(acquisition_listener, stream_changed);

bool acquisition_goes_on(void)
{
	return atomic_get(&keep_running) != 0;
}

void acquisition_wait(k_timeout_t timeout)
{
	if (acquisition_goes_on()) {
		(void)k_sem_take(&stop, timeout);
	}
}

static void tell(bool ended, enum tocsin_link_replay_end why)
{
	const struct samples_state state = {
		.ended = ended,
		.why = why,
		.total = tocsin_ring_write_index(&pipeline.ring),
	};

	/* Nobody else publishes or reads here, and a buffer is left (channels.c): never waits. */
	(void)zbus_chan_pub(&samples_chan, &state, K_FOREVER);
}

void acquisition_skip(uint64_t frames, uint64_t slept)
{
	if (slept > 0) {
		pauses_add(tocsin_ring_write_index(&pipeline.ring), slept);
		stats_slept(slept);
	}
	tocsin_ring_skip(&pipeline.ring, frames);
	recorder_lost(frames);
}

void acquisition_take(const struct tocsin_source_block *block)
{
	acquisition_skip(block->lost, 0);
	if (block->frames > 0) {
		(void)tocsin_ring_write(&pipeline.ring, block->samples, block->frames);
		recorder_samples(block->samples, block->frames);
		stats_samples(tocsin_ring_write_index(&pipeline.ring),
			      (uint32_t)tocsin_ring_fill(&pipeline.ring));
		tell(false, TOCSIN_LINK_REPLAY_WHOLE);
	}
}

#if defined(CONFIG_TOCSIN_SOURCE_REPLAY)

/* Whether a desk has gone away in the midst of its recording: nothing has come for so long, though
 * it was waited for. A device that is slow lets its desk wait; that is no silence of the desk. */
static bool desk_is_gone(int64_t waiting_since)
{
	const int64_t since = MAX(waiting_since, tocsin_source_replay_heard(sources_replay()));

	return replaying && k_uptime_get() - since >= CONFIG_TOCSIN_DESK_TIMEOUT_MS;
}

#else

static bool desk_is_gone(int64_t waiting_since)
{
	ARG_UNUSED(waiting_since);
	return false;
}

#endif

/* A recording: 0 where it was told to end, or why it is over. */
static int run_paced(const struct device *source, const struct tocsin_source_format *format)
{
	struct tocsin_source_block block;
	int64_t waiting_since = k_uptime_get();
	int err = tocsin_source_start(source, format);

	while (err == 0 && acquisition_goes_on()) {
		const size_t most = MIN(tocsin_ring_space(&pipeline.ring), recorder_space());

		if (most == 0) {
			(void)k_sem_take(&pipeline.room, ACQUISITION_PATIENCE);
			waiting_since = k_uptime_get();
			continue;
		}
		err = tocsin_source_read(source, most, ACQUISITION_PATIENCE, &block);
		if (err == 0) {
			acquisition_take(&block);
			waiting_since = k_uptime_get();
		} else if (err == -EAGAIN) {
			err = desk_is_gone(waiting_since) ? -ETIMEDOUT : 0;
		}
	}
	tocsin_source_stop(source);
	return err;
}

static enum tocsin_link_replay_end end_of(int err)
{
	switch (err) {
	case 0:
		return stopped;
	case -ENODATA:
		return TOCSIN_LINK_REPLAY_WHOLE;
	case -ETIMEDOUT:
		return TOCSIN_LINK_REPLAY_SILENT;
	default:
		return TOCSIN_LINK_REPLAY_FAILED;
	}
}

static void run_stream(const struct device *source)
{
	const struct tocsin_source_format format = pipeline_format();
	int err = 0;

	recorder_begin(format.sample_rate, format.channels);
	pauses_begin();
	stats_stream_begin(pipeline.plan.ring_capacity);
	if (pipeline.paced) {
		err = run_paced(source, &format);
	} else {
		live_run(source, &format);
	}
	if (end_of(err) == TOCSIN_LINK_REPLAY_FAILED) {
		LOG_ERR("source %s failed (%d)", source->name, err);
	}
	recorder_end();
	tell(true, end_of(err));
}

static void acquisition_thread(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (true) {
		(void)k_sem_take(&begin, K_FOREVER);
		k_sem_reset(&stop); /* of a stream before; this one's end is in keep_running */
		run_stream(replaying ? sources_replay() : sources_live());
	}
}

K_THREAD_DEFINE(acquisition, CONFIG_TOCSIN_ACQUISITION_STACK_SIZE, acquisition_thread, NULL, NULL,
		NULL, CONFIG_TOCSIN_ACQUISITION_PRIORITY, 0, 0);
