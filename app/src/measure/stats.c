/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>

#include "measure/stats.h"

static uint32_t counters[STATS_COUNTERS]; /* under the lock; a word is read at once */

static struct {
	uint32_t count;
	uint32_t min;
	uint32_t max;
	uint32_t misses;
	uint64_t sum;
} times[STATS_STAGES];

static struct stats_stream stream;
static int64_t stream_begun;     /* ticks */
static struct stopwatch arrived; /* the newest block */
static struct k_spinlock lock;

void stats_count(enum stats_counter counter, uint64_t by)
{
	K_SPINLOCK(&lock)
	{
		counters[counter] += (uint32_t)MIN(by, UINT32_MAX - counters[counter]);
	}
}

uint32_t stats_get(enum stats_counter counter)
{
	return counters[counter];
}

void stats_time(enum stats_stage stage, uint32_t cycles, uint32_t deadline)
{
	K_SPINLOCK(&lock)
	{
		times[stage].min = times[stage].count == 0 ? cycles : MIN(times[stage].min, cycles);
		times[stage].max = MAX(times[stage].max, cycles);
		times[stage].sum += cycles;
		times[stage].count++;
		times[stage].misses += cycles > deadline;
	}
}

struct stats_time stats_time_get(enum stats_stage stage)
{
	struct stats_time time = {0};
	uint64_t sum = 0;

	K_SPINLOCK(&lock)
	{
		time.count = times[stage].count;
		time.min = times[stage].min;
		time.max = times[stage].max;
		time.misses = times[stage].misses;
		sum = times[stage].sum;
	}
	if (time.count > 0) {
		time.mean = (uint32_t)(sum / time.count);
	}
	return time;
}

void stats_stream_begin(uint32_t capacity)
{
	K_SPINLOCK(&lock)
	{
		stream = (struct stats_stream){.capacity = capacity};
		stream_begun = k_uptime_ticks();
	}
}

void stats_samples(uint64_t frames, uint32_t fill)
{
	const struct stopwatch now = stopwatch_start();

	K_SPINLOCK(&lock)
	{
		arrived = now;
		stream.frames = frames;
		stream.fill = fill;
		stream.fill_max = MAX(stream.fill_max, fill);
	}
}

void stats_slept(uint64_t frames)
{
	K_SPINLOCK(&lock)
	{
		stream.slept += frames;
	}
}

struct stats_stream stats_stream_get(void)
{
	struct stats_stream copy = {0};

	K_SPINLOCK(&lock)
	{
		copy = stream;
		copy.elapsed_us = k_ticks_to_us_near64((uint64_t)(k_uptime_ticks() - stream_begun));
	}
	return copy;
}

uint32_t stats_newest(struct stopwatch *when)
{
	uint32_t frames = 0;

	K_SPINLOCK(&lock)
	{
		*when = arrived;
		frames = (uint32_t)stream.frames;
	}
	return frames;
}

const char *stats_counter_name(enum stats_counter counter)
{
	static const char *const names[STATS_COUNTERS] = {
		[STATS_STREAMS] = "streams",        [STATS_WINDOWS] = "windows",
		[STATS_EVENTS] = "events",          [STATS_GAPS] = "gaps",
		[STATS_LOST] = "lost frames",       [STATS_REFUSED] = "windows refused",
		[STATS_UNTOLD] = "outcomes untold", [STATS_SKIPPED] = "windows skipped",
	};

	return names[counter];
}

const char *stats_stage_name(enum stats_stage stage)
{
	static const char *const names[STATS_STAGES] = {
		[STATS_FEATURES] = "features",
		[STATS_SCORE] = "score",
		[STATS_DECIDE] = "decide",
		[STATS_LATENCY] = "latency",
	};

	return names[stage];
}
