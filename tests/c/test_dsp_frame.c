/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp_fixture.h"

static struct dsp_fixture fixture;
static struct tocsin_dsp dsp;
static void *mem;
static int16_t samples[TOCSIN_DSP_CHANNELS_MAX * TOCSIN_DSP_FFT_MAX];
static float features[FEATURES_MAX];

/* Memory exactly as long as asked for, so that a sanitizer sees a value too far. */
static void start(void)
{
	const size_t size = tocsin_dsp_needed_size(&fixture.cfg);

	assert_int_not_equal(size, 0);
	free(mem);
	mem = malloc(size);
	assert_non_null(mem);
	memset(mem, 0xA5, size);
	assert_int_equal(tocsin_dsp_init(&dsp, &fixture.cfg, mem, size), 0);
}

static int teardown(void **state)
{
	(void)state;
	free(mem);
	mem = NULL;
	return 0;
}

static void run(size_t split, float *out)
{
	const struct tocsin_ring_view view = dsp_view(&fixture.cfg, 0, samples, split);

	tocsin_dsp_frame(&dsp, &view, out);
}

static void compare(const char *what)
{
	double value[4 + TOCSIN_DSP_BANDS_MAX];
	double tolerance[4 + TOCSIN_DSP_BANDS_MAX];
	const float *got = features;

	for (uint32_t c = 0; c < fixture.cfg.channels; c++) {
		const size_t n = reference_channel(&fixture, samples, c, value, tolerance);

		for (size_t i = 0; i < n; i++, got++) {
			if (!(fabs((double)*got - value[i]) <= tolerance[i])) {
				fail_msg("%s: channel %u, value %zu: %.9g instead of %.12g", what,
					 (unsigned int)c, i, (double)*got, value[i]);
			}
		}
	}
}

static void random_config(struct rng *rng)
{
	const uint32_t channels = 1 + rng_below(rng, 3);
	const bool bands = rng_below(rng, 4) != 0;
	const uint32_t n_fft = bands ? 256u << rng_below(rng, 4) : 0;
	const uint32_t length = 16 + rng_below(rng, (bands ? n_fft : TOCSIN_DSP_FFT_MAX) - 15);

	dsp_fixture_init(&fixture, channels, length, n_fft, bands ? 1 + rng_below(rng, 128) : 0);
	fixture.cfg.scale = (float)ldexp(1.0 + rng_unit(rng), -(int)rng_below(rng, 20));
	fixture.cfg.stats = bands ? rng_below(rng, 16) : 1 + rng_below(rng, 15);
	fixture.cfg.flags = rng_below(rng, 2);
}

/* Any configuration, any loudness, any constant part. */
static void matches_reference(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rng rng = {seed};
		char what[32];

		random_config(&rng);
		start();
		dsp_noise(&rng, samples, fixture.cfg.channels * fixture.cfg.frame_length,
			  1 << rng_below(&rng, 16), (int)rng_below(&rng, 65536) - 32768);
		run(rng_below(&rng, fixture.cfg.frame_length + 1), features);
		snprintf(what, sizeof(what), "seed %u", (unsigned int)seed);
		compare(what);
	}
}

static void largest(void **state)
{
	struct rng rng = {3};

	(void)state;
	dsp_fixture_init(&fixture, 3, 4096, 4096, 128);
	fixture.cfg.stats = 15;
	start();
	dsp_noise(&rng, samples, 3 * 4096, 32767, 0);
	run(4096, features);
	compare("3 channels of 4096");
}

/* Where the ring wraps must not show. */
static void any_split_same_bytes(void **state)
{
	struct rng rng = {4};
	float other[FEATURES_MAX];

	(void)state;
	for (uint32_t length = 400; length <= 401; length++) {
		dsp_fixture_init(&fixture, 3, length, 512, 20);
		fixture.cfg.stats = 15;
		fixture.cfg.flags = TOCSIN_DSP_REMOVE_MEAN;
		start();
		dsp_noise(&rng, samples, 3 * length, 5000, 700);
		run(length, features);
		for (size_t split = 0; split < length; split++) {
			run(split, other);
			assert_memory_equal(other, features, dsp.n_features * sizeof(float));
		}
	}
}

