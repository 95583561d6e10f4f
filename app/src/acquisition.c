/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * From the source into the ring. The highest thread of the application: whatever the others do, it
 * comes in time for the source's own buffer. It waits for nobody but the source, except for a
 * source that waits in turn (a recording), which it reads only as far as the ring has room.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "channels.h"
#include "pipeline.h"
#include "recorder.h"
#include "sources.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

/* How soon a stream that is told to end does, at the latest. */
#define PATIENCE K_MSEC(100)

static K_SEM_DEFINE(begin, 0, 1);
static atomic_t keep_running;
static bool replaying; /* written before `begin` is given */

static void stream_changed(const struct zbus_channel *channel)
{
	const struct stream_state *state = zbus_chan_const_msg(channel);

	atomic_set(&keep_running, state->run);
	if (state->run) {
		replaying = state->replay;
		k_sem_give(&begin);
	}
}

ZBUS_LISTENER_DEFINE(acquisition_listener, stream_changed);

static void tell(bool ended)
{
	const struct samples_state state = {
		.ended = ended,
		.total = tocsin_ring_write_index(&pipeline.ring),
	};

	/* Nobody else publishes or reads here, so this never waits. */
	(void)zbus_chan_pub(&samples_chan, &state, K_FOREVER);
}

/* A block of the source into the ring. 0, or why the stream is over. */
static int step(const struct device *source, bool paced)
{
	struct tocsin_source_block block;
	size_t most = SIZE_MAX;
	int err;

	if (paced) {
		most = MIN(tocsin_ring_space(&pipeline.ring), recorder_space());
		if (most == 0) {
			(void)k_sem_take(&pipeline.room, PATIENCE);
			return 0;
		}
	}
	err = tocsin_source_read(source, most, PATIENCE, &block);
	if (err == -EAGAIN) {
		return 0;
	}
	if (err != 0) {
		return err;
	}
	if (block.lost > 0) {
		tocsin_ring_skip(&pipeline.ring, block.lost);
		recorder_lost(block.lost);
	}
	if (block.frames > 0) {
		(void)tocsin_ring_write(&pipeline.ring, block.samples, block.frames);
		recorder_samples(block.samples, block.frames);
		tell(false);
	}
	return 0;
}

static void run_stream(const struct device *source)
{
	const struct tocsin_source_format format = pipeline_format();
	const bool paced = tocsin_source_is_paced(source);
	int err = tocsin_source_start(source, &format);

	recorder_begin(format.sample_rate, format.channels);
	while (err == 0 && atomic_get(&keep_running)) {
		err = step(source, paced);
	}
	if (err != 0 && err != -ENODATA) {
		LOG_ERR("source %s failed (%d)", source->name, err);
	}
	tocsin_source_stop(source);
	recorder_end();
	tell(true);
}

static void acquisition_thread(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (true) {
		(void)k_sem_take(&begin, K_FOREVER);
		run_stream(replaying ? sources_replay() : sources_live());
	}
}

K_THREAD_DEFINE(acquisition, CONFIG_TOCSIN_ACQUISITION_STACK_SIZE, acquisition_thread, NULL, NULL,
		NULL, CONFIG_TOCSIN_ACQUISITION_PRIORITY, 0, 0);
