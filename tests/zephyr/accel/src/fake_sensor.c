/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#define DT_DRV_COMPAT vnd_fake_sensor

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include "fake_sensor.h"

struct fake_sensor fake_sensor = {.absent = true};

static const struct sensor_trigger *trigger;
static sensor_trigger_handler_t handler;
static const struct device *handler_dev;
static uint64_t fetched;

/* ±8 g in 32768 digits: 1 digit is 2394.2 µm/s². */
static int32_t micro(int32_t digits)
{
	return (int32_t)((int64_t)digits * 8 * SENSOR_G / 32768);
}

int32_t fake_sensor_world(uint64_t index, int axis)
{
	const int32_t x = (int32_t)(index % FAKE_MODULO) - FAKE_MODULO / 2;

	return micro(axis == 0 ? x : axis == 1 ? -x : 4096);
}

/* The samples that its clock has taken by now. */
static uint64_t by_now(void)
{
	return (uint64_t)k_uptime_ticks() * fake_sensor.rate * (1000 + fake_sensor.clock_off) /
	       1000 / CONFIG_SYS_CLOCK_TICKS_PER_SEC;
}

static int take_error(void)
{
	const int err = fake_sensor.error;

	fake_sensor.error = 0;
	return err;
}

/* Handlers may not run in interrupts. */
static void call(struct k_work *work)
{
	ARG_UNUSED(work);
	if (handler != NULL) {
		handler(handler_dev, trigger);
	}
}

static K_WORK_DEFINE(work, call);

static void sampled(struct k_timer *timer)
{
	ARG_UNUSED(timer);
	fetched = fake_sensor.index++;
	if (!fake_sensor.silent) {
		fake_stream_sample(fetched);
		if (handler != NULL) {
			k_work_submit(&work);
		}
	}
}

static K_TIMER_DEFINE(timer, sampled, NULL);

void fake_sensor_run(bool on)
{
	if (on && fake_sensor.rate > 0) {
		const uint32_t period = CONFIG_SYS_CLOCK_TICKS_PER_SEC * 1000ull /
					(fake_sensor.rate * (1000 + fake_sensor.clock_off));

		fake_sensor.index = by_now();
		k_timer_start(&timer, K_TICKS(period), K_TICKS(period));
	} else {
		k_timer_stop(&timer);
	}
}

void fake_sensor_reset(void)
{
	k_timer_stop(&timer);
	handler = NULL;
	fake_sensor = (struct fake_sensor){.inits = fake_sensor.inits};
	fake_stream_reset();
}

static int set_rate(int32_t rate)
{
	static const int32_t rates[] = {25, 50, 100, 200, 400};
	int32_t best = 0;

	if (fake_sensor.no_rate) {
		return -ENOTSUP;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		best = rates[i] <= rate ? rates[i] : best;
	}
	if (best == 0 || (best != rate && !fake_sensor.rounds)) {
		return -EINVAL;
	}
	fake_sensor.rate = (uint32_t)best;
	return 0;
}

static int set_range(const struct sensor_value *value)
{
	const int32_t range = fake_sensor.in_g ? value->val1 : sensor_ms2_to_g(value);

	if (fake_sensor.no_range) {
		return -ENOTSUP;
	}
	if (range != 2 && range != 4 && range != 8 && range != 16) {
		return -EINVAL;
	}
	fake_sensor.range = range;
	return 0;
}

static int fake_attr_set(const struct device *dev, enum sensor_channel chan,
			 enum sensor_attribute attr, const struct sensor_value *value)
{
	const int err = take_error();

	ARG_UNUSED(dev);
	if (err != 0) {
		return err;
	}
	if (chan != SENSOR_CHAN_ACCEL_XYZ) {
		return -ENOTSUP;
	}
	return attr == SENSOR_ATTR_SAMPLING_FREQUENCY ? set_rate(value->val1)
	       : attr == SENSOR_ATTR_FULL_SCALE       ? set_range(value)
						      : -ENOTSUP;
}

static int fake_attr_get(const struct device *dev, enum sensor_channel chan,
			 enum sensor_attribute attr, struct sensor_value *value)
{
	ARG_UNUSED(dev);
	ARG_UNUSED(chan);
	if (!fake_sensor.reads_back) {
		return -ENOTSUP;
	}
	if (attr == SENSOR_ATTR_SAMPLING_FREQUENCY) {
		*value = (struct sensor_value){.val1 = (int32_t)fake_sensor.rate};
	} else {
		sensor_g_to_ms2(fake_sensor.range, value);
	}
	return 0;
}

static int fake_trigger_set(const struct device *dev, const struct sensor_trigger *trig,
			    sensor_trigger_handler_t new_handler)
{
	const int err = take_error();

	if (err == 0) {
		handler = new_handler;
		handler_dev = dev;
		trigger = trig;
		fake_sensor_run(handler != NULL);
	}
	return err;
}

static int fake_fetch(const struct device *dev, enum sensor_channel chan)
{
	const int err = take_error();

	ARG_UNUSED(dev);
	if (err != 0) {
		return err;
	}
	if (fake_sensor.only_all && chan != SENSOR_CHAN_ALL) {
		return -ENOTSUP;
	}
	if (handler == NULL) {
		fetched = by_now();
	}
	k_sleep(K_USEC(fake_sensor.bus_us));
	return 0;
}

static int fake_get(const struct device *dev, enum sensor_channel chan, struct sensor_value *value)
{
	ARG_UNUSED(dev);
	if (chan != SENSOR_CHAN_ACCEL_XYZ) {
		return -ENOTSUP;
	}
	for (int axis = 0; axis < 3; axis++) {
		(void)sensor_value_from_micro(&value[axis], fake_sensor_world(fetched, axis));
	}
	return 0;
}

static DEVICE_API(sensor, fake_api) = {
	.attr_set = fake_attr_set,
	.attr_get = fake_attr_get,
	.trigger_set = fake_trigger_set,
	.sample_fetch = fake_fetch,
	.channel_get = fake_get,
	.get_decoder = fake_stream_get_decoder,
	.submit = fake_stream_submit,
};

static int present(const struct device *dev)
{
	ARG_UNUSED(dev);
	return 0;
}

static int maybe_absent(const struct device *dev)
{
	ARG_UNUSED(dev);
	fake_sensor.inits++;
	return fake_sensor.absent ? -EIO : 0;
}

#define FAKE_DEFINE(n)                                                                             \
	SENSOR_DEVICE_DT_INST_DEFINE(                                                              \
		n, COND_CODE_1(DT_INST_PROP(n, absent_at_boot), (maybe_absent), (present)), NULL,  \
		NULL, NULL, POST_KERNEL, CONFIG_SENSOR_INIT_PRIORITY, &fake_api);

DT_INST_FOREACH_STATUS_OKAY(FAKE_DEFINE)
