/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The synthetic source keeps time as a sensor does, and tells a late reader what it missed. */

#include <errno.h>
#include <stdlib.h>

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include <tocsin/source.h>
#include <tocsin/source_synthetic.h>

#include "machine.h"

#define RATE     8000
#define CHANNELS 2

static const struct device *const source = DEVICE_DT_GET(DT_NODELABEL(machine));
static const struct tocsin_source_format format = {
	.sample_rate = RATE, .channels = CHANNELS, .scale = 1.0f / 32768};

static struct tocsin_machine undisturbed;
static struct tocsin_source_block block;
static uint64_t position;
static uint64_t lost;

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	position = 0;
	lost = 0;
	tocsin_machine_init(&undisturbed, RATE, DT_PROP(DT_NODELABEL(machine), shaft_millihertz),
			    DT_PROP(DT_NODELABEL(machine), amplitude), 0);
	zassert_ok(tocsin_source_start(source, &format));
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	tocsin_source_synthetic_set_fault(source, false);
	tocsin_source_stop(source);
}

ZTEST_SUITE(synthetic, NULL, NULL, before, after, NULL);

/* Every sample must be what the machine gives at its index. */
static void read_and_compare(size_t most)
{
	int16_t frame[CHANNELS];

	zassert_ok(tocsin_source_read(source, most, K_SECONDS(1), &block));
	zassert_true(block.frames >= 1 && block.frames <= most);
	for (uint64_t i = 0; i < block.lost; i++) {
		tocsin_machine_frame(&undisturbed, false, CHANNELS, frame);
	}
	lost += block.lost;
	position += block.lost;
	for (size_t i = 0; i < block.frames; i++, position++) {
		tocsin_machine_frame(&undisturbed, false, CHANNELS, frame);
		zassert_mem_equal(&block.samples[i * CHANNELS], frame, sizeof(frame), "frame %u",
				  (unsigned int)position);
	}
}

ZTEST(synthetic, test_it_gives_its_rate_and_loses_nothing)
{
	const int64_t begun = k_uptime_ticks();
	int64_t took;

	while (position < 2 * RATE) {
		read_and_compare(position % 3 == 0 ? SIZE_MAX : 33);
	}
	took = k_uptime_ticks() - begun;
	zassert_equal(lost, 0);
	/* Not before its time; a busy desk may see it later. */
	zassert_true(took >= 2 * CONFIG_SYS_CLOCK_TICKS_PER_SEC, "%lld ticks", (long long)took);
	zassert_equal(tocsin_source_read(source, 64, K_NO_WAIT, &block), -EAGAIN);
}

ZTEST(synthetic, test_a_late_reader_is_told_what_it_missed)
{
	int64_t begun;

	while (position < 100) {
		read_and_compare(SIZE_MAX);
	}
	zassert_equal(lost, 0);
	begun = k_uptime_ticks();
	k_sleep(K_MSEC(300));
	read_and_compare(SIZE_MAX);
	/* All but what the block holds, and what was begun. */
	zassert_within((int64_t)lost,
		       (k_uptime_ticks() - begun) * RATE / CONFIG_SYS_CLOCK_TICKS_PER_SEC -
			       block.frames,
		       100, "%u lost", (unsigned int)lost);
	for (int i = 0; i < 20; i++) {
		read_and_compare(SIZE_MAX);
	}
}

static int loudest(int frames)
{
	int most = 0;

	while (frames > 0) {
		zassert_ok(tocsin_source_read(source, SIZE_MAX, K_SECONDS(1), &block));
		for (size_t i = 0; i < block.frames * CHANNELS; i++) {
			most = MAX(most, abs(block.samples[i]));
		}
		frames -= (int)block.frames;
	}
	return most;
}

ZTEST(synthetic, test_a_fault_is_heard_and_can_be_mended)
{
	const int healthy = loudest(RATE / 4);
	int failing;

	tocsin_source_synthetic_set_fault(source, true);
	zassert_true(tocsin_source_synthetic_fault(source));
	failing = loudest(RATE / 4);
	zassert_true(failing > healthy + healthy / 4, "%d, healthy %d", failing, healthy);
	tocsin_source_synthetic_set_fault(source, false);
	(void)loudest(RATE / 4); /* it rings out */
	zassert_within(loudest(RATE / 4), healthy, healthy / 50);
}

ZTEST(synthetic, test_it_runs_once_and_has_three_channels)
{
	struct tocsin_source_format four = format;

	zassert_equal(tocsin_source_start(source, &format), -EALREADY);
	four.channels = 4;
	zassert_equal(tocsin_source_check(source, &four), -ENOTSUP);
	four.channels = 0;
	zassert_equal(tocsin_source_check(source, &four), -ENOTSUP);
	zassert_false(tocsin_source_is_paced(source));
}
