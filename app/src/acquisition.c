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

#include "acquisition.h"
#include "channels.h"
#include "pauses.h"
#include "pipeline.h"
#include "recorder.h"
#include "sources.h"
#include "stats.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static K_SEM_DEFINE(begin, 0, 1);
static K_SEM_DEFINE(stop, 0, 1);
static atomic_t keep_running;
static bool replaying; /* written before `begin` is given */

static void stream_changed(const struct zbus_channel *channel)
{
	const struct stream_state *state = zbus_chan_const_msg(channel);

	atomic_set(&keep_running, state->run);
	if (state->run) {
		replaying = state->replay;
		k_sem_give(&begin);
	} else {
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

static void tell(bool ended)
{
	const struct samples_state state = {
		.ended = ended,
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
		tell(false);
	}
}

/* A recording: 0, or why it is over. */
static int run_paced(const struct device *source, const struct tocsin_source_format *format)
{
	struct tocsin_source_block block;
	int err = tocsin_source_start(source, format);

	while (err == 0 && acquisition_goes_on()) {
		const size_t most = MIN(tocsin_ring_space(&pipeline.ring), recorder_space());

		if (most == 0) {
			(void)k_sem_take(&pipeline.room, ACQUISITION_PATIENCE);
			continue;
		}
		err = tocsin_source_read(source, most, ACQUISITION_PATIENCE, &block);
		if (err == 0) {
			acquisition_take(&block);
		} else if (err == -EAGAIN) {
			err = 0;
		}
	}
	tocsin_source_stop(source);
	return err;
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
	if (err != 0 && err != -ENODATA) {
		LOG_ERR("source %s failed (%d)", source->name, err);
	}
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
		k_sem_reset(&stop); /* of a stream before; this one's end is in keep_running */
		run_stream(replaying ? sources_replay() : sources_live());
	}
}

K_THREAD_DEFINE(acquisition, CONFIG_TOCSIN_ACQUISITION_STACK_SIZE, acquisition_thread, NULL, NULL,
		NULL, CONFIG_TOCSIN_ACQUISITION_PRIORITY, 0, 0);
