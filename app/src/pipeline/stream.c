/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>

#include "measure/stats.h"
#include "messages/channels.h"
#include "pipeline/pauses.h"
#include "pipeline/pipeline.h"
#include "pipeline/stream.h"
#include "pipeline/tap.h"

static K_SEM_DEFINE(stop, 0, 1);
static atomic_t keep_running;

void stream_start(void)
{
	atomic_set(&keep_running, 1);
}

void stream_stop(void)
{
	atomic_set(&keep_running, 0);
	k_sem_give(&stop);
}

void stream_begin(void)
{
	k_sem_reset(&stop); /* of a stream before; this one's end is in keep_running */
}

bool stream_goes_on(void)
{
	return atomic_get(&keep_running) != 0;
}

void stream_sleep(k_timeout_t timeout)
{
	if (stream_goes_on()) {
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

void stream_skip(uint64_t frames, uint64_t slept)
{
	if (slept > 0) {
		pauses_add(tocsin_ring_write_index(&pipeline.ring), slept);
		stats_slept(slept);
	}
	tocsin_ring_skip(&pipeline.ring, frames);
	tap_lost(frames);
}

void stream_write(const struct tocsin_source_block *block)
{
	stream_skip(block->lost, 0);
	if (block->frames > 0) {
		(void)tocsin_ring_write(&pipeline.ring, block->samples, block->frames);
		tap_samples(block->samples, block->frames);
		stats_samples(tocsin_ring_write_index(&pipeline.ring),
			      (uint32_t)tocsin_ring_fill(&pipeline.ring));
		tell(false, TOCSIN_LINK_REPLAY_WHOLE);
	}
}

void stream_end(enum tocsin_link_replay_end why)
{
	tell(true, why);
}
