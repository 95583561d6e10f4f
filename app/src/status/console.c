/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <math.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "measure/decimal.h"
#include "measure/stats.h"
#include "messages/channels.h"
#include "pipeline/pipeline.h"
#include "sensor/sensor.h"
#include "sensor/sources.h"
#include "status/console.h"
#include "status/report.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

/* Whoever has just switched the node on wants to know soon. */
#define FIRST_MS  (10 * MSEC_PER_SEC)
#define PERIOD_MS (CONFIG_TOCSIN_CONSOLE_PERIOD_S * MSEC_PER_SEC)

static int64_t due = FIRST_MS; /* of k_uptime_get() */
static uint32_t windows;       /* these counters, as they were when it was last told */
static uint32_t skipped;
static uint32_t lost;

static void note_counters(void)
{
	windows = stats_get(STATS_WINDOWS);
	skipped = stats_get(STATS_SKIPPED);
	lost = stats_get(STATS_LOST);
}

void console_stream(void)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);
	const struct tocsin_bundle *bundle = &pipeline.bundle;

	due = k_uptime_get() + FIRST_MS;
	note_counters();
	if (state->replay) {
		LOG_INF("a desk's recording is heard now, and the sensor is off");
	} else {
		LOG_INF("listening to %s: %s, %u Hz x %u; alarm from a score of %s, over below %s",
			sources_live()->name,
			bundle->sensor == TOCSIN_BUNDLE_VIBRATION ? "vibration" : "sound",
			bundle->dsp.sample_rate, bundle->dsp.channels,
			SCORE(bundle->decide.threshold_on), SCORE(bundle->decide.threshold_off));
	}
}

uint32_t console_rest_ms(void)
{
	if (PERIOD_MS == 0) {
		return UINT32_MAX;
	}
	return (uint32_t)CLAMP(due - k_uptime_get(), 0, UINT32_MAX);
}

/* All is well only where something was heard, nothing was left out, and no alarm is on. */
static const char *how_it_is(const struct report_latest *latest)
{
	if (latest->active) {
		return "the ALARM goes on";
	}
	if (stats_get(STATS_WINDOWS) == windows || isnan(latest->smoothed)) {
		return "listening, without a score yet";
	}
	if (stats_get(STATS_SKIPPED) != skipped || stats_get(STATS_LOST) != lost) {
		return "no alarm, but not all was heard";
	}
	return "all is well";
}

static void tell_detector(void)
{
	const struct report_latest latest = report_latest_get();

	LOG_INF("%s: score %s, threshold %s; %u windows, %u skipped, %u frames lost",
		how_it_is(&latest), SCORE(latest.smoothed),
		SCORE(pipeline.bundle.decide.threshold_on), stats_get(STATS_WINDOWS) - windows,
		stats_get(STATS_SKIPPED) - skipped, stats_get(STATS_LOST) - lost);
}

/* What the sensor is, where it is not well; NULL where it is. */
static const char *what_is_wrong(void)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);
	struct sensor_state sensor;

	if (!state->run) {
		return "off: no bundle runs, or not on this sensor";
	}
	if (state->replay) {
		return "off: a desk's recording is heard";
	}
	sensor_get(&sensor);
	return sensor.condition == TOCSIN_SOURCE_OK
		       ? NULL
		       : tocsin_source_condition_name(sensor.condition);
}

void console_tell(void)
{
	const char *wrong;

	if (console_rest_ms() > 0) {
		return;
	}
	wrong = what_is_wrong();
	if (wrong != NULL) {
		LOG_WRN("sensor still %s", wrong);
	} else {
		tell_detector();
	}
	due = k_uptime_get() + PERIOD_MS;
	note_counters();
}
