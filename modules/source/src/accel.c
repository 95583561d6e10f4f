/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#define DT_DRV_COMPAT tocsin_source_accel

#include <errno.h>

#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include "accel.h"

LOG_MODULE_REGISTER(tocsin_accel, CONFIG_TOCSIN_SOURCE_LOG_LEVEL);

static int accel_check(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct accel_config *config = dev->config;
	const struct accel_data *data = dev->data;

	if (!format->vibration) {
		LOG_ERR("%s: the bundle wants sound, this is an accelerometer", dev->name);
		return -ENOTSUP;
	}
	if (format->channels < 1 || format->channels > config->n_axes) {
		LOG_ERR("%s: the bundle wants %u channels, there are %u axes", dev->name,
			format->channels, config->n_axes);
		return -ENOTSUP;
	}
	if (format->sample_rate < 1) {
		return -ENOTSUP;
	}
	/* The sensor knows best; but a running one is not disturbed, and an absent one may come. */
	if (data->running || accel_wake(config->sensor) != 0) {
		return 0;
	}
	return accel_setup(dev, format) == -ENOTSUP ? -ENOTSUP : 0;
}

static int accel_start(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;
	int err;

	if (data->running) {
		return -EALREADY;
	}
	err = accel_check(dev, format);
	if (err != 0) {
		return err;
	}
	err = accel_wake(config->sensor);
	if (err != 0) {
		return err;
	}
	err = accel_setup(dev, format);
	if (err != 0) {
		return err;
	}
	data->format = *format;
	tocsin_accel_scale_init(&data->scale, format->scale);
	data->block = CLAMP(format->sample_rate / 100, 1, CONFIG_TOCSIN_SOURCE_ACCEL_BLOCK_FRAMES);
	data->skip = (uint32_t)DIV_ROUND_UP((uint64_t)config->settle_ms * format->sample_rate,
					    MSEC_PER_SEC);
	data->owed = 0;
	data->begun = false;
	err = config->way->start(dev);
	if (err != 0) {
		LOG_ERR("%s: %s does not start (%d)", dev->name, config->sensor->name, err);
		return err;
	}
	data->running = true;
	return 0;
}

static int accel_read(const struct device *dev, size_t max_frames, k_timeout_t timeout,
		      struct tocsin_source_block *block)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;
	const k_timepoint_t end = sys_timepoint_calc(timeout);

	if (!data->running) {
		return -ENODATA;
	}
	while (true) {
		struct accel_taken taken = {0};
		const size_t most = MIN(max_frames, data->block);
		int err = config->way->take(dev, data->skip > 0 ? MIN(most, data->skip) : most, end,
					    &taken);

		if (err != 0) {
			return err;
		}
		if (data->skip == 0) {
			*block = (struct tocsin_source_block){.lost = taken.lost,
							      .samples = data->samples,
							      .frames = taken.frames};
			return 0;
		}
		data->skip -= (uint32_t)taken.frames;
	}
}

static void accel_stop(const struct device *dev)
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;

	if (data->running) {
		data->running = false;
		if (config->way->stop != NULL) {
			config->way->stop(dev);
		}
	}
}

int accel_fetch(const struct device *dev, int16_t digits[ACCEL_AXES])
{
	const struct accel_config *config = dev->config;
	struct accel_data *data = dev->data;
	struct sensor_value values[ACCEL_AXES];
	int err = sensor_sample_fetch_chan(config->sensor, data->fetch);

	/* Some drivers only fetch all that the chip measures. */
	if (err == -ENOTSUP && data->fetch == SENSOR_CHAN_ACCEL_XYZ) {
		data->fetch = SENSOR_CHAN_ALL;
		err = sensor_sample_fetch_chan(config->sensor, data->fetch);
	}
	if (err == 0) {
		err = sensor_channel_get(config->sensor, SENSOR_CHAN_ACCEL_XYZ, values);
	}
	for (uint32_t c = 0; err == 0 && c < data->format.channels; c++) {
		digits[c] = tocsin_accel_scale_digit(
			&data->scale, sensor_value_to_micro(&values[config->axes[c]]));
	}
	return err;
}

static int accel_init(const struct device *dev)
{
	struct accel_data *data = dev->data;

	data->dev = dev;
	data->fetch = SENSOR_CHAN_ACCEL_XYZ;
	data->trigger = (struct sensor_trigger){.type = SENSOR_TRIG_DATA_READY,
						.chan = SENSOR_CHAN_ACCEL_XYZ};
	return 0;
}

static const struct tocsin_source_api accel_api = {
	.check = accel_check,
	.start = accel_start,
	.read = accel_read,
	.stop = accel_stop,
};

/* See accel_adxl345.c. */
#define ACCEL_NEEDS_ROUSING(node)                                                                  \
	UTIL_AND(DT_NODE_HAS_COMPAT(node, adi_adxl345), DT_ON_BUS(node, i2c))

