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

static struct dsp_fixture f;
static struct tocsin_dsp_config *const cfg = &f.cfg;

/* Bands, statistics and pooling; every field in the middle of its range. */
static void valid(void)
{
	dsp_fixture_init(&f, 2, 400, 512, 20);
	f.cfg.stats = TOCSIN_DSP_RMS | TOCSIN_DSP_KURTOSIS;
	f.cfg.pool = TOCSIN_DSP_MEAN | TOCSIN_DSP_STD;
	f.cfg.window_frames = 12;
	f.cfg.window_hop = 4;
}

/* One field at a time, from valid(). */
#define ACCEPTS(change)                                                                            \
	do {                                                                                       \
		valid();                                                                           \
		change;                                                                            \
		assert_int_equal(tocsin_dsp_check(cfg), 0);                                        \
	} while (0)
#define REFUSES(change)                                                                            \
	do {                                                                                       \
		valid();                                                                           \
		change;                                                                            \
		assert_int_equal(tocsin_dsp_check(cfg), -EINVAL);                                  \
		assert_int_equal(tocsin_dsp_needed_size(cfg), 0);                                  \
	} while (0)

static void ranges(void **state)
{
	(void)state;
	ACCEPTS((void)0);
	assert_int_equal(tocsin_dsp_check(NULL), -EINVAL);
	assert_int_equal(tocsin_dsp_needed_size(NULL), 0);
	REFUSES(cfg->sample_rate = 0);
	ACCEPTS(cfg->sample_rate = UINT32_MAX);
	REFUSES(cfg->channels = 0);
	ACCEPTS(cfg->channels = 3);
	REFUSES(cfg->channels = 4);
	REFUSES(cfg->scale = 0.0f);
	REFUSES(cfg->scale = -1.0f);
	REFUSES(cfg->scale = NAN);
	REFUSES(cfg->scale = INFINITY);
	REFUSES(cfg->log_floor = 0.0f);
	REFUSES(cfg->log_floor = -1e-10f);
	REFUSES(cfg->log_floor = NAN);
	REFUSES(cfg->log_floor = INFINITY);
	REFUSES(cfg->log_floor = 1e-38f); /* subnormal */
	ACCEPTS(cfg->log_floor = 0x1p-126f);
	REFUSES((cfg->frame_length = 15, cfg->hop = 1));
	ACCEPTS((cfg->frame_length = 16, cfg->hop = 1));
	REFUSES(cfg->frame_length = 513);
	REFUSES(cfg->hop = 0);
	ACCEPTS(cfg->hop = 1);
	REFUSES(cfg->hop = 401);
	REFUSES(cfg->stats = 16);
	REFUSES(cfg->stats = 0x80000001);
	ACCEPTS(cfg->stats = 0);
	REFUSES(cfg->flags = 2);
	ACCEPTS(cfg->flags = 1);
}

static void spectrum(void **state)
{
	(void)state;
	REFUSES(cfg->n_fft = 0);
	REFUSES((cfg->n_fft = 128, cfg->frame_length = cfg->hop = 100));
	REFUSES(cfg->n_fft = 500);
	REFUSES(cfg->n_fft = 8192);
	REFUSES(cfg->n_fft = 0x80000000);
	REFUSES(cfg->n_bands = 129);
	REFUSES(cfg->n_bands = UINT32_MAX);
	REFUSES(cfg->window = NULL);
	REFUSES(cfg->sine = NULL);
	REFUSES(cfg->bands = NULL);
	REFUSES(cfg->weights = NULL);
	REFUSES(cfg->n_weights++);
	REFUSES(cfg->n_weights--);
	REFUSES(f.window[200] = NAN);
	ACCEPTS(f.window[201] = NAN); /* not part of the table */
	REFUSES(f.sine[511] = INFINITY);
	REFUSES(f.weights[cfg->n_weights - 1] = -INFINITY);
	REFUSES(f.bands[19].first++); /* the last band ends with the last bin */
	REFUSES(f.bands[0].first = 65535);
	REFUSES(f.bands[0].count++);
	ACCEPTS((f.bands[0].count--, f.bands[0].first++, f.bands[1].first--, f.bands[1].count++));
	ACCEPTS((memset(f.bands, 0, sizeof(f.bands)), cfg->n_weights = 0, cfg->weights = NULL));
}

