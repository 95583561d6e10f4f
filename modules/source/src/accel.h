/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * An accelerometer's source in parts: accel.c is the source, accel_setup.c sets the sensor up, and
 * three files are the ways by which samples come; accel_adxl345.c helps out one driver.
 */

#ifndef TOCSIN_SOURCE_ACCEL_H_
#define TOCSIN_SOURCE_ACCEL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zephyr/device.h>
#include <zephyr/drivers/i2c.h>
#include <zephyr/drivers/sensor.h>
#include <zephyr/kernel.h>
#include <zephyr/rtio/rtio.h>

#include <tocsin/source.h>
#include <tocsin/source_accel_scale.h>
#include <tocsin/source_pace.h>

#define ACCEL_AXES 3

/** Samples that a source has taken. */
struct accel_taken {
	uint64_t lost; /**< frames missing in front of them */
	size_t frames;
};

/** A way by which samples come. The thread that reads the source calls. */
struct accel_way {
	/** Begin; the sensor is set up. 0 or a negative errno. */
	int (*start)(const struct device *dev);

	/**
	 * Wait until @p end for samples and put at most @p most of them into data->samples.
	 * 0, with something in @p taken; -EAGAIN where nothing came; else a negative errno.
	 */
	int (*take)(const struct device *dev, size_t most, k_timepoint_t end,
		    struct accel_taken *taken);

	/** End. May be NULL. */
	void (*stop)(const struct device *dev);
};

extern const struct accel_way accel_poll, accel_trigger, accel_stream;

/** One sample of every axis, from the data-ready handler. */
struct accel_sample {
	int64_t when; /* ticks */
	int16_t digits[ACCEL_AXES];
	int16_t error; /* negative errno of the driver: no sample */
};

struct accel_config {
	const struct device *sensor;
	const struct accel_way *way;
	const uint8_t *axes; /* 0 to 2 for x to z, of each channel */
	uint32_t n_axes;
	const uint32_t *rates; /* Hz that the sensor has; none: not known */
	size_t n_rates;
	uint32_t full_scale; /* g, where the driver cannot set it; else 0 */
	bool full_scale_in_g;
	uint32_t settle_ms;
	struct k_msgq *queue; /* trigger: samples */
	struct rtio *rtio;    /* stream */
	struct rtio_iodev *iodev;
	int (*rouse)(void); /* stream: have the sensor fill an empty FIFO and tell of it, whatever
			     * it did before; NULL where its driver sees to that */
	bool (*whole)(const uint8_t *buffer); /* stream: whether all of a buffer, lent to the driver
					       * full of ACCEL_BLANK, has been read from the
					       * sensor; NULL where its driver sees to that */
};

struct accel_data {
	const struct device *dev;
	struct tocsin_source_format format;
	struct tocsin_accel_scale scale;
	struct tocsin_pace pace;
	uint32_t block; /* most frames a block */
	uint32_t skip;  /* frames to throw away until the sensor has settled */
	bool running;

	enum sensor_channel fetch; /* what the driver wants to be asked for */
	struct sensor_trigger trigger;

	int64_t anchor; /* poll: ticks of frame -1 */
	uint64_t made;  /* poll: frames since, those lost included */

	struct accel_sample have; /* trigger: taken from the queue, and not yet handed on */
	bool has;
	uint64_t owed; /* frames lost in front of what comes next */

	bool begun;      /* the pace knows the time of a frame */
	bool armed;      /* stream: the sensor has a request */
	uint8_t *buffer; /* stream: samples as the driver encodes them; NULL for none */
	uint32_t buffer_size;
	uint32_t fit;  /* stream: the decoder's place in it */
	uint16_t left; /* stream: frames in it that are still to be decoded */

	int16_t samples[CONFIG_TOCSIN_SOURCE_ACCEL_BLOCK_FRAMES * ACCEL_AXES];
};

/**
 * @brief Give the sensor the rate and the range of @p format.
 * @retval 0 set, and read back where the driver can
 * @retval -ENOTSUP the sensor cannot give that; the reason is logged
 * @return else the bus's negative errno
 */
int accel_setup(const struct device *dev, const struct tocsin_source_format *format);

/** @brief Whether the sensor answers. One that did not at boot is initialised again. */
int accel_wake(const struct device *sensor);

/**
 * @brief Have an ADXL345 measure into an empty FIFO, and tell of it on a pin.
 *
 * @param watermark frames in the FIFO that it tells of, 1 to 31
 * @param int2 on INT2, not INT1
 * @return 0, or the bus's negative errno
 */
int accel_adxl345_rouse(const struct i2c_dt_spec *i2c, uint8_t watermark, bool int2);

/** What a buffer is full of before the driver gets it; no sample of an ADXL345 at ±8 g has a byte
 * like that at its end. */
#define ACCEL_BLANK 0x55

/** @brief Whether all samples of an ADXL345 in @p buffer have been read from it. */
bool accel_adxl345_whole(const uint8_t *buffer);

/** @brief Ask the sensor for a sample now, and give it in the bundle's digits. */
int accel_fetch(const struct device *dev, int16_t digits[ACCEL_AXES]);

#endif /* TOCSIN_SOURCE_ACCEL_H_ */
