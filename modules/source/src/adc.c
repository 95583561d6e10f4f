/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Blocks of samplings, back to back on one grid of ticks: a block begins an interval after the last
 * sampling of the one before it. A reader that comes too late for that finds whole intervals lost.
 */

#define DT_DRV_COMPAT tocsin_source_adc

#include <errno.h>

#include <zephyr/drivers/adc.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include <tocsin/source.h>

LOG_MODULE_REGISTER(tocsin_adc, CONFIG_TOCSIN_SOURCE_LOG_LEVEL);

#define INPUTS_MAX 3
#define TICKS      CONFIG_SYS_CLOCK_TICKS_PER_SEC

struct analog_config {
	const struct adc_dt_spec *inputs;
	uint32_t n_inputs;
	uint32_t settle_ms;
	uint32_t full_scale_mg;
};

struct analog_data {
	struct tocsin_source_format format;
	uint32_t interval; /* ticks */
	uint32_t block;    /* most frames a block */
	uint32_t skip;     /* frames to throw away until the input has settled */
	int32_t gain;      /* of a sample to the bundle's digits, in 2^-16 */
	int64_t next;      /* ticks, when the next frame is due */
	bool running;
	int16_t samples[CONFIG_TOCSIN_SOURCE_ADC_BLOCK_FRAMES * INPUTS_MAX];
};

/* The least interval that is not shorter than a tick, and nearest to the rate. */
static uint32_t interval_of(uint32_t rate)
{
	return MAX((TICKS + rate / 2) / rate, 1);
}

/* The driver rounds up to ticks, so what it is given must be rounded down. */
static uint32_t interval_us(uint32_t interval)
{
	return (uint32_t)((uint64_t)interval * USEC_PER_SEC / TICKS);
}

static int check_rate(const struct device *dev, uint32_t rate)
{
	uint64_t given; /* 50 times the rate that will be had */

	if (rate < 1) {
		return -ENOTSUP;
	}
	given = 50ull * TICKS / interval_of(rate);
	if (given > 51ull * rate || given < 49ull * rate) {
		LOG_ERR("%s: the bundle wants %u Hz, with %u ticks a second there is %u Hz",
			dev->name, rate, (uint32_t)TICKS, (uint32_t)(given / 50));
		return -ENOTSUP;
	}
	return 0;
}

static int analog_check(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct analog_config *config = dev->config;

	if (format->vibration && config->full_scale_mg == 0) {
		LOG_ERR("%s: the bundle wants vibration, this is a microphone", dev->name);
		return -ENOTSUP;
	}
	if (!format->vibration && config->full_scale_mg > 0) {
		LOG_ERR("%s: the bundle wants sound, this is an accelerometer", dev->name);
		return -ENOTSUP;
	}
	if (format->channels < 1 || format->channels > config->n_inputs) {
		LOG_ERR("%s: the bundle wants %u channels, there are %u inputs", dev->name,
			format->channels, config->n_inputs);
		return -ENOTSUP;
	}
	/* At most 16384 times: 2^30 of 2^-16. */
	if (format->vibration &&
	    (float)config->full_scale_mg >= 16384.0f * 32768.0f * 1000.0f * format->scale) {
		LOG_ERR("%s: the bundle's digits are too fine", dev->name);
		return -ENOTSUP;
	}
	return check_rate(dev, format->sample_rate);
}

static int set_inputs(const struct analog_config *config, uint32_t channels)
{
	int err = 0;

	for (uint32_t c = 0; c < channels && err == 0; c++) {
		const struct adc_dt_spec *input = &config->inputs[c];

		/* Samples of a sequence come in the order of their numbers. */
		if (c > 0 && (input->dev != config->inputs[0].dev ||
			      input->channel_id <= config->inputs[c - 1].channel_id ||
			      input->resolution != config->inputs[0].resolution)) {
			return -EINVAL;
		}
		err = adc_is_ready_dt(input) ? adc_channel_setup_dt(input) : -ENODEV;
	}
	return err;
}

static int analog_start(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct analog_config *config = dev->config;
	struct analog_data *data = dev->data;
	int err;

	if (data->running) {
		return -EALREADY;
	}
	if (analog_check(dev, format) != 0) {
		return -ENOTSUP;
	}
	err = set_inputs(config, format->channels);
	if (err != 0) {
		LOG_ERR("%s: an input cannot be set up (%d)", dev->name, err);
		return err;
	}
	*data = (struct analog_data){
		.format = *format,
		.interval = interval_of(format->sample_rate),
		.block = CLAMP(format->sample_rate / 100, 1, CONFIG_TOCSIN_SOURCE_ADC_BLOCK_FRAMES),
		.skip = (uint32_t)DIV_ROUND_UP((uint64_t)config->settle_ms * format->sample_rate,
					       MSEC_PER_SEC),
		.gain = 1 << 16,
		.running = true,
	};
	if (format->vibration) {
		data->gain = (int32_t)((float)config->full_scale_mg * 65536.0f /
				       (1000.0f * 32768.0f * format->scale));
	}
	data->next = k_uptime_ticks() + data->interval;
	return 0;
}

static int16_t saturated(int64_t value)
{
	return (int16_t)CLAMP(value, INT16_MIN, INT16_MAX);
}

