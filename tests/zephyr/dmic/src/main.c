/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include <zephyr/ztest.h>

#include <tocsin/source.h>

#include "fake_dmic.h"

#define RATE 16000

static const struct device *const plain = DEVICE_DT_GET(DT_NODELABEL(plain));
static const struct device *const right = DEVICE_DT_GET(DT_NODELABEL(right));
static const struct device *const stereo = DEVICE_DT_GET(DT_NODELABEL(stereo));

static const struct tocsin_source_format mono = {
	.sample_rate = RATE, .channels = 1, .scale = 1.0f / 32768};

static struct tocsin_source_block block;
static uint64_t position; /* index of the next frame, as a reader counts */
static uint64_t lost;
static int32_t origin; /* the world's index of frame 0 */

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	fake_dmic_reset();
	position = 0;
	lost = 0;
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	tocsin_source_stop(plain);
	tocsin_source_stop(right);
	tocsin_source_stop(stereo);
	zassert_false(fake_dmic_active());
}

ZTEST_SUITE(dmic, NULL, NULL, before, after, NULL);

static struct tocsin_source_format with(uint32_t rate, uint32_t channels, bool vibration)
{
	struct tocsin_source_format format = mono;

	format.sample_rate = rate;
	format.channels = channels;
	format.vibration = vibration;
	return format;
}

static void begin(const struct device *dev, const struct tocsin_source_format *format)
{
	zassert_ok(tocsin_source_start(dev, format));
}

/* Read one block; every sample must be the world's at its index. */
static void read_block(const struct device *dev, size_t max_frames, uint32_t channels)
{
	zassert_ok(tocsin_source_read(dev, max_frames, K_SECONDS(1), &block));
	zassert_true(block.frames > 0 && block.frames <= max_frames);
	if (position == 0) {
		zassert_equal(block.lost, 0);
		origin = block.samples[0];
	}
	lost += block.lost;
	position += block.lost;
	for (size_t i = 0; i < block.frames; i++, position++) {
		const int16_t wanted = (int16_t)((position + origin) % FAKE_MODULO);

		zassert_equal(block.samples[i * channels], wanted, "frame %u: %d, not %d",
			      (unsigned int)position, block.samples[i * channels], wanted);
		if (channels == 2) {
			zassert_equal(block.samples[i * 2 + 1], -wanted);
		}
	}
}

ZTEST(dmic, test_refuses_what_it_cannot_give)
{
	const struct tocsin_source_format vibration = with(RATE, 1, true);
	const struct tocsin_source_format two = with(RATE, 2, false);
	const struct tocsin_source_format three = with(RATE, 3, false);
	/* 1,333,000 / 64 = 20,828; 1,000,000 / 80 = 12,500. */
	static const struct {
		uint32_t rate;
		int answer;
	} rates[] = {{16000, 0},        {15625, 0},        {20828, 0},   {21200, 0},
		     {21300, -ENOTSUP}, {12500, 0},        {12260, 0},   {12240, -ENOTSUP},
		     {8000, -ENOTSUP},  {48000, -ENOTSUP}, {0, -ENOTSUP}};

	zassert_ok(tocsin_source_check(plain, &mono));
	zassert_equal(tocsin_source_check(plain, &vibration), -ENOTSUP);
	zassert_equal(tocsin_source_check(plain, &two), -ENOTSUP);
	zassert_ok(tocsin_source_check(stereo, &two));
	zassert_equal(tocsin_source_check(stereo, &three), -ENOTSUP);
	zassert_equal(tocsin_source_start(plain, &two), -ENOTSUP);
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		const struct tocsin_source_format format = with(rates[i].rate, 1, false);

		zassert_equal(tocsin_source_check(plain, &format), rates[i].answer, "%u Hz",
			      rates[i].rate);
	}
	/* This microphone works from 1.1 to 1.3 MHz only; that one's clocks are not known. */
	const struct tocsin_source_format slow = with(12500, 1, false);

	zassert_equal(tocsin_source_check(stereo, &slow), -ENOTSUP);
	zassert_ok(tocsin_source_check(right, &slow));
	zassert_equal(fake_dmic_seen.configured, 0);
}

