/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include "ring_model.h"

void ring_model_init(struct ring_model *model, size_t capacity)
{
	memset(model, 0, sizeof(*model));
	model->capacity = capacity;
}

/* How many of the queue's entries come first after a gap. */
static size_t gaps(const struct ring_model *model)
{
	uint64_t expected = model->read;
	size_t found = 0;

	for (size_t i = 0; i < model->n; i++) {
		found += model->queue[i] != expected;
		expected = model->queue[i] + 1;
	}
	return found;
}

size_t ring_model_space(const struct ring_model *model)
{
	if (model->written != model->last_stored && gaps(model) == TOCSIN_RING_GAPS) {
		return 0;
	}
	return model->capacity - model->n;
}

size_t ring_model_write(struct ring_model *model, size_t count)
{
	size_t space = ring_model_space(model);
	size_t stored = count < space ? count : space;

	for (size_t i = 0; i < stored; i++) {
		model->queue[model->n++] = model->written + i;
	}
	if (stored > 0) {
		model->last_stored = model->written + stored;
	}
	if (stored < count) {
		model->dropped += (uint32_t)(count - stored);
		model->overruns++;
	}
	model->written += count;
	return stored;
}

void ring_model_skip(struct ring_model *model, uint64_t count)
{
	model->written += count;
}

/* What both peek and advance answer for these frames; the gap is filled for -EPIPE. */
int ring_model_look(const struct ring_model *model, size_t count, struct tocsin_ring_gap *gap)
{
	uint64_t expected = model->read;

	for (size_t i = 0; i < count; i++) {
		if (i == model->n) {
			return -EAGAIN;
		}
		if (model->queue[i] != expected) {
			gap->index = expected;
			gap->count = model->queue[i] - expected;
			return -EPIPE;
		}
		expected++;
	}
	return 0;
}

static void take(struct ring_model *model, size_t count)
{
	model->n -= count;
	memmove(model->queue, &model->queue[count], model->n * sizeof(model->queue[0]));
}

int ring_model_advance(struct ring_model *model, size_t count)
{
	struct tocsin_ring_gap gap;
	int err = ring_model_look(model, count, &gap);

	if (err == 0) {
		take(model, count);
		model->read += count;
	}
	return err;
}

int ring_model_cross_gap(struct ring_model *model, struct tocsin_ring_gap *gap)
{
	if (ring_model_look(model, model->n, gap) != -EPIPE) {
		return -ENOENT;
	}
	take(model, (size_t)(gap->index - model->read));
	model->read = gap->index + gap->count;
	return 0;
}

int ring_view_is(const struct tocsin_ring_view *view, uint64_t index, size_t count,
		 uint32_t channels)
{
	if (view->index != index || view->count[0] + view->count[1] != count ||
	    view->count[0] == 0 || (view->part[1] == NULL) != (view->count[1] == 0)) {
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		const int16_t *frame = i < view->count[0]
					       ? &view->part[0][i * channels]
					       : &view->part[1][(i - view->count[0]) * channels];

		for (uint32_t c = 0; c < channels; c++) {
			if (frame[c] != ring_sample(index + i, c)) {
				return 0;
			}
		}
	}
	return 1;
}

size_t ring_write_next(struct tocsin_ring *ring, size_t count)
{
	uint64_t index = tocsin_ring_write_index(ring);
	int16_t block[RING_MODEL_MAX * 3];

	for (size_t i = 0; i < count * ring->channels; i++) {
		block[i] = ring_sample(index + i / ring->channels, (uint32_t)(i % ring->channels));
	}
	return tocsin_ring_write(ring, block, count);
}

static const char *compare_peek(struct ring_model *model, struct tocsin_ring *ring, size_t count)
{
	struct tocsin_ring_gap expected = {0};
	struct tocsin_ring_view view = {0};
	struct tocsin_ring_gap gap = {0};
	int answer = count == 0 || count > model->capacity
			     ? -EINVAL
			     : ring_model_look(model, count, &expected);

	if (tocsin_ring_peek(ring, count, &view, &gap) != answer) {
		return "what peek answers";
	}
	if (answer == 0 && !ring_view_is(&view, model->read, count, ring->channels)) {
		return "the samples of a window";
	}
	return gap.index != expected.index || gap.count != expected.count ? "the gap seen" : NULL;
}

static const char *compare_cross(struct ring_model *model, struct tocsin_ring *ring)
{
	struct tocsin_ring_gap expected = {0};
	struct tocsin_ring_gap gap = {0};
	int answer = ring_model_cross_gap(model, &expected);

	if (tocsin_ring_cross_gap(ring, &gap) != answer) {
		return "what cross_gap answers";
	}
	return answer == 0 && (gap.index != expected.index || gap.count != expected.count)
		       ? "the gap crossed"
		       : NULL;
}

static const char *compare_counters(const struct ring_model *model, const struct tocsin_ring *ring)
{
	return tocsin_ring_fill(ring) != model->n                   ? "fill"
	       : tocsin_ring_space(ring) != ring_model_space(model) ? "space"
	       : tocsin_ring_dropped(ring) != model->dropped        ? "dropped"
	       : tocsin_ring_overruns(ring) != model->overruns      ? "overruns"
	       : tocsin_ring_write_index(ring) != model->written    ? "the write index"
								    : NULL;
}

const char *ring_model_step(struct ring_model *model, struct tocsin_ring *ring,
			    enum ring_operation operation, uint64_t count)
{
	const char *fault = NULL;
	int answer;

	switch (operation) {
	case RING_WRITE:
		if (ring_write_next(ring, (size_t)count) !=
		    ring_model_write(model, (size_t)count)) {
			fault = "the frames stored";
		}
		break;
	case RING_SKIP:
		tocsin_ring_skip(ring, count);
		ring_model_skip(model, count);
		break;
	case RING_PEEK:
		fault = compare_peek(model, ring, (size_t)count);
		break;
	case RING_ADVANCE:
		answer = count > model->capacity ? -EINVAL
						 : ring_model_advance(model, (size_t)count);
		if (tocsin_ring_advance(ring, (size_t)count) != answer) {
			fault = "what advance answers";
		}
		break;
	default:
		fault = compare_cross(model, ring);
		break;
	}
	return fault != NULL ? fault : compare_counters(model, ring);
}
