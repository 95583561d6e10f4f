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

#include "measure/stats.h"
#include "messages/channels.h"
#include "pipeline/live.h"
#include "pipeline/pauses.h"
#include "pipeline/pipeline.h"
#include "pipeline/stream.h"
#include "pipeline/tap.h"
#include "sensor/sources.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static K_SEM_DEFINE(begin, 0, 1);
static bool replaying;                      /* written before `begin` is given */
static enum tocsin_link_replay_end stopped; /* why, written before stream_stop() */

static void stream_changed(const struct zbus_channel *channel)
{
	const struct stream_state *state = zbus_chan_const_msg(channel);

	if (state->run) {
		replaying = state->replay;
		stream_start();
		k_sem_give(&begin);
	} else {
		stopped = state->why;
		stream_stop();
	}
}

ZBUS_LISTENER_DEFINE(acquisition_listener, stream_changed);

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

	while (err == 0 && stream_goes_on()) {
		const size_t most = MIN(tocsin_ring_space(&pipeline.ring), tap_space());

		if (most == 0) {
			(void)k_sem_take(&pipeline.room, STREAM_READ_TIMEOUT);
			waiting_since = k_uptime_get();
			continue;
		}
		err = tocsin_source_read(source, most, STREAM_READ_TIMEOUT, &block);
		if (err == 0) {
			stream_write(&block);
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

	tap_begin(&format);
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
	tap_end();
	stream_end(end_of(err));
}

static void acquisition_thread(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (true) {
		(void)k_sem_take(&begin, K_FOREVER);
		stream_begin();
		run_stream(replaying ? sources_replay() : sources_live());
	}
}

K_THREAD_DEFINE(acquisition, CONFIG_TOCSIN_ACQUISITION_STACK_SIZE, acquisition_thread, NULL, NULL,
		NULL, CONFIG_TOCSIN_ACQUISITION_PRIORITY, 0, 0);
