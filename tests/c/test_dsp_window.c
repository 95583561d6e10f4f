/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp_fixture.h"

#define FRAME  16
#define FRAMES 400

static struct dsp_fixture fixture;
static struct tocsin_dsp dsp;
static void *mem;
static int16_t samples[3 * FRAME * FRAMES];
static float frames[FRAMES][3 * 4]; /* what tocsin_dsp_frame() gives for each */
static float vector[TOCSIN_DSP_VECTOR_MAX];
static struct tocsin_dsp_window window;

static int teardown(void **state)
{
	(void)state;
	free(mem);
	mem = NULL;
	return 0;
}

static void configure(uint32_t channels, uint32_t hop, uint32_t pool, uint32_t window_frames,
		      uint32_t window_hop)
{
	dsp_fixture_init(&fixture, channels, FRAME, 0, 0);
	fixture.cfg.hop = hop;
	fixture.cfg.pool = pool;
	fixture.cfg.window_frames = window_frames;
	fixture.cfg.window_hop = window_hop;
}

static void start(void)
{
	const size_t size = tocsin_dsp_needed_size(&fixture.cfg);

	assert_int_not_equal(size, 0);
	free(mem);
	mem = malloc(size);
	assert_non_null(mem);
	memset(mem, 0xFF, size); /* NaN, so that what was not written shows */
	assert_int_equal(tocsin_dsp_init(&dsp, &fixture.cfg, mem, size), 0);
	for (size_t i = 0; i < FRAMES; i++) {
		const struct tocsin_ring_view view = dsp_view(
			&fixture.cfg, 0, &samples[i * fixture.cfg.hop * fixture.cfg.channels], 5);

		tocsin_dsp_frame(&dsp, &view, frames[i]);
	}
}

static int push(size_t i, uint64_t first)
{
	const struct tocsin_ring_view view =
		dsp_view(&fixture.cfg, first + i * fixture.cfg.hop,
			 &samples[i * fixture.cfg.hop * fixture.cfg.channels], FRAME);

	return tocsin_dsp_push(&dsp, &view, vector, &window);
}

static void near(size_t feature, const char *what, float got, double value, double tolerance)
{
	if (!(fabs((double)got - value) <= tolerance)) {
		fail_msg("%s of feature %zu: %.9g instead of %.12g", what, feature, (double)got,
			 value);
	}
}

/* The vector of the window whose last frame is `last`, by the definitions, in float64. */
static void check_vector(size_t last)
{
	const uint32_t pool = fixture.cfg.pool;
	const size_t count = fixture.cfg.window_frames;
	const size_t n = 4 * fixture.cfg.channels;
	const size_t first = last + 1 - count;
	const float *got = vector;

	if ((pool & TOCSIN_DSP_STACK) != 0) {
		for (size_t i = first; i <= last; i++, got += n) {
			assert_memory_equal(got, frames[i], n * sizeof(float));
		}
	}
	for (size_t f = 0; f < n; f++) {
		const float *at = got + f;
		double mean = 0.0;
		double variance = 0.0;
		double max = -INFINITY;

		for (size_t i = first; i <= last; i++) {
			mean += (double)frames[i][f] / (double)count;
			max = fmax(max, (double)frames[i][f]);
		}
		for (size_t i = first; i <= last; i++) {
			variance += pow((double)frames[i][f] - mean, 2) / (double)count;
		}
		if ((pool & TOCSIN_DSP_MEAN) != 0) {
			near(f, "mean", *at, mean, 5e-7 * fabs(mean));
			at += n;
		}
		if ((pool & TOCSIN_DSP_STD) != 0) {
			near(f, "deviation", *at, sqrt(variance),
			     2e-6 * sqrt(variance) + 2e-7 * fabs(mean));
			at += n;
		}
		if ((pool & TOCSIN_DSP_MAX) != 0) {
			near(f, "maximum", *at, max, 0.0);
		}
	}
}

/* Every pool, many lengths and hops, and every window at its place in the stream. */
static void windows(void **state)
{
	static const uint32_t shapes[][2] = {{1, 1}, {4, 1},  {4, 2},  {4, 4},
					     {7, 7}, {12, 3}, {64, 8}, {60, 5}};
	struct rng rng = {1};

	(void)state;
	dsp_noise(&rng, samples, 3 * FRAME * FRAMES, 20000, 300);
	for (uint32_t pool = 1; pool < 16; pool++) {
		for (size_t s = 0; s < 8; s++) {
			const uint32_t count = shapes[s][0];
			const uint32_t hop = shapes[s][1];

			configure(1 + pool % 3, 1 + (uint32_t)s * 2, pool, count, hop);
			start();
			for (size_t i = 0; i < FRAMES; i++) {
				const bool due = i + 1 >= count && (i + 1 - count) % hop == 0;

				assert_int_equal(push(i, 1000), due);
				if (!due) {
					continue;
				}
				check_vector(i);
				assert_int_equal(window.begin,
						 1000 + (i + 1 - count) * fixture.cfg.hop);
				assert_int_equal(window.end, 1000 + i * fixture.cfg.hop + FRAME);
			}
		}
	}
}

