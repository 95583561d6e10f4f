/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* No Zephyr in here: tested on the host. */

#include <errno.h>

#include <tocsin/source_health.h>

#define SPAN_MAX (UINT32_C(1) << 24) /* times 1000 and a share still fits 64 bits by far */

struct tocsin_source_health_config tocsin_source_health_config_at(uint32_t channels,
								  uint32_t sample_rate,
								  uint32_t stuck_ms,
								  uint32_t rails_permille)
{
	uint64_t stuck = (uint64_t)sample_rate * stuck_ms / 1000;
	uint32_t span = sample_rate < 1 ? 1 : sample_rate;

	if (stuck < TOCSIN_SOURCE_STUCK_FRAMES_MIN) {
		stuck = TOCSIN_SOURCE_STUCK_FRAMES_MIN;
	}
	return (struct tocsin_source_health_config){
		.channels = channels,
		.stuck_frames = stuck > UINT32_MAX ? UINT32_MAX : (uint32_t)stuck,
		.span_frames = span > SPAN_MAX ? SPAN_MAX : span,
		.rails_permille = rails_permille,
	};
}

int tocsin_source_health_init(struct tocsin_source_health *health,
			      const struct tocsin_source_health_config *cfg)
{
	if (health == NULL || cfg == NULL || cfg->channels < 1 ||
	    cfg->channels > TOCSIN_SOURCE_CHANNELS_MAX || cfg->stuck_frames < 2 ||
	    cfg->span_frames < 1 || cfg->span_frames > SPAN_MAX || cfg->rails_permille > 999) {
		return -EINVAL;
	}
	*health = (struct tocsin_source_health){.cfg = *cfg};
	return 0;
}

/* Runs of equal values. */
static void look_at_change(struct tocsin_source_health *health, uint64_t index,
			   const int16_t *frame)
{
	for (uint32_t c = 0; c < health->cfg.channels; c++) {
		if (!health->any || frame[c] != health->last[c]) {
			health->last[c] = frame[c];
			health->run[c] = 1;
			health->run_begin[c] = index;
		} else if (health->run[c] < UINT32_MAX) {
			health->run[c]++;
		}
	}
	health->any = true;
}

static void end_span(struct tocsin_source_health *health)
{
	bool saturated = false;

	for (uint32_t c = 0; c < health->cfg.channels; c++) {
		saturated =
			saturated || (uint64_t)health->at_rails[c] * 1000 >
					     (uint64_t)health->in_span * health->cfg.rails_permille;
		health->at_rails[c] = 0;
	}
	if (saturated && !health->saturated) {
		health->saturated_since = health->span_begin;
	}
	health->saturated = saturated;
	health->in_span = 0;
}

static void look_at_rails(struct tocsin_source_health *health, uint64_t index, const int16_t *frame)
{
	if (health->in_span == 0) {
		health->span_begin = index;
	}
	for (uint32_t c = 0; c < health->cfg.channels; c++) {
		health->at_rails[c] += frame[c] == INT16_MIN || frame[c] == INT16_MAX;
	}
	if (++health->in_span == health->cfg.span_frames) {
		end_span(health);
	}
}

/* The channel that has been stuck the longest, if any. */
static bool stuck(const struct tocsin_source_health *health, uint64_t *since)
{
	bool any = false;

	for (uint32_t c = 0; c < health->cfg.channels; c++) {
		if (health->run[c] >= health->cfg.stuck_frames &&
		    (!any || health->run_begin[c] < *since)) {
			any = true;
			*since = health->run_begin[c];
		}
	}
	return any;
}

enum tocsin_source_condition tocsin_source_health_push(struct tocsin_source_health *health,
						       uint64_t index, const int16_t *samples,
						       size_t frames, uint64_t *since)
{
	for (size_t i = 0; i < frames; i++) {
		look_at_change(health, index + i, &samples[i * health->cfg.channels]);
		look_at_rails(health, index + i, &samples[i * health->cfg.channels]);
	}
	if (stuck(health, since)) {
		return TOCSIN_SOURCE_STUCK;
	}
	if (health->saturated) {
		*since = health->saturated_since;
		return TOCSIN_SOURCE_SATURATED;
	}
	return TOCSIN_SOURCE_OK;
}

const char *tocsin_source_condition_name(enum tocsin_source_condition condition)
{
	static const char *const names[] = {
		[TOCSIN_SOURCE_OK] = "OK",
		[TOCSIN_SOURCE_ABSENT] = "ABSENT",
		[TOCSIN_SOURCE_FAILED] = "FAILED",
		[TOCSIN_SOURCE_STALLED] = "STALLED",
		[TOCSIN_SOURCE_STUCK] = "STUCK",
		[TOCSIN_SOURCE_SATURATED] = "SATURATED",
		[TOCSIN_SOURCE_OFF_RATE] = "OFF_RATE",
	};

	return (unsigned int)condition < sizeof(names) / sizeof(names[0]) ? names[condition] : "?";
}
