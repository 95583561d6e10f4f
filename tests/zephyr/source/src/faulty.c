/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Every fault that the tests inject is what its name says, and goes away again. */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include <tocsin/source.h>
#include <tocsin/source_faulty.h>
#include <tocsin/source_health.h>

#define RATE     8000
#define CHANNELS 2

static const struct device *const source = DEVICE_DT_GET(DT_NODELABEL(faulty));
static const struct tocsin_source_format format = {
	.sample_rate = RATE, .channels = CHANNELS, .scale = 1.0f / 32768};

static struct tocsin_source_block block;
static struct tocsin_source_health health;

static void *setup(void)
{
	/* As after a boot without a sensor. */
	zassert_ok(tocsin_source_check(source, &format));
	zassert_equal(tocsin_source_start(source, &format), -ENODEV);
	return NULL;
}

static void before(void *fixture)
{
	const struct tocsin_source_health_config config = {.channels = CHANNELS,
							   .stuck_frames = RATE / 10,
							   .span_frames = RATE / 10,
							   .rails_permille = 200};

	ARG_UNUSED(fixture);
	tocsin_source_faulty_inject(source, TOCSIN_SOURCE_FAULT_NONE);
	zassert_ok(tocsin_source_start(source, &format));
	zassert_ok(tocsin_source_health_init(&health, &config));
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	tocsin_source_stop(source);
}

ZTEST_SUITE(faulty, NULL, setup, before, after, NULL);

/* How the sensor looks after a quarter of a second of it. */
static enum tocsin_source_condition look(void)
{
	enum tocsin_source_condition condition = TOCSIN_SOURCE_OK;
	uint64_t since;

	for (uint64_t index = 0; index < RATE / 4; index += block.frames) {
		zassert_ok(tocsin_source_read(source, SIZE_MAX, K_SECONDS(1), &block));
		condition = tocsin_source_health_push(&health, index, block.samples, block.frames,
						      &since);
	}
	return condition;
}

ZTEST(faulty, test_without_a_fault_the_machine_comes_through)
{
	zassert_equal(look(), TOCSIN_SOURCE_OK);
	zassert_equal(block.frames, RATE / 100);
}

ZTEST(faulty, test_a_stuck_sensor_holds_its_last_sample)
{
	int16_t held[CHANNELS];

	zassert_equal(look(), TOCSIN_SOURCE_OK);
	memcpy(held, &block.samples[(block.frames - 1) * CHANNELS], sizeof(held));
	tocsin_source_faulty_inject(source, TOCSIN_SOURCE_FAULT_STUCK);
	zassert_equal(look(), TOCSIN_SOURCE_STUCK);
	for (size_t i = 0; i < block.frames; i++) {
		zassert_mem_equal(&block.samples[i * CHANNELS], held, sizeof(held));
	}
	tocsin_source_faulty_inject(source, TOCSIN_SOURCE_FAULT_NONE);
	zassert_equal(look(), TOCSIN_SOURCE_OK);
}

ZTEST(faulty, test_a_saturated_sensor_lies_at_the_rails)
{
	size_t at_rails = 0;

	tocsin_source_faulty_inject(source, TOCSIN_SOURCE_FAULT_SATURATE);
	zassert_equal(look(), TOCSIN_SOURCE_SATURATED);
	for (size_t i = 0; i < block.frames * CHANNELS; i++) {
		at_rails += block.samples[i] == INT16_MIN || block.samples[i] == INT16_MAX;
	}
	zassert_true(at_rails > block.frames, "%zu of %zu", at_rails, block.frames * CHANNELS);
}

ZTEST(faulty, test_a_short_block_lacks_half_and_tells_nothing)
{
	tocsin_source_faulty_inject(source, TOCSIN_SOURCE_FAULT_SHORT_BLOCK);
	zassert_ok(tocsin_source_read(source, SIZE_MAX, K_SECONDS(1), &block));
	zassert_equal(block.frames, RATE / 200);
	zassert_equal(block.lost, 0);
}

ZTEST(faulty, test_errors_of_a_driver)
{
	int64_t begun;

	tocsin_source_faulty_inject(source, TOCSIN_SOURCE_FAULT_DRIVER_ERROR);
	zassert_equal(tocsin_source_read(source, SIZE_MAX, K_SECONDS(1), &block), -EIO);
	tocsin_source_faulty_inject(source, TOCSIN_SOURCE_FAULT_ABSENT);
	zassert_equal(tocsin_source_read(source, SIZE_MAX, K_SECONDS(1), &block), -ENODEV);
	tocsin_source_stop(source);
	zassert_equal(tocsin_source_start(source, &format), -ENODEV);
	tocsin_source_faulty_inject(source, TOCSIN_SOURCE_FAULT_STALL);
	zassert_ok(tocsin_source_start(source, &format));
	begun = k_uptime_get();
	zassert_equal(tocsin_source_read(source, SIZE_MAX, K_MSEC(200), &block), -EAGAIN);
	zassert_true(k_uptime_get() - begun >= 200, "a stalled sensor answers at once");
}