static void without_bands(void **state)
{
	(void)state;
	REFUSES(cfg->n_bands = 0); /* n_fft and n_weights are left */
	dsp_fixture_init(&f, 1, 4096, 0, 0);
	assert_int_equal(tocsin_dsp_check(cfg), 0);
	cfg->n_weights = 1;
	assert_int_equal(tocsin_dsp_check(cfg), -EINVAL);
	dsp_fixture_init(&f, 1, 4097, 0, 0);
	assert_int_equal(tocsin_dsp_check(cfg), -EINVAL);
	dsp_fixture_init(&f, 1, 4096, 0, 0);
	cfg->stats = 0; /* nothing to compute */
	assert_int_equal(tocsin_dsp_check(cfg), -EINVAL);
}

static void pooling(void **state)
{
	(void)state;
	REFUSES(cfg->pool = 0);
	REFUSES(cfg->pool = 16);
	REFUSES(cfg->window_frames = 0);
	ACCEPTS(cfg->window_frames = 1024);
	REFUSES(cfg->window_frames = 1028);
	REFUSES(cfg->window_hop = 0);
	ACCEPTS(cfg->window_hop = 12);
	REFUSES(cfg->window_hop = 24);
	for (uint32_t pool = 1; pool < 16; pool++) {
		if (pool == TOCSIN_DSP_STACK) {
			ACCEPTS((cfg->pool = pool, cfg->window_hop = 5));
		} else {
			REFUSES((cfg->pool = pool, cfg->window_hop = 5));
		}
	}
	/* 2 · 22 values a frame: 93 frames fit, 94 do not. */
	ACCEPTS((cfg->pool = TOCSIN_DSP_STACK, cfg->window_frames = 93));
	assert_int_equal(tocsin_dsp_vector_size(cfg), 4092);
	REFUSES((cfg->pool = TOCSIN_DSP_STACK, cfg->window_frames = 94));
}

/* The formula of modules/dsp/README.md. */
static void sizes(void **state)
{
	(void)state;
	for (uint32_t pool = 1; pool < 16; pool++) {
		const size_t stack = (pool & TOCSIN_DSP_STACK) != 0 ? 12 : 0;
		const size_t mean = (pool & TOCSIN_DSP_MEAN) != 0;
		const size_t std = (pool & TOCSIN_DSP_STD) != 0;
		const size_t max = (pool & TOCSIN_DSP_MAX) != 0;
		const size_t block = (mean || std) + std + max;

		valid();
		cfg->pool = pool;
		assert_int_equal(tocsin_dsp_frame_size(cfg), 2 * 22);
		assert_int_equal(tocsin_dsp_vector_size(cfg), 44 * (stack + mean + std + max));
		assert_int_equal(tocsin_dsp_needed_size(cfg),
				 4 * (512 + 44 * ((stack > 0 ? stack : 1) + 12 / 4 * block)));
	}
}

static void init(void **state)
{
	static _Alignas(8) unsigned char mem[8192];
	struct tocsin_dsp dsp;
	size_t size;

	(void)state;
	valid();
	size = tocsin_dsp_needed_size(cfg);
	assert_in_range(size, 1, sizeof(mem) - 8);
	assert_int_equal(tocsin_dsp_init(&dsp, cfg, mem, size), 0);
	assert_int_equal(tocsin_dsp_init(&dsp, cfg, mem, size - 1), -ENOMEM);
	assert_int_equal(tocsin_dsp_init(NULL, cfg, mem, size), -EINVAL);
	assert_int_equal(tocsin_dsp_init(&dsp, NULL, mem, size), -EINVAL);
	assert_int_equal(tocsin_dsp_init(&dsp, cfg, NULL, size), -EINVAL);
	assert_int_equal(tocsin_dsp_init(&dsp, cfg, mem + 4, size), -EINVAL);
	cfg->hop = 0;
	assert_int_equal(tocsin_dsp_init(&dsp, cfg, mem, size), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),        cmocka_unit_test(spectrum),
		cmocka_unit_test(without_bands), cmocka_unit_test(pooling),
		cmocka_unit_test(sizes),         cmocka_unit_test(init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
