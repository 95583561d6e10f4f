/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Frames side by side give the bytes that frames one by one give, for every number of lanes that
 * this processor has, and read and write nothing beside what is theirs (the sanitizers look).
 */

#define _POSIX_C_SOURCE 200809L /* posix_memalign() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tocsin/dsp_frames.h>

#include "dsp_fixture.h"

#define FRAMES_MAX 27 /* three batches of 8 and a rest */

static const uint32_t lanes_of[] = {1, 4, 8};

struct run {
	struct tocsin_dsp dsp;
	int16_t *samples;
	float *expected;
	size_t n;
	size_t values; /* of all frames */
};

/* From silence to clipping, in every stretch another; the heap's exact size. */
static void make_samples(struct run *r, const struct tocsin_dsp_config *cfg, struct rng *rng)
{
	const size_t samples =
		((r->n - 1) * (size_t)cfg->hop + cfg->frame_length) * (size_t)cfg->channels;

	r->samples = malloc(samples * sizeof(int16_t));
	assert_non_null(r->samples);
	for (size_t i = 0; i < samples;) {
		const size_t left = samples - i;
		const size_t stretch = 1 + rng_below(rng, 3000);
		const size_t n = stretch < left ? stretch : left;

		dsp_noise(rng, r->samples + i, n, (1 << rng_below(rng, 17)) - 1,
			  rng_below(rng, 2) != 0 ? (int)rng_below(rng, 60000) - 30000 : 0);
		i += n;
	}
}

static void one_by_one(struct run *r, const struct tocsin_dsp_config *cfg)
{
	const size_t size = tocsin_dsp_frame_size(cfg);

	r->values = r->n * size;
	r->expected = malloc(r->values * sizeof(float));
	assert_non_null(r->expected);
	for (size_t i = 0; i < r->n; i++) {
		const struct tocsin_ring_view view =
			dsp_view(cfg, 0, r->samples + i * cfg->hop * cfg->channels,
				 rng_below(&(struct rng){i}, cfg->frame_length + 1));

		tocsin_dsp_frame(&r->dsp, &view, r->expected + i * size);
	}
}

static void compare(struct run *r, const struct tocsin_dsp_config *cfg, uint32_t lanes)
{
	const size_t size = tocsin_dsp_frames_needed_size(cfg, lanes);
	void *work = NULL;
	float *got = malloc(r->values * sizeof(float));

	assert_true(size == 0 || posix_memalign(&work, TOCSIN_DSP_LANES_ALIGN, size) == 0);
	assert_non_null(got);
	memset(got, 0xff, r->values * sizeof(float));
	tocsin_dsp_frames(&r->dsp, lanes, work, r->samples, r->n, got);
	for (size_t i = 0; i < r->values; i++) {
		if (memcmp(&got[i], &r->expected[i], sizeof(float)) != 0) {
			fail_msg("%u lanes, %zu frames of %u, n_fft %u, %u bands, %u channels, "
				 "flags %u: value %zu is %.9g instead of %.9g",
				 lanes, r->n, cfg->frame_length, cfg->n_fft, cfg->n_bands,
				 cfg->channels, cfg->flags, i, (double)got[i],
				 (double)r->expected[i]);
		}
	}
	free(got);
	free(work);
}

static void check(struct dsp_fixture *f, struct rng *rng)
{
	struct run r = {.n = 1 + rng_below(rng, FRAMES_MAX)};
	const size_t size = tocsin_dsp_needed_size(&f->cfg);
	void *mem = malloc(size);

	assert_non_null(mem);
	assert_int_equal(tocsin_dsp_init(&r.dsp, &f->cfg, mem, size), 0);
	make_samples(&r, &f->cfg, rng);
	one_by_one(&r, &f->cfg);
	for (size_t i = 0; i < sizeof(lanes_of) / sizeof(lanes_of[0]); i++) {
		if (tocsin_dsp_lanes_supported(lanes_of[i])) {
			compare(&r, &f->cfg, lanes_of[i]);
		}
	}
	free(r.samples);
	free(r.expected);
	free(mem);
}

/* Each length of the FFT with frames of all kinds of lengths. */
static void same_bytes(void **state)
{
	static struct dsp_fixture f;
	struct rng rng = {2};

	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		const uint32_t n_fft = 256u << i % 5;
		const uint32_t length = i % 3 == 0 ? n_fft : 16 + rng_below(&rng, n_fft - 15);

		dsp_fixture_init(&f, 1 + rng_below(&rng, 3), length, n_fft,
				 1 + rng_below(&rng, TOCSIN_DSP_BANDS_MAX));
		f.cfg.hop = 1 + rng_below(&rng, length);
		f.cfg.stats = rng_below(&rng, 16);
		f.cfg.flags = rng_below(&rng, 4);
		f.cfg.pool = TOCSIN_DSP_MAX;
		/* Amid the powers of quiet samples and of loud ones. */
		f.cfg.log_floor = ldexpf(1.0f, -(int)rng_below(&rng, 36));
		check(&f, &rng);
	}
}

/* Statistics alone need no lanes, and no work space. */
static void without_bands(void **state)
{
	static struct dsp_fixture f;
	struct rng rng = {3};

	(void)state;
	dsp_fixture_init(&f, 3, 333, 0, 0);
	assert_int_equal(tocsin_dsp_frames_needed_size(&f.cfg, 8), 0);
	check(&f, &rng);
}

/* Powers that no float can hold. */
static void overflow(void **state)
{
	static struct dsp_fixture f;
	struct rng rng = {4};

	(void)state;
	dsp_fixture_init(&f, 1, 512, 512, 40);
	f.cfg.scale = 1e15f;
	for (uint32_t i = 0; i < 8; i++) {
		check(&f, &rng);
	}
}

static void supported(void **state)
{
	const uint32_t best = tocsin_dsp_lanes_best();

	(void)state;
	assert_true(tocsin_dsp_lanes_supported(1));
	assert_true(tocsin_dsp_lanes_supported(best));
	assert_false(tocsin_dsp_lanes_supported(0));
	assert_false(tocsin_dsp_lanes_supported(2));
	assert_false(tocsin_dsp_lanes_supported(16));
	print_message("%u lanes are best here\n", best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bytes),
		cmocka_unit_test(without_bands),
		cmocka_unit_test(overflow),
		cmocka_unit_test(supported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