/* Stacked alone, the hop need not divide the window. */
static void stack_any_hop(void **state)
{
	struct rng rng = {2};

	(void)state;
	dsp_noise(&rng, samples, 3 * FRAME * FRAMES, 20000, 0);
	for (uint32_t hop = 1; hop <= 10; hop++) {
		configure(2, FRAME, TOCSIN_DSP_STACK, 10, hop);
		start();
		for (size_t i = 0; i < FRAMES; i++) {
			const bool due = i >= 9 && (i - 9) % hop == 0;

			assert_int_equal(push(i, 0), due);
			if (due) {
				check_vector(i);
			}
		}
	}
}

/* Loud, then constant: what went by must not leave a trace in the deviation. */
static void constant_after_noise(void **state)
{
	struct rng rng = {3};

	(void)state;
	dsp_noise(&rng, samples, FRAME * 50, 30000, 0);
	for (size_t i = FRAME * 50; i < FRAME * FRAMES; i++) {
		samples[i] = (int16_t)(i % FRAME * 1000 - 7777);
	}
	configure(1, FRAME, TOCSIN_DSP_MEAN | TOCSIN_DSP_STD, 48, 3);
	start();
	for (size_t i = 0; i < FRAMES; i++) {
		if (push(i, 0) == 1 && i + 1 >= 50 + 48) {
			for (size_t f = 0; f < 4; f++) {
				assert_true(vector[f] == frames[i][f]);
				assert_true(vector[4 + f] == 0.0f);
			}
		}
	}
}

/* The longest window there can be. */
static void longest(void **state)
{
	struct rng rng = {4};
	int windows = 0;

	(void)state;
	dsp_noise(&rng, samples, 1200, 20000, 0);
	for (size_t i = 0; i < FRAMES; i++) {
		memcpy(&samples[1200 + i * FRAME], samples, FRAME * sizeof(samples[0]));
	}
	configure(1, 1, TOCSIN_DSP_MEAN | TOCSIN_DSP_STD | TOCSIN_DSP_MAX, 1024, 1);
	start();
	for (size_t i = 0; i < 1100; i++) {
		windows += push(i, UINT64_MAX / 2);
	}
	assert_int_equal(windows, 1100 - 1023);
	assert_int_equal(window.end - window.begin, 1023 + FRAME);
}

/* A frame that is not one hop on begins another window, and nothing of the first is left. */
static void gaps(void **state)
{
	struct rng rng = {5};
	float clean[TOCSIN_DSP_VECTOR_MAX];

	(void)state;
	dsp_noise(&rng, samples, 3 * FRAME * FRAMES, 20000, 0);
	configure(1, 8, 15, 6, 2);
	for (size_t before = 0; before <= 9; before++) {
		start();
		for (size_t i = 0; i < 6; i++) {
			assert_int_equal(push(100 + i, 0), i == 5);
		}
		memcpy(clean, vector, sizeof(clean));

		start();
		for (size_t i = 0; i < before; i++) {
			push(i, 0);
		}
		if (before % 2 != 0) {
			tocsin_dsp_reset(&dsp);
		}
		for (size_t i = 0; i < 6; i++) {
			assert_int_equal(push(100 + i, before % 2), i == 5);
		}
		assert_memory_equal(vector, clean, (6 + 3) * 4 * sizeof(float));
		assert_int_equal(window.begin, 100 * 8 + before % 2);

		/* The next is two frames later, unless reset says otherwise. */
		assert_int_equal(push(106, before % 2), 0);
		tocsin_dsp_reset(&dsp);
		assert_int_equal(push(107, before % 2), 0);
	}
}

static void wrong_length(void **state)
{
	struct tocsin_ring_view view;

	(void)state;
	configure(1, FRAME, TOCSIN_DSP_STACK, 2, 1);
	start();
	assert_int_equal(push(0, 0), 0);
	view = dsp_view(&fixture.cfg, FRAME, samples, FRAME);
	view.count[0]--;
	assert_int_equal(tocsin_dsp_push(&dsp, &view, vector, &window), -EINVAL);
	view.count[0] = FRAME + 1;
	assert_int_equal(tocsin_dsp_push(&dsp, &view, vector, &window), -EINVAL);
	view.count[0] = SIZE_MAX;
	view.count[1] = FRAME + 1; /* the sum wraps to FRAME */
	assert_int_equal(tocsin_dsp_push(&dsp, &view, vector, &window), -EINVAL);
	/* Nothing happened: the right frame completes the window. */
	assert_int_equal(push(1, 0), 1);
	check_vector(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows),
		cmocka_unit_test(stack_any_hop),
		cmocka_unit_test(constant_after_noise),
		cmocka_unit_test(longest),
		cmocka_unit_test(gaps),
		cmocka_unit_test(wrong_length),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
