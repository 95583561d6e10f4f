/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The three ways by which samples come: exact payloads, indices and losses. */

#include <errno.h>

#include <zephyr/ztest.h>

#include "common.h"

#define RATE 400

static const struct device *const polled = DEVICE_DT_GET(DT_NODELABEL(polled));
static const struct device *const triggered = DEVICE_DT_GET(DT_NODELABEL(triggered));
static const struct device *const streamed = DEVICE_DT_GET(DT_NODELABEL(streamed));

static struct tocsin_source_block block;
static uint64_t position; /* index of the next frame, as a reader counts */
static uint64_t lost;
static uint64_t origin; /* the world's index of frame 0 */

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	fake_sensor_reset();
	position = 0;
	lost = 0;
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	tocsin_source_stop(polled);
	tocsin_source_stop(triggered);
	tocsin_source_stop(streamed);
}

ZTEST_SUITE(accel_ways, NULL, NULL, before, after, NULL);

static void begin(const struct device *dev, uint32_t channels)
{
	const struct tocsin_source_format format = vibration(RATE, channels, 8);
	const int64_t frame = CONFIG_SYS_CLOCK_TICKS_PER_SEC / RATE;

	/* The grid of a polled sensor shall be the world's. */
	k_sleep(K_TIMEOUT_ABS_TICKS((k_uptime_ticks() / frame + 1) * frame));
	zassert_ok(tocsin_source_start(dev, &format));
}

static int16_t world_x(uint64_t index)
{
	return (int16_t)(index % FAKE_MODULO) - FAKE_MODULO / 2;
}

/* Read one block; every sample must be the world's at its index. `x` is where the x axis is. */
static void read_block(const struct device *dev, size_t most, uint32_t channels, uint32_t x)
{
	zassert_ok(tocsin_source_read(dev, most, K_SECONDS(2), &block));
	zassert_true(block.frames > 0 && block.frames <= most);
	if (position == 0) {
		zassert_equal(block.lost, 0);
		origin = (uint64_t)(block.samples[x] + FAKE_MODULO / 2);
	}
	lost += block.lost;
	position += block.lost;
	for (size_t i = 0; i < block.frames; i++, position++) {
		const int16_t *frame = &block.samples[i * channels];
		const int16_t wanted = world_x(origin + position);

		zassert_equal(frame[x], wanted, "frame %u: %d, not %d", (unsigned int)position,
			      frame[x], wanted);
		if (channels == 3) {
			zassert_equal(frame[1], -wanted);
		}
		zassert_equal(frame[x == 0 ? 2 : 0], 4096);
	}
}

static void read_until(const struct device *dev, uint64_t until, uint32_t channels, uint32_t x)
{
	while (position < until) {
		read_block(dev, position % 3 == 0 ? SIZE_MAX : 3, channels, x);
	}
}

ZTEST(accel_ways, test_poll)
{
	fake_sensor.bus_us = 500;
	begin(polled, 3);
	zassert_equal(tocsin_source_read(polled, SIZE_MAX, K_NO_WAIT, &block), -EAGAIN);
	read_until(polled, 20 * RATE, 3, 0);
	zassert_equal(lost, 0);
	/* 10 ms a block. */
	read_block(polled, SIZE_MAX, 3, 0);
	zassert_equal(block.frames, 4);
}

ZTEST(accel_ways, test_poll_late)
{
	begin(polled, 3);
	for (int i = 1; i <= 20; i++) {
		const uint64_t before_it = lost;

		read_until(polled, position + 50, 3, 0);
		k_sleep(K_USEC(2500 * i + 100));
		read_until(polled, position + 1, 3, 0);
		/* Of the i frames whose time has passed, the last is still taken. */
		zassert_equal(lost - before_it, i - 1);
	}
	/* A driver that takes longer than there is time. */
	fake_sensor.bus_us = 6000;
	read_until(polled, position + 300, 3, 0);
	zassert_true(lost > 190 + 150);
	fake_sensor.error = -EIO;
	zassert_equal(tocsin_source_read(polled, SIZE_MAX, K_SECONDS(1), &block), -EIO);
}