#define ACCEL_ROUSE_DEFINE(n, node)                                                                \
	static int accel_rouse_##n(void)                                                           \
	{                                                                                          \
		static const struct i2c_dt_spec i2c = I2C_DT_SPEC_GET(node);                       \
                                                                                                   \
		return accel_adxl345_rouse(&i2c, DT_PROP(node, fifo_watermark),                    \
					   !DT_NODE_HAS_PROP(node, int1_gpios));                   \
	}

#define ACCEL_IS(n, what)           DT_INST_ENUM_HAS_VALUE(n, acquisition, what)
#define ACCEL_AXIS(node, prop, idx) DT_ENUM_IDX_BY_IDX(node, prop, idx)

/* A completion for each buffer, and one for the error that ends a request: none must be dropped,
 * or its buffer would be lost with it. */
#define ACCEL_STREAM_DEFINE(n)                                                                     \
	SENSOR_DT_STREAM_IODEV(accel_iodev_##n, DT_INST_PHANDLE(n, sensor),                        \
			       {SENSOR_TRIG_FIFO_WATERMARK, SENSOR_STREAM_DATA_INCLUDE});          \
	IF_ENABLED(ACCEL_NEEDS_ROUSING(DT_INST_PHANDLE(n, sensor)),                                \
		   (ACCEL_ROUSE_DEFINE(n, DT_INST_PHANDLE(n, sensor))))                            \
	RTIO_DEFINE_WITH_MEMPOOL(accel_rtio_##n, 2, CONFIG_TOCSIN_SOURCE_ACCEL_FIFO_BUFFERS + 2,   \
				 CONFIG_TOCSIN_SOURCE_ACCEL_FIFO_BUFFERS,                          \
				 CONFIG_TOCSIN_SOURCE_ACCEL_FIFO_BYTES, sizeof(void *));

#define ACCEL_TRIGGER_DEFINE(n)                                                                    \
	K_MSGQ_DEFINE(accel_queue_##n, sizeof(struct accel_sample),                                \
		      CONFIG_TOCSIN_SOURCE_ACCEL_BLOCK_FRAMES, sizeof(int64_t));

#define ACCEL_DEFINE(n)                                                                            \
	IF_ENABLED(ACCEL_IS(n, stream), (ACCEL_STREAM_DEFINE(n)))                                  \
	IF_ENABLED(ACCEL_IS(n, trigger), (ACCEL_TRIGGER_DEFINE(n)))                                \
	static const uint8_t accel_axes_##n[] = {                                                  \
		DT_INST_FOREACH_PROP_ELEM_SEP(n, axes, ACCEL_AXIS, (, ))};                         \
	BUILD_ASSERT(ARRAY_SIZE(accel_axes_##n) <= ACCEL_AXES, "an accelerometer has three axes"); \
	static const uint32_t accel_rates_##n[] = DT_INST_PROP_OR(n, sampling_frequencies, {0});   \
	static struct accel_data accel_data_##n;                                                   \
	static const struct accel_config accel_config_##n = {                                      \
		.sensor = DEVICE_DT_GET(DT_INST_PHANDLE(n, sensor)),                               \
		.way = &UTIL_CAT(accel_, DT_INST_STRING_TOKEN(n, acquisition)),                    \
		.axes = accel_axes_##n,                                                            \
		.n_axes = ARRAY_SIZE(accel_axes_##n),                                              \
		.rates = accel_rates_##n,                                                          \
		.n_rates = DT_INST_PROP_LEN_OR(n, sampling_frequencies, 0),                        \
		.full_scale = DT_INST_PROP(n, full_scale),                                         \
		.full_scale_in_g = DT_INST_PROP(n, full_scale_in_g),                               \
		.settle_ms = DT_INST_PROP(n, settle_ms),                                           \
		IF_ENABLED(ACCEL_IS(n, stream),                                                    \
			   (.rtio = &accel_rtio_##n, .iodev = &accel_iodev_##n,                    \
			    .rouse = COND_CODE_1(ACCEL_NEEDS_ROUSING(DT_INST_PHANDLE(n, sensor)),  \
						 (accel_rouse_##n), (NULL)),                       \
			    .whole = COND_CODE_1(ACCEL_NEEDS_ROUSING(DT_INST_PHANDLE(n, sensor)),  \
						 (accel_adxl345_whole), (NULL)), ))                \
			IF_ENABLED(ACCEL_IS(n, trigger), (.queue = &accel_queue_##n, ))};          \
	DEVICE_DT_INST_DEFINE(n, accel_init, NULL, &accel_data_##n, &accel_config_##n,             \
			      POST_KERNEL, CONFIG_TOCSIN_SOURCE_INIT_PRIORITY, &accel_api);

DT_INST_FOREACH_STATUS_OKAY(ACCEL_DEFINE)
