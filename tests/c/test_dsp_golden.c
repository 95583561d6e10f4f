/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The same bytes everywhere: checksums of what fixed samples give, committed once. Whatever
 * compiles this file (another compiler, another optimisation, an Arm) must come to the same. Where
 * a change of the features is meant, TOCSIN_DSP_VERSION goes up and these go with it.
 *
 * Not compared where CMSIS-DSP replaces the FFT (see modules/dsp/README.md).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checksum.h"
#include "dsp_fixture.h"

static const struct golden {
	uint32_t channels;
	uint32_t frame_length;
	uint32_t n_fft;
	uint32_t n_bands;
	uint32_t stats;
	uint32_t flags;
	uint32_t pool;
	uint32_t window_frames;
	uint32_t window_hop;
	uint32_t hash;
} golden[] = {
	{1, 256, 256, 24, 15, 0, 15, 4, 2, 0xec15de28},
	{1, 400, 512, 40, 0, 1, 1, 5, 3, 0x6efd5daa},
	{1, 1024, 1024, 64, 0, 0, 6, 16, 4, 0x83ef2bc0},
	{2, 2047, 2048, 128, 3, 1, 14, 6, 6, 0x92d15ace},
	{3, 4096, 4096, 32, 15, 1, 15, 3, 1, 0x3fea71e5},
	{3, 333, 0, 0, 15, 1, 15, 8, 4, 0xb966e7c6},
	{3, 4096, 0, 0, 15, 0, 6, 12, 12, 0xa6e7589d},
};

#define CASES (sizeof(golden) / sizeof(golden[0]))
#define HOPS  40

static uint32_t run(const struct golden *g)
{
	static struct dsp_fixture f;
	static int16_t samples[3 * 4096];
	static float vector[TOCSIN_DSP_VECTOR_MAX];
	struct tocsin_dsp_window window;
	struct tocsin_dsp dsp;
	struct rng rng = {g->frame_length};
	uint32_t hash = CHECKSUM_INIT;

	dsp_fixture_init(&f, g->channels, g->frame_length, g->n_fft, g->n_bands);
	f.cfg.stats = g->stats;
	f.cfg.flags = g->flags;
	f.cfg.pool = g->pool;
	f.cfg.window_frames = g->window_frames;
	f.cfg.window_hop = g->window_hop;

	const size_t size = tocsin_dsp_needed_size(&f.cfg);
	void *mem = malloc(size);

	assert_non_null(mem);
	assert_int_equal(tocsin_dsp_init(&dsp, &f.cfg, mem, size), 0);
	for (uint32_t i = 0; i < HOPS; i++) {
		/* From silence to clipping. */
		dsp_noise(&rng, samples, (size_t)g->channels * g->frame_length, (1 << (i % 16)) - 1,
			  (int)rng_below(&rng, 3000) - 1500);

		const struct tocsin_ring_view view =
			dsp_view(&f.cfg, (uint64_t)i * f.cfg.hop, samples, 7);

		if (tocsin_dsp_push(&dsp, &view, vector, &window) == 1) {
			hash = checksum_floats(hash, vector, tocsin_dsp_vector_size(&f.cfg));
		}
	}
	free(mem);
	return hash;
}

static void features(void **state)
{
	bool same = true;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		const uint32_t hash = run(&golden[i]);

		if (hash != golden[i].hash) {
			print_error("case %zu: 0x%08x instead of 0x%08x\n", i, (unsigned int)hash,
				    (unsigned int)golden[i].hash);
			same = false;
		}
	}
	assert_true(same);
}

/* Of every float from FLT_MIN on, in steps of a prime. */
static void decibels(void **state)
{
	uint32_t hash = CHECKSUM_INIT;

	(void)state;
	for (uint32_t bits = 0x00800000; bits < 0x7f800000; bits += 10007) {
		float x;

		memcpy(&x, &bits, sizeof(x));
		x = tocsin_dsp_db(x);
		hash = checksum_floats(hash, &x, 1);
	}
	assert_int_equal(hash, 0x43d3ea3a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features),
		cmocka_unit_test(decibels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
