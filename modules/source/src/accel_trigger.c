/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Samples one by one, on the sensor's data-ready interrupt. */

#include <errno.h>
#include <string.h>

#include <zephyr/sys/util.h>

#include "accel.h"

/* A handler runs in a thread or a work queue, so it is late now and then: three quarters of a frame
 * are no loss. */
#define SLACK_QUARTERS 3

static void data_ready(const struct device *sensor, const struct sensor_trigger *trigger)
{
	struct accel_data *data = CONTAINER_OF(trigger, struct accel_data, trigger);
	const struct accel_config *config = data->dev->config;
	struct accel_sample sample = {.when = k_uptime_ticks()};

	ARG_UNUSED(sensor);
	sample.error = (int16_t)accel_fetch(data->dev, sample.digits);
	/* Where the queue is full, the clock will tell. */
	(void)k_msgq_put(config->queue, &sample, K_NO_WAIT);
}

static int trigger_start(const struct device *dev)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;

	k_msgq_purge(config->queue);
	data->has = false;
	return sensor_trigger_set(config->sensor, &data->trigger, data_ready);
}

/* Frames lost in front of a sample that was taken at @p when. */
static uint64_t lost_before(struct accel_data *data, int64_t when)
{
	if (!data->begun) {
		data->begun = true;
		tocsin_pace_init(&data->pace, data->format.sample_rate,
				 CONFIG_SYS_CLOCK_TICKS_PER_SEC, SLACK_QUARTERS, when);
		return 0;
	}
	return tocsin_pace_block(&data->pace, 1, when);
}

/* Get a sample into data->have, with what was lost in front of it in data->owed. */
static int have_one(const struct device *dev, k_timeout_t timeout)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;

	if (!data->has) {
		if (k_msgq_get(config->queue, &data->have, timeout) != 0) {
			return -EAGAIN;
		}
		if (data->have.error != 0) {
			return data->have.error;
		}
		data->has = true;
		data->owed = lost_before(data, data->have.when);
	}
	return 0;
}

static int trigger_take(const struct device *dev, size_t most, k_timepoint_t end,
			struct accel_taken *taken)
{
	struct accel_data *data = dev->data;
	const size_t size = data->format.channels * sizeof(int16_t);
	int err = have_one(dev, sys_timepoint_timeout(end));

	taken->lost = data->owed;
	while (err == 0 && taken->frames < most && (data->owed == 0 || taken->frames == 0)) {
		memcpy(&data->samples[taken->frames * data->format.channels], data->have.digits,
		       size);
		taken->frames++;
		data->has = false;
		data->owed = 0;
		err = have_one(dev, K_NO_WAIT);
	}
	/* An error behind good samples comes again, or the clock tells. */
	return taken->frames > 0 ? 0 : err;
}

static void trigger_stop(const struct device *dev)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;

	(void)sensor_trigger_set(config->sensor, &data->trigger, NULL);
}

const struct accel_way accel_trigger = {
	.start = trigger_start,
	.take = trigger_take,
	.stop = trigger_stop,
};
