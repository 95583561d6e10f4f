/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <tocsin/source_pace.h>

#define BITS 16

/* Of an error of the predicted time, a quarter goes to the time, and what a mean over all blocks
 * would take of it to the period; of those seen so far, but at most MEMORY, as rates drift. */
#define TIME_GAIN 4
#define MEMORY    64

static int64_t nominal(const struct tocsin_pace *pace)
{
	return (((int64_t)pace->clock << BITS) + pace->rate / 2) / pace->rate;
}

void tocsin_pace_init(struct tocsin_pace *pace, uint32_t rate, uint32_t clock,
		      uint32_t slack_quarters, int64_t now)
{
	*pace = (struct tocsin_pace){.rate = rate, .clock = clock};
	pace->period = nominal(pace);
	pace->slack = pace->period * slack_quarters / 4;
	pace->doubt = pace->period / TOCSIN_PACE_TOLERANCE;
	tocsin_pace_set(pace, now);
}

void tocsin_pace_set(struct tocsin_pace *pace, int64_t now)
{
	pace->end = now * (INT64_C(1) << BITS);
}

void tocsin_pace_advance(struct tocsin_pace *pace, uint32_t frames, int64_t now)
{
	const int64_t latest = now * (INT64_C(1) << BITS);
	const int64_t end = pace->end + frames * pace->period;

	pace->end = end < latest ? end : latest;
}

uint64_t tocsin_pace_since(const struct tocsin_pace *pace, int64_t end)
{
	const int64_t between = pace->end - end + (INT64_C(1) << (BITS - 1));
	const uint64_t ticks = between > 0 ? (uint64_t)between >> BITS : 0;

	/* In two parts: days of ticks times the rate would overflow. */
	return ticks / pace->clock * pace->rate +
	       (ticks % pace->clock * pace->rate + pace->clock / 2) / pace->clock;
}

/* Follow the sensor's clock. */
static void follow(struct tocsin_pace *pace, uint32_t frames, int64_t error)
{
	const int64_t middle = nominal(pace);
	const int64_t most = middle / TOCSIN_PACE_TOLERANCE;

	pace->seen += pace->seen < MEMORY ? 1 : 0;
	pace->end += error / TIME_GAIN;
	pace->period += error / (int64_t)(pace->seen + 1) / (frames > 0 ? frames : 1);
	if (pace->period > middle + most) {
		pace->period = middle + most;
	} else if (pace->period < middle - most) {
		pace->period = middle - most;
	}
	pace->doubt -= pace->doubt / 16;
}

uint64_t tocsin_pace_block(struct tocsin_pace *pace, uint32_t frames, int64_t now)
{
	const int64_t expected = pace->end + frames * pace->period;
	const int64_t error = now * (INT64_C(1) << BITS) - expected;
	const int64_t slack = pace->slack + frames * pace->doubt;

	if (error >= slack) {
		const uint64_t lost = (uint64_t)((error + pace->period / 2) / pace->period);

		tocsin_pace_set(pace, now);
		return lost;
	}
	pace->end = expected;
	follow(pace, frames, error < -slack ? -slack : error);
	return 0;
}