ZTEST(accel_ways, test_poll_of_a_driver_that_fetches_all_or_nothing)
{
	fake_sensor.only_all = true;
	begin(polled, 3);
	read_until(polled, 100, 3, 0);
	zassert_equal(lost, 0);
}

ZTEST(accel_ways, test_trigger)
{
	begin(triggered, 2);
	read_until(triggered, 20 * RATE, 2, 1);
	zassert_equal(lost, 0);
	/* 50 ms were thrown away: 20 samples. */
	zassert_equal((fake_sensor.index - origin) % FAKE_MODULO, position % FAKE_MODULO);
}

ZTEST(accel_ways, test_trigger_late)
{
	begin(triggered, 2);
	read_until(triggered, RATE, 2, 1);
	/* The queue holds 32 samples. */
	k_sleep(K_MSEC(75));
	read_until(triggered, 2 * RATE, 2, 1);
	zassert_equal(lost, 0);
	for (int i = 1; i <= 5; i++) {
		const uint64_t before_it = lost;

		k_sleep(K_USEC(2500 * (32 + i)));
		read_until(triggered, position + RATE, 2, 1);
		zassert_equal(lost - before_it, i);
	}
}

/* A gap between samples that wait together: the block ends in front of it. */
ZTEST(accel_ways, test_trigger_gap_within_a_block)
{
	begin(triggered, 2);
	read_until(triggered, RATE, 2, 1);
	while (tocsin_source_read(triggered, SIZE_MAX, K_NO_WAIT, &block) == 0) {
		position += block.frames;
	}
	k_sleep(K_USEC(2 * 2500));
	fake_sensor.silent = true;
	k_sleep(K_USEC(3 * 2500));
	fake_sensor.silent = false;
	k_sleep(K_USEC(2 * 2500));
	read_block(triggered, SIZE_MAX, 2, 1);
	zassert_equal(block.frames, 2);
	zassert_equal(lost, 0);
	read_until(triggered, 2 * RATE, 2, 1);
	zassert_equal(lost, 3);
}

ZTEST(accel_ways, test_trigger_of_a_sensor_that_is_slow_or_fast)
{
	static const int offs[] = {-40, 40};

	for (size_t i = 0; i < ARRAY_SIZE(offs); i++) {
		position = 0;
		lost = 0;
		fake_sensor.clock_off = offs[i];
		begin(triggered, 2);
		read_until(triggered, 60 * RATE, 2, 1);
		zassert_equal(lost, 0);
		/* Seven interrupts do not come. */
		fake_sensor.silent = true;
		k_sleep(K_USEC(2500 * 7 * 1000 / (1000 + offs[i])));
		fake_sensor.silent = false;
		read_until(triggered, position + RATE, 2, 1);
		zassert_equal(lost, 7);
		tocsin_source_stop(triggered);
	}
}

ZTEST(accel_ways, test_trigger_silence_and_errors)
{
	const struct tocsin_source_format format = vibration(RATE, 2, 8);

	begin(triggered, 2);
	read_until(triggered, RATE, 2, 1);
	fake_sensor.silent = true;
	while (tocsin_source_read(triggered, SIZE_MAX, K_NO_WAIT, &block) == 0) {
	}
	zassert_equal(tocsin_source_read(triggered, SIZE_MAX, K_SECONDS(1), &block), -EAGAIN);
	fake_sensor.silent = false;
	fake_sensor.error = -EIO;
	zassert_equal(tocsin_source_read(triggered, SIZE_MAX, K_SECONDS(1), &block), -EIO);
	tocsin_source_stop(triggered);
	zassert_ok(tocsin_source_check(triggered, &format));
}

ZTEST(accel_ways, test_stream)
{
	begin(streamed, 3);
	fake_sensor_run(true);
	read_until(streamed, 60 * RATE, 3, 0);
	zassert_equal(lost, 0);
	read_block(streamed, 1, 3, 0);
	zassert_equal(block.frames, 1);
}

