/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Samples from the sensor's FIFO by RTIO. One request is repeated for ever ("multishot"); it ends
 * only with an error, and then another is made. It is not cancelled when the source stops: a driver
 * may hold a cancelled request until its next interrupt, and it would never come back from a sensor
 * that has died. Once the buffers are full, the request ends by itself.
 */

#include <errno.h>
#include <string.h>

#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include "accel.h"

LOG_MODULE_DECLARE(tocsin_accel, CONFIG_TOCSIN_SOURCE_LOG_LEVEL);

/* A FIFO is read a frame earlier or later, and over a slow bus: two frames are no loss. */
#define SLACK_QUARTERS 8

static const struct sensor_chan_spec xyz = {.chan_type = SENSOR_CHAN_ACCEL_XYZ};

static void blank(const struct accel_config *config, uint8_t *buffer, size_t size)
{
	if (config->whole != NULL) {
		memset(buffer, ACCEL_BLANK, size);
	}
}

static int arm(const struct device *dev)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;
	int err = 0;

	if (!data->armed) {
		const struct sys_mem_blocks *pool = config->rtio->block_pool;

		/* All that the last request has delivered came before its end, and was released. */
		blank(config, pool->buffer,
		      pool->info.num_blocks * rtio_mempool_block_size(config->rtio));
		err = sensor_stream(config->iodev, config->rtio, NULL, NULL);
		data->armed = err == 0;
	}
	return err == 0 && config->rouse != NULL ? config->rouse() : err;
}

static void release(const struct accel_config *config, struct accel_data *data)
{
	if (data->buffer != NULL) {
		blank(config, data->buffer, data->buffer_size);
		rtio_release_buffer(config->rtio, data->buffer, data->buffer_size);
		data->buffer = NULL;
		data->left = 0;
	}
}

/* Take a completion that is there: 0 with a buffer, -EAGAIN where there is none, else the error
 * that has ended the request. */
static int complete(const struct accel_config *config, struct accel_data *data)
{
	struct rtio_cqe *cqe = rtio_cqe_consume(config->rtio);
	int err;

	if (cqe == NULL) {
		return -EAGAIN;
	}
	err = rtio_cqe_get_mempool_buffer(config->rtio, cqe, &data->buffer, &data->buffer_size);
	if (err != 0) {
		data->buffer = NULL;
	}
	if (cqe->result < 0) {
		/* The driver may have taken a buffer before it failed. */
		release(config, data);
		data->armed = false;
		err = cqe->result;
	}
	rtio_cqe_release(config->rtio, cqe);
	return err;
}

static int stream_start(const struct device *dev)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;
	bool alive = false;
	int err;

	/* What came while nobody listened. */
	while ((err = complete(config, data)) != -EAGAIN) {
		alive = err == 0;
		release(config, data);
	}
	return alive ? 0 : arm(dev);
}

/* Wait for a buffer with samples. */
static int next_buffer(const struct device *dev, k_timepoint_t end, bool *waited)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;
	int err = complete(config, data);

	/* What stands ready has been waiting, so it says nothing about the time. */
	*waited = err == -EAGAIN;
	while (err == -EAGAIN || err == -ENOMEM) {
		if (err == -ENOMEM) {
			/* We were too late: the buffers were full. */
			LOG_WRN("%s: overrun", dev->name);
			err = arm(dev);
			if (err != 0) {
				return err;
			}
			*waited = true;
		}
		/* RTIO can wait for ever, or spin; its semaphore can do better. */
		if (k_sem_take(config->rtio->consume_sem, sys_timepoint_timeout(end)) != 0) {
			return -EAGAIN;
		}
		k_sem_give(config->rtio->consume_sem);
		err = complete(config, data);
	}
	return err;
}

static int decoder_of(const struct device *dev, const struct sensor_decoder_api **decoder)
{
	const struct accel_config *config = dev->config;

	return sensor_get_decoder(config->sensor, decoder);
}

/* A buffer has come: how many frames it holds, and how many are missing in front of them. One that
 * is not whole is thrown away as such: where a sample was not read, those behind it are of another
 * time than they would seem. */
static int open_buffer(const struct device *dev, bool waited, uint64_t *lost)
{
	const struct accel_config *config = dev->config;
	const struct sensor_decoder_api *decoder;
	struct accel_data *data = dev->data;
	const int64_t now = k_uptime_ticks();
	int err = decoder_of(dev, &decoder);

	if (err == 0 && config->whole != NULL && !config->whole(data->buffer)) {
		LOG_WRN("%s: the bus failed in the middle of a burst", dev->name);
		err = -EIO;
	}
	if (err == 0) {
		err = decoder->get_frame_count(data->buffer, xyz, &data->left);
	}
	if (err != 0) {
		return err;
	}
	data->fit = 0;
	if (!data->begun) {
		data->begun = true;
		tocsin_pace_init(&data->pace, data->format.sample_rate,
				 CONFIG_SYS_CLOCK_TICKS_PER_SEC, SLACK_QUARTERS, now);
	} else if (waited) {
		*lost = tocsin_pace_block(&data->pace, data->left, now);
	} else {
		tocsin_pace_advance(&data->pace, data->left, now);
	}
	return 0;
}

/* q31 with the point after bit 31 - shift, in m/s², to µm/s²; at most 2^31 · 10^6, so it fits. */
static int64_t micro(q31_t value, int8_t shift)
{
	const int bits = CLAMP(31 - shift, 0, 31);
	const int64_t half = bits > 0 ? INT64_C(1) << (bits - 1) : 0;

	return ((int64_t)value * 1000000 + half) >> bits;
}

static int decode(const struct device *dev, size_t most, struct accel_taken *taken)
{
	const struct accel_config *config = dev->config;
	const struct sensor_decoder_api *decoder;
	struct accel_data *data = dev->data;
	int16_t *out = data->samples;
	int err = decoder_of(dev, &decoder);

	while (err == 0 && data->left > 0 && taken->frames < most) {
		struct sensor_three_axis_data frame = {0};
		const int got = decoder->decode(data->buffer, xyz, &data->fit, 1, &frame);

		if (got != 1) {
			return got < 0 ? got : -EBADMSG;
		}
		for (uint32_t c = 0; c < data->format.channels; c++) {
			*out++ = tocsin_accel_scale_digit(
				&data->scale,
				micro(frame.readings[0].v[config->axes[c]], frame.shift));
		}
		taken->frames++;
		data->left--;
	}
	return err;
}

static int stream_take(const struct device *dev, size_t most, k_timepoint_t end,
		       struct accel_taken *taken)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;

	while (data->left == 0) {
		bool waited;
		int err;

		release(config, data);
		err = next_buffer(dev, end, &waited);
		if (err == 0) {
			err = open_buffer(dev, waited, &taken->lost);
		}
		if (err != 0) {
			return err;
		}
	}
	return decode(dev, most, taken);
}

static void stream_stop(const struct device *dev)
{
	release(dev->config, dev->data);
}

const struct accel_way accel_stream = {
	.start = stream_start,
	.take = stream_take,
	.stop = stream_stop,
};
