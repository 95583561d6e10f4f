/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Tells the console and the desk what came of the samples, in its order, and at once: in the thread
 * that publishes it. That is the detector, or acquisition where the sensor changes; acquisition has
 * no time to wait, and with a live source nothing here does.
 */

#include <math.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "host/host.h"
#include "measure/decimal.h"
#include "messages/channels.h"
#include "messages/control_inbox.h"
#include "pipeline/pipeline.h"
#include "status/report.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static struct desk_summary summary; /* of the stream so far; under the channel's lock */

/* Each is written in one piece, and read one by one: the newest, or the one before. */
static volatile float smoothed = NAN;
static volatile bool active;

struct report_latest report_latest_get(void)
{
	return (struct report_latest){.smoothed = smoothed, .active = active};
}

/* Not inlined, or report() would have all their texts on the publisher's stack at once. */
static __noinline void log_event(const struct tocsin_decide_event *event)
{
	const bool begins = event->kind == TOCSIN_DECIDE_BEGIN;
	const uint64_t index = begins ? event->begin : event->end;

	LOG_WRN("ALARM %s at %s (sample %s): greatest score %s, threshold %s",
		begins ? "begins" : "ends", TIME(index, pipeline.bundle.dsp.sample_rate),
		DECIMAL(index), SCORE(event->peak), SCORE(pipeline.bundle.decide.threshold_on));
}

static __noinline void log_gap(const struct gap *gap)
{
	if (gap->at.count > gap->slept) {
		LOG_WRN("%s frames lost at sample %s", DECIMAL(gap->at.count - gap->slept),
			DECIMAL(gap->at.index));
	} else {
		LOG_INF("slept through %s frames at sample %s", DECIMAL(gap->slept),
			DECIMAL(gap->at.index));
	}
}

static __noinline void log_sensor(const struct outcome *outcome)
{
	const char *name = tocsin_source_condition_name(outcome->sensor.condition);

	if (outcome->sensor.begins) {
		LOG_ERR("sensor %s since sample %s", name, DECIMAL(outcome->sensor.index));
	} else {
		LOG_WRN("sensor no longer %s, at sample %s", name, DECIMAL(outcome->sensor.index));
	}
}

static __noinline void log_replay(void)
{
	static const char *const ends[] = {
		[TOCSIN_LINK_REPLAY_WHOLE] = "is through",
		[TOCSIN_LINK_REPLAY_ABORTED] = "was ended by its desk",
		[TOCSIN_LINK_REPLAY_SILENT] = "is given up, its desk was silent",
		[TOCSIN_LINK_REPLAY_CONSOLE] = "was ended at the console",
		[TOCSIN_LINK_REPLAY_REPLACED] = "had to make way for another or a bundle",
		[TOCSIN_LINK_REPLAY_FAILED] = "failed",
	};

	LOG_INF("replay of %s frames %s: %u windows, %u events, %u gaps", DECIMAL(summary.frames),
		ends[summary.why], summary.windows, summary.events, summary.gaps);
}

static __noinline void end_stream(const struct outcome *outcome)
{
	summary.frames = outcome->ending.total;
	summary.why = outcome->ending.why;
	if (outcome->replay) {
		log_replay();
		desk_send_done(&summary);
	}
	summary = (struct desk_summary){0};
	smoothed = NAN;
	active = false;
	control_stream_over();
}

static void report(const struct zbus_channel *channel)
{
	const struct outcome *outcome = zbus_chan_const_msg(channel);

	desk_send_outcome(outcome);
	switch (outcome->kind) {
	case OUTCOME_WINDOW:
		summary.windows++;
		smoothed = outcome->window.smoothed;
		active = outcome->active;
		LOG_DBG("window %s score %s", DECIMAL(outcome->window.at.begin),
			SCORE(outcome->window.score));
		break;
	case OUTCOME_EVENT:
		summary.events++;
		log_event(&outcome->event);
		break;
	case OUTCOME_GAP:
		summary.gaps++;
		summary.lost += outcome->gap.at.count - outcome->gap.slept;
		log_gap(&outcome->gap);
		break;
	case OUTCOME_SENSOR:
		log_sensor(outcome);
		break;
	case OUTCOME_END:
		end_stream(outcome);
		break;
	}
}

ZBUS_LISTENER_DEFINE(report_listener, report);
