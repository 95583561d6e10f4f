/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Every stage of one detector, alone and all together, on a second of noise. */

#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <tocsin/bundle.h>
#include <tocsin/tflm.h>

#include "internal.h"
#include "measure.h"
#include "stages.h"

/* Of modules/score/src/internal.h, which has a namesake in modules/dsp/src. */
bool tocsin_score_normalise(const struct tocsin_score_config *cfg, const float *vector, float *x);

#define RING_FRAMES 32768 /* more than a second at 16 kHz */
#define CHANNELS    TOCSIN_DSP_CHANNELS_MAX

static struct {
	struct tocsin_bundle bundle;
	struct tocsin_ring ring;
	struct tocsin_dsp dsp;
	struct tocsin_score score;
	struct tocsin_decide decide;
	struct tocsin_tflm network;
	struct tocsin_ring_view view;
	struct tocsin_dsp_window window;
	uint64_t at;
	int8_t quantised[3 * TOCSIN_DSP_VECTOR_MAX];
	size_t slid; /* where the window of `quantised` that the network sees next begins */
	int8_t answer[TOCSIN_DSP_VECTOR_MAX];
	float vector[TOCSIN_DSP_VECTOR_MAX];
	float normalised[TOCSIN_DSP_VECTOR_MAX];
	float features[3 * TOCSIN_DSP_BANDS_MAX + 12];
} b;

static int16_t noise[RING_FRAMES];
static int16_t ring_memory[RING_FRAMES * CHANNELS];
static uint8_t dsp_memory[262144] __aligned(16);
static uint8_t score_memory[65536] __aligned(16);
static uint8_t decide_memory[8192] __aligned(16);
static uint8_t arena[131072] __aligned(16);

static void make_noise(void)
{
	uint32_t state = 1;

	for (size_t i = 0; i < RING_FRAMES; i++) {
		state = state * 1664525u + 1013904223u;
		noise[i] = (int16_t)((int32_t)state >> 20);
	}
}

static int prepare(const void *data, size_t size)
{
	tocsin_score_infer_t infer = NULL;
	int err = tocsin_bundle_parse(&b.bundle, data, size);

	if (err == 0 && tocsin_score_quant_of(&b.bundle.score) != NULL) {
		infer = tocsin_tflm_invoke;
		err = tocsin_tflm_init(&b.network, b.bundle.model, b.bundle.model_size, arena,
				       MIN(b.bundle.arena_size, sizeof(arena)), &b.bundle.score,
				       b.bundle.slide);
	}
	if (err == 0) {
		err = tocsin_ring_init(&b.ring, RING_FRAMES, b.bundle.dsp.channels, ring_memory,
				       sizeof(ring_memory));
	}
	if (err == 0) {
		err = tocsin_dsp_init(&b.dsp, &b.bundle.dsp, dsp_memory, sizeof(dsp_memory));
	}
	if (err == 0) {
		err = tocsin_score_init(&b.score, &b.bundle.score, infer, &b.network, score_memory,
					sizeof(score_memory));
	}
	if (err == 0) {
		err = tocsin_decide_init(&b.decide, &b.bundle.decide, decide_memory,
					 sizeof(decide_memory));
	}
	return err;
}

static void put(int number, const char *stage, uint32_t value)
{
	char name[48];

	snprintk(name, sizeof(name), "%d:%s", number, stage);
	bench_print(name, value);
}

static void run_frame(void *ctx)
{
	ARG_UNUSED(ctx);
	tocsin_dsp_frame(&b.dsp, &b.view, b.features);
}

static void run_load(void *ctx)
{
	ARG_UNUSED(ctx);
	tocsin_dsp_load(&b.dsp, &b.view, (struct tocsin_dsp_centre){0, 0.0f}, 0);
}

static void run_fft(void *ctx)
{
	ARG_UNUSED(ctx);
	tocsin_dsp_rfft(b.dsp.fft, b.bundle.dsp.n_fft, b.bundle.dsp.sine);
}

static void run_power(void *ctx)
{
	ARG_UNUSED(ctx);
	tocsin_dsp_power(b.dsp.fft, b.bundle.dsp.n_fft, b.bundle.dsp.sine);
}

static void run_bands(void *ctx)
{
	ARG_UNUSED(ctx);
	tocsin_dsp_bands(&b.bundle.dsp, b.dsp.fft, b.features);
}

static void run_log(void *ctx)
{
	ARG_UNUSED(ctx);
	for (uint32_t i = 0; i < b.bundle.dsp.n_bands; i++) {
		b.features[i] = tocsin_dsp_db(1e-6f + (float)i);
	}
}

