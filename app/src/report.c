/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Tells the console and the desk what came of the samples, in its order, and at once: in the thread
 * that publishes it. That is the detector, or acquisition where the sensor changes; acquisition has
 * no time to wait, and with a live source nothing here does.
 */

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "channels.h"
#include "decimal.h"
#include "desk.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

static struct desk_summary summary; /* of the stream so far; under the channel's lock */

/* Scores on the console in thousandths: printing floats would cost 4 KB of flash. */
static int64_t thousandths(float value)
{
	return (int64_t)(value * 1000.0f);
}

/* Not inlined, or report() would have all their texts on the publisher's stack at once. */
static __noinline void log_event(const struct tocsin_decide_event *event)
{
	if (event->kind == TOCSIN_DECIDE_BEGIN) {
		LOG_WRN("ALARM begins at sample %s, score %s/1000", DECIMAL(event->begin),
			DECIMAL(thousandths(event->peak)));
	} else {
		LOG_WRN("ALARM ends: samples %s to %s, greatest score %s/1000",
			DECIMAL(event->begin), DECIMAL(event->end),
			DECIMAL(thousandths(event->peak)));
	}
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

static __noinline void end_stream(const struct outcome *outcome)
{
	const struct command command = {.kind = COMMAND_OVER};

	summary.frames = outcome->total;
	if (outcome->replay) {
		LOG_INF("recording of %s frames: %u windows, %u events, %u gaps",
			DECIMAL(summary.frames), summary.windows, summary.events, summary.gaps);
		desk_send_done(&summary);
	}
	summary = (struct desk_summary){0};
	(void)zbus_chan_pub(&command_chan, &command, K_FOREVER);
}

static void report(const struct zbus_channel *channel)
{
	const struct outcome *outcome = zbus_chan_const_msg(channel);

	desk_send_outcome(outcome);
	switch (outcome->kind) {
	case OUTCOME_WINDOW:
		summary.windows++;
		LOG_DBG("window %s score %s/1000", DECIMAL(outcome->window.at.begin),
			DECIMAL(thousandths(outcome->window.score)));
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