ZTEST(accel_ways, test_stream_late)
{
	begin(streamed, 3);
	fake_sensor_run(true);
	read_until(streamed, RATE, 3, 0);
	/* Four buffers of 16 samples wait, and 32 in the FIFO, of which 16 are in the first. */
	k_sleep(K_USEC(2500 * 60));
	read_until(streamed, 2 * RATE, 3, 0);
	zassert_equal(lost, 0);
	for (int i = 1; i <= 5; i++) {
		const uint64_t before_it = lost;

		k_sleep(K_MSEC(500 * i));
		read_until(streamed, position + RATE, 3, 0);
		/* The buffers and the FIFO were kept; that it is exact, each sample has shown. */
		zassert_between_inclusive(lost - before_it, 200u * i - 120, 200u * i - 60);
	}
}

ZTEST(accel_ways, test_stream_of_a_sensor_that_is_slow_or_fast)
{
	static const int offs[] = {-40, 40};

	for (size_t i = 0; i < ARRAY_SIZE(offs); i++) {
		position = 0;
		lost = 0;
		fake_sensor.clock_off = offs[i];
		begin(streamed, 3);
		fake_sensor_run(true);
		read_until(streamed, 60 * RATE, 3, 0);
		zassert_equal(lost, 0);
		/* Samples go past the FIFO. */
		fake_sensor.silent = true;
		k_sleep(K_USEC(2500 * 7 * 1000 / (1000 + offs[i])));
		fake_sensor.silent = false;
		while (lost == 0 && position < 62 * RATE) {
			zassert_ok(tocsin_source_read(streamed, SIZE_MAX, K_SECONDS(2), &block));
			lost += block.lost;
			position += block.lost + block.frames;
		}
		zassert_within((int)lost, 7, 1);
		fake_sensor_run(false);
		tocsin_source_stop(streamed);
		zassert_equal(tocsin_source_read(streamed, 1, K_NO_WAIT, &block), -ENODATA);
	}
}

/* Stopped and started again and again, with a request that lives on: nothing leaks. */
ZTEST(accel_ways, test_stream_stop_and_start)
{
	for (int i = 0; i < 50; i++) {
		position = 0;
		lost = 0;
		begin(streamed, 3);
		fake_sensor_run(true);
		read_until(streamed, 100, 3, 0);
		tocsin_source_stop(streamed);
		k_sleep(K_MSEC(40 * i));
		zassert_equal(lost, 0);
		fake_sensor_run(false);
		fake_stream_reset();
	}
}

/* A driver that fails while it reads the FIFO has a buffer already: it comes back each time. */
ZTEST(accel_ways, test_stream_bus_errors)
{
	for (int i = 0; i < 3 * CONFIG_TOCSIN_SOURCE_ACCEL_FIFO_BUFFERS; i++) {
		int ret;

		position = 0;
		lost = 0;
		begin(streamed, 3);
		fake_sensor_run(true);
		read_until(streamed, 100, 3, 0);
		zassert_equal(lost, 0);
		fake_sensor.bus_error = -EIO;
		while ((ret = tocsin_source_read(streamed, SIZE_MAX, K_SECONDS(1), &block)) == 0) {
		}
		zassert_equal(ret, -EIO);
		tocsin_source_stop(streamed);
		fake_sensor_run(false);
		fake_stream_reset();
	}
}

ZTEST(accel_ways, test_stream_silence_and_errors)
{
	int ret;

	begin(streamed, 3);
	fake_sensor_run(true);
	read_until(streamed, 100, 3, 0);
	fake_sensor.error = -EIO;
	while ((ret = tocsin_source_read(streamed, SIZE_MAX, K_SECONDS(1), &block)) == 0) {
	}
	zassert_equal(ret, -EIO);
	tocsin_source_stop(streamed);
	position = 0;
	begin(streamed, 3);
	read_until(streamed, 100, 3, 0);
	fake_sensor.silent = true;
	while (tocsin_source_read(streamed, SIZE_MAX, K_NO_WAIT, &block) == 0) {
	}
	zassert_equal(tocsin_source_read(streamed, SIZE_MAX, K_SECONDS(1), &block), -EAGAIN);
}
