/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * An accelerometer with a data-ready trigger and a FIFO of 32 samples, of which 16 make an
 * interrupt. It measures a world that goes on whatever the driver does: sample i (since time 0, at
 * the rate of the sensor's own clock) is, in digits of ±8 g,
 * x = i mod 4096 - 2048, y = -x, z = 4096, which is 1 g.
 */

#ifndef FAKE_SENSOR_H_
#define FAKE_SENSOR_H_

#include <stdbool.h>
#include <stdint.h>

#include <zephyr/drivers/sensor.h>

#define FAKE_MODULO    4096
#define FAKE_FIFO      32
#define FAKE_WATERMARK 16

struct fake_sensor {
	/* What it is told to do. */
	bool rounds;     /* takes any rate, and uses the next lower that it has */
	bool in_g;       /* takes full scales in g */
	bool no_rate;    /* has no attribute for the rate */
	bool no_range;   /* nor for the range */
	bool reads_back; /* tells its attributes */
	bool only_all;   /* fetches only everything */
	bool absent;     /* does not answer to initialisation */
	int error;       /* of the next fetch, attribute or stream */
	int bus_error;   /* of the next stream, when a buffer was taken already */
	int clock_off;   /* of its clock, thousandths */
	bool silent;     /* no interrupts */
	uint32_t bus_us; /* how long a fetch takes */

	/* What was seen. */
	uint32_t rate;        /* Hz, as it is set */
	int32_t range;        /* g */
	uint64_t index;       /* of the next sample, while triggers or the FIFO run */
	uint32_t submissions; /* of streams */
	int inits;
};

extern struct fake_sensor fake_sensor;

void fake_sensor_reset(void);

/** The world's sample in µm/s²: axis 0 to 2. */
int32_t fake_sensor_world(uint64_t index, int axis);

/** Begin to sample, or end: the data-ready handler or the FIFO wants it. */
void fake_sensor_run(bool on);

/** In fake_stream.c: a sample has been taken. */
void fake_stream_sample(uint64_t index);
void fake_stream_reset(void);
void fake_stream_submit(const struct device *dev, struct rtio_iodev_sqe *sqe);
int fake_stream_get_decoder(const struct device *dev, const struct sensor_decoder_api **decoder);

#endif /* FAKE_SENSOR_H_ */