ZTEST(dmic, test_asks_the_driver_for_what_the_bundle_wants)
{
	const struct tocsin_source_format two = with(RATE, 2, false);

	begin(plain, &mono);
	zassert_equal(tocsin_source_start(plain, &mono), -EALREADY);
	zassert_equal(fake_dmic_seen.stream.pcm_rate, RATE);
	zassert_equal(fake_dmic_seen.stream.pcm_width, 16);
	zassert_equal(fake_dmic_seen.stream.block_size, 160 * sizeof(int16_t));
	zassert_equal(fake_dmic_seen.cfg.channel.req_num_chan, 1);
	zassert_equal(fake_dmic_seen.cfg.channel.req_chan_map_lo,
		      dmic_build_channel_map(0, 0, PDM_CHAN_LEFT));
	zassert_equal(fake_dmic_seen.cfg.io.min_pdm_clk_freq, 1000000);
	zassert_equal(fake_dmic_seen.cfg.io.max_pdm_clk_freq, 3250000);
	tocsin_source_stop(plain);

	begin(right, &mono);
	zassert_equal(fake_dmic_seen.cfg.channel.req_chan_map_lo,
		      dmic_build_channel_map(0, 0, PDM_CHAN_RIGHT));
	tocsin_source_stop(right);

	begin(stereo, &two);
	zassert_equal(fake_dmic_seen.cfg.channel.req_num_chan, 2);
	zassert_equal(fake_dmic_seen.cfg.channel.req_chan_map_lo,
		      dmic_build_channel_map(0, 0, PDM_CHAN_LEFT) |
			      dmic_build_channel_map(1, 0, PDM_CHAN_RIGHT));
	zassert_equal(fake_dmic_seen.stream.block_size, 2 * 160 * sizeof(int16_t));
}

ZTEST(dmic, test_start_up_is_thrown_away_and_samples_follow_each_other)
{
	const struct tocsin_source_format two = with(RATE, 2, false);
	const int64_t then = k_uptime_ticks() * RATE / CONFIG_SYS_CLOCK_TICKS_PER_SEC;

	begin(plain, &mono);
	read_block(plain, SIZE_MAX, 1);
	/* 5 ms of the first block of 10 ms. */
	zassert_equal(block.frames, 80);
	zassert_equal(origin, (then + 80) % FAKE_MODULO);
	while (position < 10 * RATE) {
		/* Pieces of any size. */
		read_block(plain, position % 3 == 0 ? SIZE_MAX : 37, 1);
	}
	zassert_equal(lost, 0);
	zassert_equal(fake_dmic_seen.started, 1);
	tocsin_source_stop(plain);

	position = 0;
	begin(stereo, &two);
	while (position < RATE) {
		read_block(stereo, SIZE_MAX, 2);
	}
	zassert_equal(lost, 0);
}

ZTEST(dmic, test_a_timeout_is_not_an_error)
{
	begin(plain, &mono);
	zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_NO_WAIT, &block), -EAGAIN);
	zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_MSEC(3), &block), -EAGAIN);
	read_block(plain, SIZE_MAX, 1);
	read_block(plain, SIZE_MAX, 1);
	zassert_equal(lost, 0);
	zassert_equal(fake_dmic_seen.started, 1);
	tocsin_source_stop(plain);
	zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_NO_WAIT, &block), -ENODATA);
}

/* A reader that is late by less than the blocks that there are loses nothing. */
ZTEST(dmic, test_late_but_not_too_late)
{
	begin(plain, &mono);
	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < 3; k++) {
			read_block(plain, SIZE_MAX, 1);
		}
		k_sleep(K_MSEC(29));
	}
	while (position < RATE) {
		read_block(plain, SIZE_MAX, 1);
	}
	zassert_equal(lost, 0);
	zassert_equal(fake_dmic_seen.started, 1);
}

/* The slab runs empty, the driver stops; what was missed is told to the sample, each time. */
ZTEST(dmic, test_an_overrun_is_counted_to_the_sample)
{
	begin(plain, &mono);
	for (int i = 1; i <= 5; i++) {
		const uint64_t lost_before = lost;
		const uint64_t until = position + RATE;

		k_sleep(K_MSEC(100 * i + 7));
		while (position < until) {
			read_block(plain, SIZE_MAX, 1);
		}
		zassert_equal(fake_dmic_seen.started, 1 + i);
		zassert_true(lost > lost_before + 16 * 100 * (i - 1));
	}
	zassert_true(k_mem_slab_num_free_get(fake_dmic_seen.stream.mem_slab) >= 3);
}

