/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* How the sensor is set up, and what is refused. */

#include <errno.h>

#include <zephyr/ztest.h>

#include "common.h"

static const struct device *const polled = DEVICE_DT_GET(DT_NODELABEL(polled));
static const struct device *const triggered = DEVICE_DT_GET(DT_NODELABEL(triggered));
static const struct device *const fixed = DEVICE_DT_GET(DT_NODELABEL(fixed));
static const struct device *const single = DEVICE_DT_GET(DT_NODELABEL(single));
static const struct device *const late = DEVICE_DT_GET(DT_NODELABEL(late));
static const struct device *const absent = DEVICE_DT_GET(DT_NODELABEL(absent));

static struct tocsin_source_block block;

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	fake_sensor_reset();
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	tocsin_source_stop(polled);
	tocsin_source_stop(fixed);
	tocsin_source_stop(single);
	tocsin_source_stop(late);
}

ZTEST_SUITE(accel_setup, NULL, NULL, before, after, NULL);

static int check(const struct device *dev, uint32_t rate, uint32_t channels, float range)
{
	const struct tocsin_source_format format = vibration(rate, channels, range);

	return tocsin_source_check(dev, &format);
}

ZTEST(accel_setup, test_refuses_sound_and_axes_that_are_not_there)
{
	struct tocsin_source_format sound = vibration(400, 1, 8);

	sound.vibration = false;
	zassert_equal(tocsin_source_check(polled, &sound), -ENOTSUP);
	zassert_ok(check(polled, 400, 3, 8));
	zassert_equal(check(polled, 400, 4, 8), -ENOTSUP);
	zassert_equal(check(polled, 400, 0, 8), -ENOTSUP);
	zassert_equal(check(polled, 0, 3, 8), -ENOTSUP);
	zassert_ok(check(triggered, 400, 2, 8));
	zassert_equal(check(triggered, 400, 3, 8), -ENOTSUP);
}

ZTEST(accel_setup, test_sets_the_bundles_rate_and_range)
{
	static const struct {
		float range;
		int32_t set;
	} ranges[] = {{8, 8}, {2, 2}, {1, 2}, {4.5f, 8}, {15.9f, 16}, {16.1f, 16}};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		zassert_ok(check(polled, 200, 3, ranges[i].range));
		zassert_equal(fake_sensor.range, ranges[i].set);
		zassert_equal(fake_sensor.rate, 200);
	}
	zassert_equal(check(polled, 200, 3, 17), -ENOTSUP);
	zassert_equal(check(polled, 200, 3, 2000), -ENOTSUP);
	zassert_equal(check(polled, 416, 3, 8), -ENOTSUP);
	zassert_equal(check(polled, 20, 3, 8), -ENOTSUP);
}

ZTEST(accel_setup, test_what_the_driver_really_did_is_read_back)
{
	fake_sensor.rounds = true;
	/* It cannot be known... */
	zassert_ok(check(polled, 416, 3, 8));
	/* ...but where it can: */
	fake_sensor.reads_back = true;
	zassert_equal(check(polled, 416, 3, 8), -ENOTSUP);
	zassert_ok(check(polled, 400, 3, 8));
	zassert_ok(check(polled, 404, 3, 8)); /* 1 % */
	/* Where devicetree knows the sensor's rates, nothing else is asked for. */
	fake_sensor.reads_back = false;
	fake_sensor.rate = 0;
	zassert_equal(check(fixed, 416, 3, 8), -ENOTSUP);
	zassert_equal(fake_sensor.rate, 0);
	zassert_ok(check(fixed, 404, 3, 8));
	zassert_equal(fake_sensor.rate, 400);
}

ZTEST(accel_setup, test_a_range_that_cannot_be_set)
{
	fake_sensor.no_range = true;
	zassert_equal(check(polled, 400, 3, 8), -ENOTSUP);
	zassert_ok(check(fixed, 400, 3, 8));
	zassert_ok(check(fixed, 400, 3, 2));
	zassert_equal(check(fixed, 400, 3, 16), -ENOTSUP);
}

ZTEST(accel_setup, test_a_single_rate_and_a_range_in_g)
{
	fake_sensor.no_rate = true;
	fake_sensor.in_g = true;
	zassert_ok(check(single, 12, 3, 16));
	zassert_equal(fake_sensor.range, 16);
	zassert_equal(check(single, 25, 3, 16), -ENOTSUP);
	zassert_equal(check(polled, 12, 3, 16), -ENOTSUP);
}

ZTEST(accel_setup, test_a_bus_that_fails_is_no_refusal)
{
	const struct tocsin_source_format format = vibration(400, 3, 8);

	fake_sensor.error = -EIO;
	zassert_ok(tocsin_source_check(polled, &format));
	fake_sensor.error = -EIO;
	zassert_ok(tocsin_source_start(polled, &format)); /* the check has taken the error */
	zassert_equal(tocsin_source_start(polled, &format), -EALREADY);
	/* A running sensor is left alone. */
	zassert_ok(check(polled, 200, 3, 8));
	zassert_equal(fake_sensor.rate, 400);
	fake_sensor.error = -EIO;
	zassert_equal(tocsin_source_read(polled, SIZE_MAX, K_SECONDS(1), &block), -EIO);
}

ZTEST(accel_setup, test_a_sensor_that_is_absent_at_boot)
{
	const struct tocsin_source_format format = vibration(400, 3, 8);
	const int inits = fake_sensor.inits;

	zassert_false(device_is_ready(absent));
	zassert_true(inits >= 1);
	fake_sensor.absent = true;
	zassert_ok(tocsin_source_check(late, &format)); /* it may come */
	zassert_equal(tocsin_source_start(late, &format), -ENODEV);
	zassert_equal(tocsin_source_start(late, &format), -ENODEV);
	zassert_true(fake_sensor.inits > inits);
	fake_sensor.absent = false;
	zassert_ok(tocsin_source_start(late, &format));
	zassert_true(device_is_ready(absent));
	zassert_ok(tocsin_source_read(late, SIZE_MAX, K_SECONDS(1), &block));
	zassert_equal(block.samples[2], 4096);
}