/* The next frame of the ring, as the firmware's thread takes it; whether a window is complete. */
static bool push(void)
{
	struct tocsin_ring_gap gap;

	if (tocsin_ring_peek(&b.ring, b.bundle.dsp.frame_length, &b.view, &gap) != 0) {
		return false;
	}

	const int complete = tocsin_dsp_push(&b.dsp, &b.view, b.vector, &b.window);

	(void)tocsin_ring_advance(&b.ring, b.bundle.dsp.hop);
	return complete == 1;
}

/* A frame into the window that is being filled; on average over whole windows. */
static void run_push(void *ctx)
{
	ARG_UNUSED(ctx);
	b.view.index = b.dsp.next;
	(void)tocsin_dsp_push(&b.dsp, &b.view, b.vector, &b.window);
}

static void run_normalise(void *ctx)
{
	ARG_UNUSED(ctx);
	(void)tocsin_score_normalise(&b.bundle.score, b.vector, b.normalised);
}

static void run_score(void *ctx)
{
	float score;

	ARG_UNUSED(ctx);
	(void)tocsin_score_vector(&b.score, b.vector, &score);
}

/* Windows that slide, where something is kept of them. */
static void run_infer(void *ctx)
{
	const size_t n_in = tocsin_score_inputs(&b.bundle.score);

	ARG_UNUSED(ctx);
	(void)tocsin_tflm_invoke(&b.network, b.quantised + b.slid, n_in, b.answer,
				 tocsin_score_outputs(&b.bundle.score));
	b.slid = (b.slid + b.bundle.slide * (n_in / b.bundle.dsp.window_frames)) % (2 * n_in);
}

/* Frames that come again two windows later, when nothing is kept of them. */
static void prepare_infer(void)
{
	const size_t n_in = tocsin_score_inputs(&b.bundle.score);

	b.slid = 0;
	for (size_t i = 0; i < 3 * n_in; i++) {
		b.quantised[i] = (int8_t)(noise[i % (2 * n_in)] >> 4);
	}
}

static void run_decide(void *ctx)
{
	struct tocsin_decide_event event;
	float smoothed;

	ARG_UNUSED(ctx);
	b.at++;
	(void)tocsin_decide_push(&b.decide, b.at, b.at + 1, 1.0f, &smoothed, &event);
}

/* All stages on what the ring holds. */
static void run_all(void *ctx)
{
	ARG_UNUSED(ctx);
	while (tocsin_ring_fill(&b.ring) >= b.bundle.dsp.frame_length) {
		struct tocsin_decide_event event;
		float score;

		if (push() && tocsin_score_vector(&b.score, b.vector, &score) == 0) {
			(void)tocsin_decide_push(&b.decide, b.window.begin, b.window.end, score,
						 NULL, &event);
		}
	}
}

static void write_seconds(uint32_t frames)
{
	for (uint32_t left = frames * b.bundle.dsp.channels; left > 0;) {
		const uint32_t n = MIN(left, RING_FRAMES / CHANNELS * CHANNELS);

		(void)tocsin_ring_write(&b.ring, noise, n / b.bundle.dsp.channels);
		left -= n;
	}
}

static void run_write(void *ctx)
{
	ARG_UNUSED(ctx);
	write_seconds(b.bundle.dsp.sample_rate);
}

/* A second of audio, through and through. */
static void run_second(void *ctx)
{
	run_write(ctx);
	run_all(ctx);
}

size_t stages_measure(int number, const void *data, size_t size)
{
	struct tocsin_ring_gap gap;

	make_noise();
	if (prepare(data, size) != 0) {
		return 0;
	}
	write_seconds(b.bundle.dsp.sample_rate);
	if (tocsin_ring_peek(&b.ring, b.bundle.dsp.frame_length, &b.view, &gap) != 0) {
		return 0;
	}
	put(number, "frame", bench_count(run_frame, NULL, 20));
	if (b.bundle.dsp.n_bands > 0) {
		put(number, "window", bench_count(run_load, NULL, 20));
		put(number, "fft", bench_count(run_fft, NULL, 20));
		put(number, "power", bench_count(run_power, NULL, 20));
		put(number, "bands", bench_count(run_bands, NULL, 20));
		put(number, "log", bench_count(run_log, NULL, 20));
	}
	run_all(NULL);
	put(number, "push", bench_count(run_push, NULL, 2 * b.bundle.dsp.window_frames));
	put(number, "normalise", bench_count(run_normalise, NULL, 20));
	put(number, "score", bench_count(run_score, NULL, 20));
	if (tocsin_score_quant_of(&b.bundle.score) != NULL) {
		prepare_infer();
		put(number, "infer", bench_count(run_infer, NULL, 20));
	}
	put(number, "decide", bench_count(run_decide, NULL, 100));
	/* At least as many seconds as are between two windows, so that their score counts. */
	put(number, "second",
	    bench_count(run_second, NULL,
			MAX(4, DIV_ROUND_UP(b.bundle.dsp.hop * b.bundle.dsp.window_hop,
					    b.bundle.dsp.sample_rate))));
	return b.bundle.size;
}