/* The peripheral hangs: it is restarted while the reader waits. */
ZTEST(dmic, test_a_stall_is_counted_to_the_sample)
{
	const struct tocsin_source_format two = with(RATE, 2, false);

	begin(stereo, &two);
	for (int i = 1; i <= 5; i++) {
		const uint64_t until = position + RATE / 2;
		const uint64_t lost_before = lost;

		while (position < until) {
			read_block(stereo, SIZE_MAX, 2);
		}
		fake_dmic_hang();
		read_block(stereo, SIZE_MAX, 2);
		/* 40 ms until it is noticed, then 30 ms of settling. */
		zassert_within((double)(lost - lost_before), 0.070 * RATE, 32);
		zassert_equal(fake_dmic_seen.started, 1 + i);
	}
}

/* It hangs again and again before it gives a single block. */
ZTEST(dmic, test_a_stall_that_takes_several_restarts)
{
	begin(plain, &mono);
	while (position < RATE / 2) {
		read_block(plain, SIZE_MAX, 1);
	}
	for (int i = 0; i < 20; i++) {
		fake_dmic_hang();
		zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_MSEC(9), &block), -EAGAIN);
	}
	while (position < 2 * RATE) {
		read_block(plain, SIZE_MAX, 1);
	}
	zassert_true(fake_dmic_seen.started >= 4);
	zassert_true(lost > 180 * RATE / 1000);
}

/* Also where the reader gives up waiting again and again. */
ZTEST(dmic, test_a_stall_with_an_impatient_reader)
{
	begin(plain, &mono);
	read_block(plain, SIZE_MAX, 1);
	fake_dmic_hang();
	for (int i = 0; i < 1000; i++) {
		const int ret = tocsin_source_read(plain, 1, K_MSEC(1), &block);

		if (ret == 0) {
			break;
		}
		zassert_equal(ret, -EAGAIN);
	}
	zassert_equal(fake_dmic_seen.started, 2);
	position += block.lost;
	zassert_equal(block.samples[0], (int16_t)((position + origin) % FAKE_MODULO));
	position += 1;
	lost = 0;
	while (position < RATE) {
		read_block(plain, SIZE_MAX, 1);
	}
	zassert_equal(lost, 0);
}

/* Nothing ever comes: the reader is told no more than that, and the driver is tried again. */
ZTEST(dmic, test_a_dead_microphone)
{
	begin(plain, &mono);
	for (int i = 0; i < 50; i++) {
		fake_dmic_hang();
		zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_MSEC(9), &block), -EAGAIN);
	}
	zassert_true(fake_dmic_seen.started >= 5);
	zassert_equal(k_mem_slab_num_used_get(fake_dmic_seen.stream.mem_slab), 2);
}

ZTEST(dmic, test_errors_of_the_driver)
{
	fake_dmic_fail_configure(-EINVAL, 1);
	zassert_equal(tocsin_source_start(plain, &mono), -ENOTSUP);
	fake_dmic_fail_configure(-EIO, 1);
	zassert_equal(tocsin_source_start(plain, &mono), -EIO);
	/* Still coming to rest: waited for, but not for ever. */
	fake_dmic_fail_configure(-EBUSY, 3);
	begin(plain, &mono);
	fake_dmic_fail_read(-EIO);
	zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_SECONDS(1), &block), -EIO);
	tocsin_source_stop(plain);
	zassert_equal(k_mem_slab_num_used_get(fake_dmic_seen.stream.mem_slab), 0);
	fake_dmic_fail_configure(-EBUSY, 1000);
	zassert_equal(tocsin_source_start(plain, &mono), -EBUSY);
}

ZTEST(dmic, test_stop_and_start_begin_afresh)
{
	for (int i = 0; i < 20; i++) {
		position = 0;
		begin(plain, &mono);
		read_block(plain, SIZE_MAX, 1);
		read_block(plain, 10, 1);
		k_sleep(K_MSEC(15 * i));
		tocsin_source_stop(plain);
		zassert_equal(k_mem_slab_num_used_get(fake_dmic_seen.stream.mem_slab), 0);
	}
	zassert_equal(lost, 0);
}

/* It is the microphone's, and the features take it out. */
ZTEST(dmic, test_an_offset_stays)
{
	int32_t least = INT32_MAX;

	fake_dmic_set_offset(9000);
	begin(right, &mono);
	for (uint64_t i = 0; i < 4 * RATE; i += block.frames) {
		zassert_ok(tocsin_source_read(right, SIZE_MAX, K_SECONDS(1), &block));
		for (size_t k = 0; k < block.frames; k++) {
			least = MIN(least, block.samples[k]);
		}
	}
	/* The world's sawtooth begins at 0. */
	zassert_equal(least, 9000, "%d", least);
}
