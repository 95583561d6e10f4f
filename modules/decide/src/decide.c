/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include <tocsin/decide.h>

/* Without isfinite(), which some C libraries make a function of libm. False for NaN. */
static bool is_finite(float x)
{
	return x >= -FLT_MAX && x <= FLT_MAX;
}

int tocsin_decide_check(const struct tocsin_decide_config *cfg)
{
	if (cfg == NULL || cfg->smooth < 1 || cfg->smooth > TOCSIN_DECIDE_SMOOTH_MAX ||
	    cfg->min_windows < 1 || !is_finite(cfg->threshold_on) ||
	    !is_finite(cfg->threshold_off) || cfg->threshold_off > cfg->threshold_on) {
		return -EINVAL;
	}
	return 0;
}

size_t tocsin_decide_needed_size(const struct tocsin_decide_config *cfg)
{
	return tocsin_decide_check(cfg) == 0 ? cfg->smooth * sizeof(float) : 0;
}

int tocsin_decide_init(struct tocsin_decide *decide, const struct tocsin_decide_config *cfg,
		       void *mem, size_t size)
{
	if (decide == NULL || mem == NULL || (uintptr_t)mem % _Alignof(float) != 0 ||
	    tocsin_decide_check(cfg) != 0) {
		return -EINVAL;
	}
	if (size < tocsin_decide_needed_size(cfg)) {
		return -ENOMEM;
	}

	memset(decide, 0, sizeof(*decide));
	decide->cfg = *cfg;
	decide->history = mem;
	return 0;
}

static void remember(struct tocsin_decide *decide, float score)
{
	decide->history[decide->next] = score;
	decide->next = decide->next + 1 < decide->cfg.smooth ? decide->next + 1 : 0;
	if (decide->filled < decide->cfg.smooth) {
		decide->filled++;
	}
}

/* Summed afresh each time: a running sum would drift, and differently after a gap. Once the history
 * is full, `next` is its oldest score. */
static float mean_of_history(const struct tocsin_decide *decide)
{
	float sum = 0.0f;
	float mean;

	for (uint32_t i = decide->next; i < decide->cfg.smooth; i++) {
		sum += decide->history[i];
	}
	for (uint32_t i = 0; i < decide->next; i++) {
		sum += decide->history[i];
	}
	mean = sum / (float)decide->cfg.smooth;
	return mean > FLT_MAX ? FLT_MAX : mean < -FLT_MAX ? -FLT_MAX : mean;
}

static void extend(struct tocsin_decide *decide, uint64_t end, float mean)
{
	decide->end = end;
	if (mean > decide->peak) {
		decide->peak = mean;
	}
}

/* No alarm is on: count the windows over the upper threshold. */
static enum tocsin_decide_event_kind judge_quiet(struct tocsin_decide *decide, uint64_t begin,
						 uint64_t end, float mean)
{
	if (mean < decide->cfg.threshold_on) {
		decide->above = 0;
		return TOCSIN_DECIDE_NONE;
	}
	if (decide->above == 0) {
		decide->begin = begin;
		decide->peak = mean;
	}
	extend(decide, end, mean);
	decide->above++;
	if (decide->above < decide->cfg.min_windows) {
		return TOCSIN_DECIDE_NONE;
	}
	decide->above = 0;
	decide->active = true;
	return TOCSIN_DECIDE_BEGIN;
}

/* An alarm is on: wait for the lower threshold. */
static enum tocsin_decide_event_kind judge_alarm(struct tocsin_decide *decide, uint64_t end,
						 float mean)
{
	if (mean >= decide->cfg.threshold_off) {
		extend(decide, end, mean);
		return TOCSIN_DECIDE_NONE;
	}
	decide->active = false;
	return TOCSIN_DECIDE_END;
}

int tocsin_decide_push(struct tocsin_decide *decide, uint64_t begin, uint64_t end, float score,
		       float *smoothed, struct tocsin_decide_event *event)
{
	const bool taken = end > begin;
	float mean = NAN;

	memset(event, 0, sizeof(*event));
	if (taken) {
		remember(decide, is_finite(score) ? score : FLT_MAX);
		if (decide->filled == decide->cfg.smooth) {
			mean = mean_of_history(decide);
			event->kind = decide->active ? judge_alarm(decide, end, mean)
						     : judge_quiet(decide, begin, end, mean);
		}
	}
	if (event->kind != TOCSIN_DECIDE_NONE) {
		event->begin = decide->begin;
		event->end = decide->end;
		event->peak = decide->peak;
	}
	if (smoothed != NULL) {
		*smoothed = mean;
	}
	return taken ? 0 : -EINVAL;
}

void tocsin_decide_gap(struct tocsin_decide *decide)
{
	decide->filled = 0;
	decide->next = 0;
	decide->above = 0;
}

bool tocsin_decide_active(const struct tocsin_decide *decide)
{
	return decide->active;
}
