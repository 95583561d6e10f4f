/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#define DT_DRV_COMPAT vnd_source_ramp

#include <errno.h>

#include <zephyr/logging/log.h>

#include <tocsin/source.h>

LOG_MODULE_REGISTER(ramp, CONFIG_TOCSIN_SOURCE_LOG_LEVEL);

#define BLOCK 10 /* frames */

struct ramp_config {
	int16_t step;
};

struct ramp_data {
	uint32_t rate;
	int64_t begun; /* ticks */
	uint64_t made; /* frames since, those lost included */
	bool running;
	int16_t samples[BLOCK];
};

static int ramp_check(const struct device *dev, const struct tocsin_source_format *format)
{
	if (format->channels != 1 || format->sample_rate < 1 || format->sample_rate > 1000) {
		LOG_ERR("%s: the bundle wants %u Hz x %u, there is 1 to 1000 Hz x 1", dev->name,
			format->sample_rate, format->channels);
		return -ENOTSUP;
	}
	return 0;
}

static int ramp_start(const struct device *dev, const struct tocsin_source_format *format)
{
	struct ramp_data *data = dev->data;

	if (data->running) {
		return -EALREADY;
	}
	if (ramp_check(dev, format) != 0) {
		return -ENOTSUP;
	}
	*data = (struct ramp_data){
		.rate = format->sample_rate, .begun = k_uptime_ticks(), .running = true};
	return 0;
}

static int ramp_read(const struct device *dev, size_t max_frames, k_timeout_t timeout,
		     struct tocsin_source_block *block)
{
	const struct ramp_config *config = dev->config;
	struct ramp_data *data = dev->data;
	const uint32_t frames = (uint32_t)MIN(max_frames, BLOCK);
	const k_timepoint_t end = sys_timepoint_calc(timeout);
	uint64_t due;

	if (!data->running) {
		return -ENODATA;
	}
	while ((due = (uint64_t)(k_uptime_ticks() - data->begun) * data->rate /
		      CONFIG_SYS_CLOCK_TICKS_PER_SEC) < data->made + frames) {
		if (sys_timepoint_expired(end)) {
			return -EAGAIN;
		}
		k_sleep(K_TICKS(1));
	}
	/* Two blocks are kept for a reader that is late; more is lost, and told. */
	*block = (struct tocsin_source_block){.samples = data->samples, .frames = frames};
	if (due > data->made + 2 * BLOCK) {
		block->lost = due - data->made - frames;
		data->made += block->lost;
	}
	for (uint32_t i = 0; i < frames; i++) {
		data->samples[i] = (int16_t)(data->made++ * config->step);
	}
	return 0;
}

static void ramp_stop(const struct device *dev)
{
	struct ramp_data *data = dev->data;

	data->running = false;
}

static const struct tocsin_source_api ramp_api = {
	.check = ramp_check,
	.start = ramp_start,
	.read = ramp_read,
	.stop = ramp_stop,
};

#define RAMP_DEFINE(n)                                                                             \
	static struct ramp_data ramp_data_##n;                                                     \
	static const struct ramp_config ramp_config_##n = {.step = DT_INST_PROP(n, step)};         \
	DEVICE_DT_INST_DEFINE(n, NULL, NULL, &ramp_data_##n, &ramp_config_##n, POST_KERNEL,        \
			      CONFIG_TOCSIN_SOURCE_INIT_PRIORITY, &ramp_api);

DT_INST_FOREACH_STATUS_OKAY(RAMP_DEFINE)
