/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Only here do streams begin and bundles change, and only while no stream runs: so no other thread
 * needs a lock on the pipeline. A stream ends on its own (the end of a recording) or because it is
 * told to; either way its end travels through all stages, and control_stream_over() says that it is
 * through.
 *
 * What waits for a desk does not outlive it. A replay ends by itself (acquisition.c); an upload and
 * a recording are forgotten here and in recorder.c.
 */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "bundles/background.h"
#include "bundles/bundles.h"
#include "control.h"
#include "host/host.h"
#include "host/recorder.h"
#include "measure/stats.h"
#include "messages/channels.h"
#include "messages/control_inbox.h"
#include "pipeline/pipeline.h"
#include "sensor/sources.h"
#include "status/console.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static bool running;

static void begin(bool replay)
{
	const struct stream_state state = {.run = true, .replay = replay};
	const bool paced = replay || tocsin_source_is_paced(sources_live());

	if (!pipeline.ready || pipeline_begin(paced) != 0) {
		return;
	}
	k_sem_reset(&control_over);
	running = true;
	stats_count(STATS_STREAMS, 1);
	(void)zbus_chan_pub(&stream_chan, &state, K_FOREVER);
	console_stream();
}

static void end(enum tocsin_link_replay_end why)
{
	struct stream_state state = *(const struct stream_state *)zbus_chan_const_msg(&stream_chan);

	if (!running) {
		return;
	}
	state.run = false; /* but still a recording, if it was: its report is waited for */
	state.why = why;
	(void)zbus_chan_pub(&stream_chan, &state, K_FOREVER);
	(void)k_sem_take(&control_over, K_FOREVER);
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
	if (command->recording.sample_rate != format.sample_rate ||
	    command->recording.channels != format.channels) {
		LOG_WRN("a recording of %u Hz x %u was offered, the bundle wants %u Hz x %u",
			command->recording.sample_rate, command->recording.channels,
			format.sample_rate, format.channels);
		return -EDOM;
	}
	end(TOCSIN_LINK_REPLAY_REPLACED);
	begin(true);
	return running ? 0 : -EIO;
}

/* What the bundle leaves of the pool holds the samples of a recording until the next bundle. */
static void lend_spare(void)
{
	size_t size;
	uint8_t *const spare = pipeline_spare(&size);

	recorder_use(spare, size);
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
	end(TOCSIN_LINK_REPLAY_REPLACED);
	recorder_settle();
	err = pipeline_use(data, size);
	if (pipeline.ready) {
		lend_spare();
	}
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

static void end_replay(enum tocsin_link_replay_end why)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);

	if (running && state->replay) {
		end(why);
		go_live();
	}
}

static void obey(const struct command *command)
{
	int err;

	switch (command->kind) {
	case COMMAND_REPLAY:
		desk_send_result(TOCSIN_LINK_REPLAY_START, replay(command));
		break;
	case COMMAND_ABORT:
		end_replay(TOCSIN_LINK_REPLAY_ABORTED);
		desk_send_result(TOCSIN_LINK_REPLAY_ABORT, 0);
		break;
	case COMMAND_END_REPLAY:
		end_replay(TOCSIN_LINK_REPLAY_CONSOLE);
		break;
	case COMMAND_USE_BUNDLE:
		err = use_bundle(bundles_slot(command->bundle.slot), command->bundle.size,
				 (int)command->bundle.slot);
		bundles_settle(); /* before the answer, which another upload may follow at once */
		desk_send_result(TOCSIN_LINK_BUNDLE_COMMIT, err);
		break;
	case COMMAND_USE_DEFAULT:
		desk_send_result(TOCSIN_LINK_BUNDLE_DEFAULT, use_default());
		break;
	}
}

/* What a desk has left behind is let go of. */
static void forget_the_silent(void)
{
	const char *what = NULL;

	if (bundles_forget_silent()) {
		what = "upload";
	} else if (recorder_has_forgotten()) {
		what = "recording";
	}
	if (what != NULL) {
		LOG_WRN("a desk's %s is given up: it was silent for too long", what);
		control_wake(); /* there may be the other */
	}
}

void control_run(void)
{
	struct command command;

	if (use_last() != 0) {
		LOG_ERR("the embedded bundle cannot run; waiting for another");
	}
	while (true) {
		(void)k_sem_take(&control_work,
				 K_MSEC(MIN(bundles_patience_ms(), console_rest_ms())));
		if (running && k_sem_take(&control_over, K_NO_WAIT) == 0) {
			/* It ended on its own; end() has taken the others. */
			running = false;
			go_live();
		}
		while (k_msgq_get(&control_commands, &command, K_NO_WAIT) == 0) {
			obey(&command);
		}
		forget_the_silent();
		console_tell();
	}
}
