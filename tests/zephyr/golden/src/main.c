/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The golden vectors of tests/vectors through the portable modules as Zephyr builds them: features,
 * scores, events and gaps, bit for bit. The autoencoder needs a network; tests/sim runs it.
 */

#include <string.h>

#include <zephyr/ztest.h>

#include <tocsin/bundle.h>

#include "pipeline.h"

#define CAPACITY 4096
#define BLOCK    256
#define MEMORY   (64 * 1024)

/* A file: its bytes, and the place to which they have been compared. */
struct file {
	const uint8_t *at;
	const uint8_t *end;
};

struct golden {
	struct file bundle, stream, vectors, windows, events, gaps, input;
	uint32_t dim;
};

#define DECLARE(name) extern const uint8_t name[], name##_end[]
#define DECLARE_CASE(name)                                                                         \
	DECLARE(name##_bundle);                                                                    \
	DECLARE(name##_stream);                                                                    \
	DECLARE(name##_vectors);                                                                   \
	DECLARE(name##_windows);                                                                   \
	DECLARE(name##_events);                                                                    \
	DECLARE(name##_gaps)
#define FILE_OF(name) {name, name##_end}

DECLARE(audio);
DECLARE(vibration);
DECLARE_CASE(kmeans);
DECLARE_CASE(mahalanobis);
DECLARE_CASE(gmm_diagonal);
DECLARE_CASE(gmm_full);

static uint8_t memory[MEMORY] __aligned(16);
static size_t used;

static void *take(size_t size)
{
	void *at = &memory[used];

	used += ROUND_UP(size, 16);
	zassert_true(used <= sizeof(memory), "%zu bytes are needed", used);
	return at;
}

/* What comes must be what the file has next. */
static void compare(struct file *file, const char *what, const void *data, size_t size)
{
	zassert_true((size_t)(file->end - file->at) >= size, "more %s than there should be", what);
	zassert_mem_equal(file->at, data, size, "%s at byte %zu before the end", what,
			  (size_t)(file->end - file->at));
	file->at += size;
}

static void on_window(void *ctx, const struct tocsin_dsp_window *window, const float *vector,
		      float score, float smoothed)
{
	struct golden *golden = ctx;
	const uint8_t nan[] = {0x00, 0x00, 0xc0, 0x7f};

	compare(&golden->vectors, "vector", vector, golden->dim * sizeof(float));
	compare(&golden->windows, "window's begin", &window->begin, sizeof(window->begin));
	compare(&golden->windows, "window's end", &window->end, sizeof(window->end));
	compare(&golden->windows, "score", &score, sizeof(score));
	compare(&golden->windows, "smoothed score",
		smoothed != smoothed ? (const void *)nan : &smoothed, sizeof(smoothed));
}

static void on_event(void *ctx, const struct tocsin_decide_event *event)
{
	struct golden *golden = ctx;
	const uint32_t kind = event->kind == TOCSIN_DECIDE_BEGIN ? 1 : 2;

	compare(&golden->events, "event's begin", &event->begin, sizeof(event->begin));
	compare(&golden->events, "event's end", &event->end, sizeof(event->end));
	compare(&golden->events, "event's kind", &kind, sizeof(kind));
	compare(&golden->events, "event's peak", &event->peak, sizeof(event->peak));
}

static void on_gap(void *ctx, const struct tocsin_ring_gap *gap)
{
	struct golden *golden = ctx;

	compare(&golden->gaps, "gap's index", &gap->index, sizeof(gap->index));
	compare(&golden->gaps, "gap's count", &gap->count, sizeof(gap->count));
}

static void prepare(struct tocsin_pipeline *pipeline, const struct tocsin_bundle *bundle)
{
	size_t size = tocsin_ring_needed_size(CAPACITY, bundle->dsp.channels);

	used = 0;
	zassert_ok(tocsin_ring_init(&pipeline->ring, CAPACITY, bundle->dsp.channels, take(size),
				    size));
	size = tocsin_dsp_needed_size(&bundle->dsp);
	zassert_ok(tocsin_dsp_init(&pipeline->dsp, &bundle->dsp, take(size), size));
	size = tocsin_score_needed_size(&bundle->score);
	zassert_ok(
		tocsin_score_init(&pipeline->score, &bundle->score, NULL, NULL, take(size), size));
	size = tocsin_decide_needed_size(&bundle->decide);
	zassert_ok(tocsin_decide_init(&pipeline->decide, &bundle->decide, take(size), size));
	pipeline->vector = take(tocsin_dsp_vector_size(&bundle->dsp) * sizeof(float));
	pipeline->frame_length = bundle->dsp.frame_length;
	pipeline->hop = bundle->dsp.hop;
	pipeline->unscored = 0;
}

static uint32_t next_u32(struct file *file)
{
	uint32_t value;

	memcpy(&value, file->at, sizeof(value));
	file->at += sizeof(value);
	return value;
}

static void run(struct golden golden)
{
	static struct tocsin_pipeline pipeline;
	struct tocsin_bundle bundle;
	const struct tocsin_pipeline_sink sink = {
		.ctx = &golden, .window = on_window, .event = on_event, .gap = on_gap};

	zassert_ok(tocsin_bundle_parse(&bundle, golden.bundle.at,
				       (size_t)(golden.bundle.end - golden.bundle.at)));
	golden.dim = (uint32_t)tocsin_dsp_vector_size(&bundle.dsp);
	prepare(&pipeline, &bundle);
	while (golden.stream.at < golden.stream.end) {
		uint32_t left = next_u32(&golden.stream);
		const uint32_t skip = next_u32(&golden.stream);

		while (left > 0) {
			const uint32_t frames = MIN(left, BLOCK);
			const size_t size = frames * bundle.dsp.channels * sizeof(int16_t);

			zassert_true((size_t)(golden.input.end - golden.input.at) >= size);
			zassert_equal(tocsin_ring_write(&pipeline.ring,
							(const int16_t *)golden.input.at, frames),
				      frames);
			golden.input.at += size;
			left -= frames;
			zassert_ok(tocsin_pipeline_drain(&pipeline, &sink));
		}
		if (skip > 0) {
			tocsin_ring_skip(&pipeline.ring, skip);
		}
	}
	zassert_equal(golden.vectors.at, golden.vectors.end, "vectors are missing");
	zassert_equal(golden.windows.at, golden.windows.end, "windows are missing");
	zassert_equal(golden.events.at, golden.events.end, "events are missing");
	zassert_equal(golden.gaps.at, golden.gaps.end, "gaps are missing");
}

#define GOLDEN_TEST(name, samples)                                                                 \
	ZTEST(golden, test_##name)                                                                 \
	{                                                                                          \
		run((struct golden){.bundle = FILE_OF(name##_bundle),                              \
				    .stream = FILE_OF(name##_stream),                              \
				    .vectors = FILE_OF(name##_vectors),                            \
				    .windows = FILE_OF(name##_windows),                            \
				    .events = FILE_OF(name##_events),                              \
				    .gaps = FILE_OF(name##_gaps),                                  \
				    .input = FILE_OF(samples)});                                   \
	}

GOLDEN_TEST(kmeans, audio)
GOLDEN_TEST(mahalanobis, audio)
GOLDEN_TEST(gmm_diagonal, vibration)
GOLDEN_TEST(gmm_full, vibration)

ZTEST_SUITE(golden, NULL, NULL, NULL, NULL, NULL);
