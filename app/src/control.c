/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Only here do streams begin and bundles change, and only while no stream runs: so no other thread
 * needs a lock on the pipeline. A stream ends on its own (the end of a recording) or because it is
 * told to; either way its end travels through all stages, and COMMAND_OVER says that it is through.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "background.h"
#include "bundles.h"
#include "channels.h"
#include "control.h"
#include "desk.h"
#include "pipeline.h"
#include "sources.h"
#include "stats.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

K_MSGQ_DEFINE(commands, sizeof(struct command), 8, 4);
static K_SEM_DEFINE(over, 0, 1);
static bool running;

static void commanded(const struct zbus_channel *channel)
{
	const struct command *command = zbus_chan_const_msg(channel);

	if (command->kind == COMMAND_OVER) {
		k_sem_give(&over);
	}
	if (k_msgq_put(&commands, command, K_NO_WAIT) != 0) {
		LOG_WRN("too many commands at once: one dropped");
	}
}

ZBUS_LISTENER_DEFINE(control_listener, commanded);

static void begin(bool replay)
{
	const struct stream_state state = {.run = true, .replay = replay};

	const bool paced = replay || tocsin_source_is_paced(sources_live());

	if (!pipeline.ready || pipeline_begin(paced) != 0) {
		return;
	}
	k_sem_reset(&over);
	running = true;
	stats_count(STATS_STREAMS, 1);
	(void)zbus_chan_pub(&stream_chan, &state, K_FOREVER);
}

static void end(void)
{
	struct stream_state state = *(const struct stream_state *)zbus_chan_const_msg(&stream_chan);

	if (!running) {
		return;
	}
	state.run = false; /* but still a recording, if it was: its report is waited for */
	(void)zbus_chan_pub(&stream_chan, &state, K_FOREVER);
	(void)k_sem_take(&over, K_FOREVER);
	running = false;
}

static void go_live(void)
{
	const struct device *source = sources_live();
	const struct tocsin_source_format format = pipeline_format();

	if (!pipeline.ready || source == NULL || source == sources_replay()) {
		return; /* wait for a host */
	}
	/* A sensor that is not there may come later: acquisition sees to it. */
	if (tocsin_source_check(source, &format) != 0) {
		LOG_ERR("source %s cannot give %u Hz x %u, which the bundle wants", source->name,
			format.sample_rate, format.channels);
		return;
	}
	begin(false);
}

static int replay(const struct command *command)
{
	const struct tocsin_source_format format = pipeline_format();

	if (sources_replay() == NULL) {
		return -ENOSYS;
	}
	if (!pipeline.ready) {
		return -ENOENT;
	}
	if (command->sample_rate != format.sample_rate || command->channels != format.channels) {
		LOG_WRN("a recording of %u Hz x %u was offered, the bundle wants %u Hz x %u",
			command->sample_rate, command->channels, format.sample_rate,
			format.channels);
		return -EDOM;
	}
	end();
	begin(true);
	return running ? 0 : -EIO;
}

/* While the bundle is examined the stream goes on; it ends only for one that can be run. */
static int use_bundle(const void *data, size_t size, int slot)
{
	const int priority = background_begin();
	int err = pipeline_check(data, size);

	background_end(priority);

	if (err != 0) {
		return err;
	}
	end();
	err = pipeline_use(data, size);
	if (err == 0) {
		bundles_set_running(slot, size);
	}
	go_live();
	return err;
}

static int use_default(void)
{
	size_t size;
	const void *data = bundles_default(&size);

	return use_bundle(data, size, BUNDLES_EMBEDDED);
}

/* What ran before the reset; the embedded bundle where that was it, or cannot run any more. */
static int use_last(void)
{
	size_t size;
	const int slot = bundles_last(&size);

	if (slot != BUNDLES_EMBEDDED) {
		if (use_bundle(bundles_slot((uint32_t)slot), size, slot) == 0) {
			return 0;
		}
		LOG_ERR("the bundle that ran before the reset cannot; taking the embedded one");
	}
	return use_default();
}

static void obey(const struct command *command)
{
	int err;

	switch (command->kind) {
	case COMMAND_REPLAY:
		desk_send_result(TOCSIN_LINK_REPLAY_START, replay(command));
		break;
	case COMMAND_ABORT:
		if (running &&
		    ((const struct stream_state *)zbus_chan_const_msg(&stream_chan))->replay) {
			end();
			go_live();
		}
		desk_send_result(TOCSIN_LINK_REPLAY_ABORT, 0);
		break;
	case COMMAND_USE_BUNDLE:
		err = use_bundle(bundles_slot(command->slot), command->size, (int)command->slot);
		bundles_settle(); /* before the answer, which another upload may follow at once */
		desk_send_result(TOCSIN_LINK_BUNDLE_COMMIT, err);
		break;
	case COMMAND_USE_DEFAULT:
		desk_send_result(TOCSIN_LINK_BUNDLE_DEFAULT, use_default());
		break;
	case COMMAND_OVER:
		/* Of a stream that ended on its own; end() has taken the others. */
		if (running && k_sem_take(&over, K_NO_WAIT) == 0) {
			running = false;
			go_live();
		}
		break;
	}
}

void control_run(void)
{
	struct command command;

	if (use_last() != 0) {
		LOG_ERR("the embedded bundle cannot run; waiting for another");
	}
	while (true) {
		(void)k_msgq_get(&commands, &command, K_FOREVER);
		obey(&command);
	}
}
