/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The fake sensor's FIFO, and how it is read by RTIO. */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/rtio/rtio.h>
#include <zephyr/sys/util.h>

#include "fake_sensor.h"

/* As encoded: a count, and samples of three int32 in µm/s². */
struct encoded {
	uint32_t count;
	int32_t values[][3];
};

static uint64_t fifo[FAKE_FIFO]; /* the oldest first */
static uint32_t filled;
static struct rtio_iodev_sqe *pending;

static void deliver(void)
{
	struct rtio_iodev_sqe *sqe = pending;
	const uint32_t wanted = sizeof(struct encoded) + filled * sizeof(int32_t[3]);
	struct encoded *out;
	uint8_t *buffer;
	uint32_t size;

	pending = NULL;
	if (rtio_sqe_rx_buf(sqe, wanted, wanted, &buffer, &size) != 0) {
		rtio_iodev_sqe_err(sqe, -ENOMEM);
		return;
	}
	if (fake_sensor.bus_error != 0) {
		const int err = fake_sensor.bus_error;

		fake_sensor.bus_error = 0;
		rtio_iodev_sqe_err(sqe, err);
		return;
	}
	out = (struct encoded *)buffer;
	out->count = filled;
	for (uint32_t i = 0; i < filled; i++) {
		for (int axis = 0; axis < 3; axis++) {
			out->values[i][axis] = fake_sensor_world(fifo[i], axis);
		}
	}
	filled = 0;
	rtio_iodev_sqe_ok(sqe, 0);
}

void fake_stream_sample(uint64_t index)
{
	if (filled == FAKE_FIFO) {
		/* Stream mode: the oldest is overwritten. */
		memmove(&fifo[0], &fifo[1], sizeof(fifo) - sizeof(fifo[0]));
		filled--;
	}
	fifo[filled++] = index;
	if (pending == NULL) {
		return;
	}
	if (fake_sensor.error != 0) {
		struct rtio_iodev_sqe *sqe = pending;
		const int err = fake_sensor.error;

		fake_sensor.error = 0;
		pending = NULL;
		rtio_iodev_sqe_err(sqe, err);
	} else if (filled >= FAKE_WATERMARK) {
		deliver();
	}
}

void fake_stream_reset(void)
{
	filled = 0;
}

void fake_stream_submit(const struct device *dev, struct rtio_iodev_sqe *sqe)
{
	ARG_UNUSED(dev);
	fake_sensor.submissions++;
	pending = sqe;
}

static int get_frame_count(const uint8_t *buffer, struct sensor_chan_spec spec, uint16_t *count)
{
	if (spec.chan_type != SENSOR_CHAN_ACCEL_XYZ) {
		return -ENOTSUP;
	}
	*count = (uint16_t)((const struct encoded *)buffer)->count;
	return 0;
}

static int decode(const uint8_t *buffer, struct sensor_chan_spec spec, uint32_t *fit, uint16_t max,
		  void *out)
{
	const struct encoded *encoded = (const struct encoded *)buffer;
	struct sensor_three_axis_data *data = out;
	uint16_t n = 0;

	if (spec.chan_type != SENSOR_CHAN_ACCEL_XYZ) {
		return -ENOTSUP;
	}
	data->shift = 8; /* ±256 m/s² */
	for (; n < max && *fit < encoded->count; n++, (*fit)++) {
		for (int axis = 0; axis < 3; axis++) {
			data->readings[n].v[axis] =
				(q31_t)((int64_t)encoded->values[*fit][axis] * (1 << 23) / 1000000);
		}
	}
	return n;
}

static const struct sensor_decoder_api decoder_api = {
	.get_frame_count = get_frame_count,
	.decode = decode,
};

int fake_stream_get_decoder(const struct device *dev, const struct sensor_decoder_api **decoder)
{
	ARG_UNUSED(dev);
	*decoder = &decoder_api;
	return 0;
}