static void channels_are_independent(void **state)
{
	struct rng rng = {5};
	int16_t three[3 * 300];
	float together[3 * (4 + 16)];

	(void)state;
	dsp_noise(&rng, three, 3 * 300, 9000, -100);
	memcpy(samples, three, sizeof(three));
	dsp_fixture_init(&fixture, 3, 300, 512, 16);
	fixture.cfg.stats = 15;
	start();
	run(300, together);

	dsp_fixture_init(&fixture, 1, 300, 512, 16);
	fixture.cfg.stats = 15;
	start();
	for (size_t c = 0; c < 3; c++) {
		for (size_t i = 0; i < 300; i++) {
			samples[i] = three[3 * i + c];
		}
		run(300, features);
		assert_memory_equal(features, &together[c * 20], 20 * sizeof(float));
	}
}

/* Silence, and a constant with the mean removed: zeros and the floor, never a NaN. */
static void nothing_to_hear(void **state)
{
	(void)state;
	for (int16_t level = 0; level <= 12345; level += 12345) {
		dsp_fixture_init(&fixture, 1, 256, 256, 8);
		fixture.cfg.stats = 15;
		fixture.cfg.flags = level != 0 ? TOCSIN_DSP_REMOVE_MEAN : 0;
		start();
		for (size_t i = 0; i < 256; i++) {
			samples[i] = level;
		}
		run(256, features);
		for (size_t i = 0; i < 4; i++) {
			assert_true(features[i] == 0.0f);
		}
		for (size_t i = 4; i < 12; i++) {
			assert_true(features[i] == tocsin_dsp_db(1e-10f));
		}
	}
}

/* Full-scale square waves: the digits' range is not symmetric. */
static void full_scale(void **state)
{
	(void)state;
	dsp_fixture_init(&fixture, 1, 4096, 4096, 40);
	fixture.cfg.stats = 15;
	start();
	for (size_t i = 0; i < 4096; i++) {
		samples[i] = (i & 1) != 0 ? INT16_MIN : INT16_MAX;
	}
	run(4096, features);
	compare("alternating");
	assert_true(features[1] == 1.0f);
	for (size_t i = 0; i < 4096; i++) {
		samples[i] = INT16_MIN;
	}
	run(4096, features);
	assert_true(features[0] == 1.0f && features[1] == 1.0f && features[2] == 1.0f);
	assert_true(features[3] == 0.0f);
}

/* A sensor's offset, of either sign, changes no bit where the mean is removed. */
static void an_offset_changes_no_bit(void **state)
{
	static const int offsets[] = {1, 1000, -1000, 17321, -17321};
	static const uint32_t stats[] = {0, 15};
	struct rng rng = {7};
	float other[FEATURES_MAX];

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		dsp_fixture_init(&fixture, 2, 999, 1024, 30);
		fixture.cfg.flags = TOCSIN_DSP_REMOVE_MEAN;
		fixture.cfg.stats = stats[k];
		start();
		dsp_noise(&rng, samples, 2 * 999, 9, 3);
		run(500, features);
		for (size_t n = 0; n < sizeof(offsets) / sizeof(offsets[0]); n++) {
			for (size_t i = 0; i < 2 * 999; i++) {
				samples[i] += offsets[n];
			}
			run(500, other);
			for (size_t i = 0; i < 2 * 999; i++) {
				samples[i] -= offsets[n];
			}
			assert_memory_equal(other, features, dsp.n_features * sizeof(float));
		}
	}
}

/* Gravity beside a digit of noise: the statistics must not drown in it. */
static void small_on_large_constant(void **state)
{
	struct rng rng = {6};

	(void)state;
	dsp_fixture_init(&fixture, 1, 1000, 0, 0);
	fixture.cfg.flags = TOCSIN_DSP_REMOVE_MEAN;
	start();
	dsp_noise(&rng, samples, 1000, 1, 30011);
	run(1000, features);
	compare("one digit of noise");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_reference),
		cmocka_unit_test(largest),
		cmocka_unit_test(any_split_same_bytes),
		cmocka_unit_test(channels_are_independent),
		cmocka_unit_test(nothing_to_hear),
		cmocka_unit_test(full_scale),
		cmocka_unit_test(an_offset_changes_no_bit),
		cmocka_unit_test(small_on_large_constant),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