/* The ADC's numbers, in place, to samples around the middle of its range. */
static void centre(const struct analog_config *config, int16_t *samples, size_t count)
{
	const struct adc_dt_spec *input = &config->inputs[0];
	const int bits = input->resolution;
	const bool differential = input->channel_cfg.differential;

	for (size_t i = 0; i < count; i++) {
		/* Of 16 bits and single-ended, the number has no sign. */
		const int32_t raw =
			differential || bits < 16 ? samples[i] : (int32_t)(uint16_t)samples[i];
		const int32_t middle = differential ? 0 : 1 << (bits - 1);

		samples[i] = saturated((int64_t)(raw - middle) * (1 << (16 - MIN(bits, 16))));
	}
}

static void scale(const struct analog_data *data, int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count && data->gain != 1 << 16; i++) {
		samples[i] = saturated(((int64_t)samples[i] * data->gain + (1 << 15)) >> 16);
	}
}

static int sample(const struct device *dev, uint32_t frames)
{
	const struct analog_config *config = dev->config;
	struct analog_data *data = dev->data;
	const struct adc_sequence_options options = {
		.interval_us = interval_us(data->interval),
		.extra_samplings = (uint16_t)(frames - 1),
	};
	struct adc_sequence sequence = {
		.options = &options,
		.buffer = data->samples,
		.buffer_size = frames * data->format.channels * sizeof(int16_t),
		.resolution = config->inputs[0].resolution,
		.oversampling = config->inputs[0].oversampling,
	};

	for (uint32_t c = 0; c < data->format.channels; c++) {
		sequence.channels |= BIT(config->inputs[c].channel_id);
	}
	return adc_read(config->inputs[0].dev, &sequence);
}

/* Intervals that have passed since the next frame was due; half of one is no delay. */
static uint64_t late_by(const struct analog_data *data)
{
	const int64_t late = k_uptime_ticks() - data->next + (data->interval - 1) / 2;

	return late > 0 ? (uint64_t)late / data->interval : 0;
}

static int analog_read(const struct device *dev, size_t max_frames, k_timeout_t timeout,
		       struct tocsin_source_block *block)
{
	const struct analog_config *config = dev->config;
	struct analog_data *data = dev->data;
	const k_timepoint_t end = sys_timepoint_calc(timeout);

	if (!data->running) {
		return -ENODATA;
	}
	*block = (struct tocsin_source_block){.samples = data->samples};
	do {
		const uint32_t most = (uint32_t)MIN(max_frames, data->block);
		const uint32_t frames = data->skip > 0 ? MIN(most, data->skip) : most;
		const size_t count = frames * data->format.channels;
		const uint64_t late = late_by(data);
		int err;

		if (data->skip == 0) {
			block->lost += late;
		}
		data->next += (int64_t)(late * data->interval);
		if (sys_timepoint_cmp(sys_timepoint_calc(K_TIMEOUT_ABS_TICKS(data->next)), end) >
		    0) {
			k_sleep(sys_timepoint_timeout(end));
			return block->lost > 0 ? 0 : -EAGAIN;
		}
		if (data->next > k_uptime_ticks()) { /* a time that is now would be a tick late */
			k_sleep(K_TIMEOUT_ABS_TICKS(data->next));
		}
		err = sample(dev, frames);
		if (err != 0) {
			return err;
		}
		data->next += (int64_t)frames * data->interval;
		centre(config, data->samples, count);
		scale(data, data->samples, count);
		block->frames = data->skip > 0 ? 0 : frames;
		data->skip -= MIN(data->skip, frames);
	} while (block->frames == 0);
	return 0;
}

static void analog_stop(const struct device *dev)
{
	struct analog_data *data = dev->data;

	data->running = false;
}

static const struct tocsin_source_api analog_api = {
	.check = analog_check,
	.start = analog_start,
	.read = analog_read,
	.stop = analog_stop,
};

#define ANALOG_INPUT(node, prop, idx) ADC_DT_SPEC_GET_BY_IDX(node, idx)

#define ANALOG_DEFINE(n)                                                                           \
	static const struct adc_dt_spec analog_inputs_##n[] = {                                    \
		DT_INST_FOREACH_PROP_ELEM_SEP(n, io_channels, ANALOG_INPUT, (, ))};                \
	BUILD_ASSERT(ARRAY_SIZE(analog_inputs_##n) <= INPUTS_MAX, "at most three inputs");         \
	static struct analog_data analog_data_##n;                                                 \
	static const struct analog_config analog_config_##n = {                                    \
		.inputs = analog_inputs_##n,                                                       \
		.n_inputs = ARRAY_SIZE(analog_inputs_##n),                                         \
		.settle_ms = DT_INST_PROP(n, settle_ms),                                           \
		.full_scale_mg = DT_INST_PROP(n, full_scale_mg),                                   \
	};                                                                                         \
	DEVICE_DT_INST_DEFINE(n, NULL, NULL, &analog_data_##n, &analog_config_##n, POST_KERNEL,    \
			      CONFIG_TOCSIN_SOURCE_INIT_PRIORITY, &analog_api);

DT_INST_FOREACH_STATUS_OKAY(ANALOG_DEFINE)
