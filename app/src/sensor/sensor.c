/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include "measure/stats.h"
#include "messages/channels.h"
#include "sensor/sensor.h"

/* The rate is measured over so many seconds: at the default block of 10 ms, to 0.2 %. */
#define RATE_SECONDS  5
#define OFF_RATE_PART 50 /* one in fifty: 2 % */

/* Changes that could not be told yet; more than two at once are one after the other's end. */
#define CHANGES 4

static struct sensor_state state;
static uint64_t fault_end; /* no fault from here on, unless there is one now */
static struct k_spinlock lock;

/* Acquisition's alone. */
static struct tocsin_source_health health;
static uint32_t nominal; /* Hz */
static struct {
	bool running;
	int64_t begun; /* ticks, when the sample before `first` came */
	uint64_t first;
	bool off; /* the last measurement */
	uint64_t off_since;
} rate;
static struct outcome changes[CHANGES];
static uint32_t untold; /* of them */

/* Told in order, without waiting: what finds no room is told with the next samples. */
static void tell(void)
{
	while (untold > 0 && outcome_publish(&changes[0], K_NO_WAIT) == 0) {
		untold--;
		for (uint32_t i = 0; i < untold; i++) {
			changes[i] = changes[i + 1];
		}
	}
}

static void add_change(enum tocsin_source_condition condition, bool begins, uint64_t index)
{
	if (untold == CHANGES) {
		stats_count(STATS_UNTOLD, 1);
		return;
	}
	changes[untold++] = (struct outcome){
		.kind = OUTCOME_SENSOR,
		.sensor = {.condition = condition, .begins = begins, .index = index},
	};
}

static void become(enum tocsin_source_condition condition, uint64_t since, uint64_t now)
{
	const enum tocsin_source_condition before = state.condition;

	if (condition == before) {
		tell();
		return;
	}
	K_SPINLOCK(&lock)
	{
		state.condition = condition;
		state.since = condition != TOCSIN_SOURCE_OK ? since : now;
		state.faults += condition != TOCSIN_SOURCE_OK;
		fault_end = now;
	}
	if (before != TOCSIN_SOURCE_OK) {
		add_change(before, false, now);
	}
	if (condition != TOCSIN_SOURCE_OK) {
		add_change(condition, true, since);
	}
	tell();
}

void sensor_begin(const struct tocsin_source_format *format)
{
	const struct tocsin_source_health_config cfg = tocsin_source_health_config_at(
		format->channels, format->sample_rate, CONFIG_TOCSIN_SENSOR_STUCK_MS,
		CONFIG_TOCSIN_SENSOR_RAILS_PERMILLE);

	/* The bundle has been checked: it has as many channels as a source may have. */
	(void)tocsin_source_health_init(&health, &cfg);
	nominal = format->sample_rate;
	rate.running = false;
	rate.off = false;
	K_SPINLOCK(&lock)
	{
		state.condition = TOCSIN_SOURCE_OK;
		state.since = 0;
		state.rate_millihertz = 0;
		fault_end = 0;
	}
}

static void measure_rate(uint64_t end)
{
	const int64_t now = k_uptime_ticks();
	const uint64_t ticks = (uint64_t)(now - rate.begun);
	uint64_t millihertz;

	if (rate.running && ticks < (uint64_t)RATE_SECONDS * CONFIG_SYS_CLOCK_TICKS_PER_SEC) {
		return;
	}
	if (rate.running) {
		/* Losses that the source told are part of the index: the clock goes on over them.
		 */
		millihertz = (end - rate.first) * 1000 * CONFIG_SYS_CLOCK_TICKS_PER_SEC / ticks;
		rate.off =
			millihertz * OFF_RATE_PART >
				(uint64_t)nominal * 1000 * (OFF_RATE_PART + 1) ||
			millihertz * OFF_RATE_PART < (uint64_t)nominal * 1000 * (OFF_RATE_PART - 1);
		if (rate.off && state.condition != TOCSIN_SOURCE_OFF_RATE) {
			rate.off_since = rate.first;
		}
		K_SPINLOCK(&lock)
		{
			state.rate_millihertz = (uint32_t)MIN(millihertz, UINT32_MAX);
		}
	}
	rate.running = true;
	rate.begun = now;
	rate.first = end;
}

void sensor_heard(uint64_t index, const int16_t *samples, size_t frames)
{
	enum tocsin_source_condition condition;
	uint64_t since = index;

	measure_rate(index + frames);
	condition = tocsin_source_health_push(&health, index, samples, frames, &since);
	if (condition == TOCSIN_SOURCE_OK && rate.off) {
		condition = TOCSIN_SOURCE_OFF_RATE;
		since = rate.off_since;
	}
	become(condition, since, index);
}

void sensor_silent(enum tocsin_source_condition condition, uint64_t index)
{
	become(condition, index, index);
}

void sensor_restarted(bool after_a_fault)
{
	rate.running = false;
	if (after_a_fault) {
		K_SPINLOCK(&lock)
		{
			state.restarts++;
		}
	}
}

void sensor_end(uint64_t index)
{
	become(TOCSIN_SOURCE_OK, index, index);
}

void sensor_get(struct sensor_state *copy)
{
	K_SPINLOCK(&lock)
	{
		*copy = state;
	}
}

bool sensor_in_fault(uint64_t begin)
{
	bool fault = false;

	K_SPINLOCK(&lock)
	{
		fault = state.condition != TOCSIN_SOURCE_OK || begin < fault_end;
	}
	return fault;
}
