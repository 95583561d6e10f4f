/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The rate and the range of an accelerometer: set from the bundle, and refused with the reason. */

#include <errno.h>
#include <stdlib.h>

#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include "accel.h"

LOG_MODULE_DECLARE(tocsin_accel, CONFIG_TOCSIN_SOURCE_LOG_LEVEL);

/* Within 2 %: rates of sensors are given rounded, 12.5 Hz as 12 or 13. */
static bool near(int64_t found, int64_t wanted)
{
	return llabs(found - wanted) * 50 <= MAX(wanted, 25);
}

/* The sensor's own number for @p rate, or 0. */
static uint32_t own_rate(const struct accel_config *config, uint32_t rate)
{
	for (size_t i = 0; i < config->n_rates; i++) {
		if (near(config->rates[i], rate)) {
			return config->rates[i];
		}
	}
	return config->n_rates == 0 ? rate : 0;
}

/* Drivers say in three ways that they do not do something; all else is the bus. */
static bool is_refusal(int err)
{
	return err == -ENOTSUP || err == -ENOSYS || err == -EINVAL;
}

/* Set an attribute; 0 where it holds, -ENOTSUP where the driver refuses or does something else. */
static int set(const struct device *sensor, enum sensor_attribute attribute,
	       const struct sensor_value *value)
{
	struct sensor_value got;
	int err = sensor_attr_set(sensor, SENSOR_CHAN_ACCEL_XYZ, attribute, value);

	if (err != 0) {
		return is_refusal(err) ? -ENOTSUP : err;
	}
	err = sensor_attr_get(sensor, SENSOR_CHAN_ACCEL_XYZ, attribute, &got);
	if (err != 0) {
		return is_refusal(err) ? 0 : err; /* most drivers cannot tell */
	}
	return near(sensor_value_to_milli(&got), sensor_value_to_milli(value)) ? 0 : -ENOTSUP;
}

static int set_rate(const struct device *dev, uint32_t rate)
{
	const struct accel_config *config = dev->config;
	const struct sensor_value value = {.val1 = (int32_t)own_rate(config, rate)};
	int err = -ENOTSUP;

	if (value.val1 > 0) {
		err = set(config->sensor, SENSOR_ATTR_SAMPLING_FREQUENCY, &value);
		if (err == -ENOTSUP && config->n_rates == 1) {
			return 0; /* it has no other */
		}
	}
	if (err == -ENOTSUP) {
		LOG_ERR("%s: the bundle wants %u Hz, %s cannot give that", dev->name, rate,
			config->sensor->name);
	}
	return err;
}

static int set_range(const struct device *dev, float scale)
{
	const struct accel_config *config = dev->config;
	const uint32_t range = tocsin_accel_scale_range(scale);
	struct sensor_value value = {.val1 = (int32_t)range};
	int err = -ENOTSUP;

	if (range > 0 && config->full_scale > 0) {
		err = range <= config->full_scale ? 0 : -ENOTSUP;
	} else if (range > 0) {
		if (!config->full_scale_in_g) {
			sensor_g_to_ms2((int32_t)range, &value);
		}
		err = set(config->sensor, SENSOR_ATTR_FULL_SCALE, &value);
	}
	if (err == -ENOTSUP) {
		LOG_ERR("%s: the bundle wants a range of %u g, %s cannot give that", dev->name,
			range, config->sensor->name);
	}
	return err;
}

int accel_setup(const struct device *dev, const struct tocsin_source_format *format)
{
	int err = set_rate(dev, format->sample_rate);

	return err != 0 ? err : set_range(dev, format->scale);
}

int accel_wake(const struct device *sensor)
{
	if (device_is_ready(sensor)) {
		return 0;
	}
	/* Zephyr initialises a device once, also one that failed. For a sensor that was not there
	 * yet, that is taken back. */
	sensor->state->init_res = 0;
	sensor->state->initialized = false;
	return device_init(sensor) == 0 ? 0 : -ENODEV;
}
