/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#define DT_DRV_COMPAT tocsin_source_synthetic

#include <errno.h>

#include <zephyr/sys/atomic.h>
#include <zephyr/sys/util.h>

#include <tocsin/source.h>
#include <tocsin/source_synthetic.h>

#include "machine.h"

/* Like a sensor's FIFO: a reader that comes later than this many blocks finds samples lost. */
#define FIFO_BLOCKS 4

struct synthetic_config {
	uint32_t millihertz;
	int32_t amplitude;
	int32_t noise;
};

struct synthetic_data {
	struct tocsin_machine machine;
	struct tocsin_source_format format;
	int64_t begun; /* ticks */
	uint64_t made; /* frames since then, those lost included */
	uint32_t block;
	bool running;
	atomic_t fault;
	int16_t samples[CONFIG_TOCSIN_SOURCE_BLOCK_FRAMES];
};

static int synthetic_check(const struct device *dev, const struct tocsin_source_format *format)
{
	ARG_UNUSED(dev);
	return format->sample_rate >= 1 && format->channels >= 1 && format->channels <= 3
		       ? 0
		       : -ENOTSUP;
}

static int synthetic_start(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct synthetic_config *config = dev->config;
	struct synthetic_data *data = dev->data;

	if (data->running) {
		return -EALREADY;
	}
	if (synthetic_check(dev, format) != 0) {
		return -ENOTSUP;
	}
	tocsin_machine_init(&data->machine, format->sample_rate, config->millihertz,
			    config->amplitude, config->noise);
	data->format = *format;
	/* 10 ms, or what fits */
	data->block =
		CLAMP(format->sample_rate / 100, 1, ARRAY_SIZE(data->samples) / format->channels);
	data->begun = k_uptime_ticks();
	data->made = 0;
	data->running = true;
	return 0;
}

/* Frames that a sensor would have delivered by now. */
static uint64_t due(const struct synthetic_data *data)
{
	uint64_t ticks = (uint64_t)(k_uptime_ticks() - data->begun);
	const uint64_t second = CONFIG_SYS_CLOCK_TICKS_PER_SEC;

	/* In two parts: days of ticks times the rate would overflow. */
	return ticks / second * data->format.sample_rate +
	       ticks % second * data->format.sample_rate / second;
}

static int synthetic_read(const struct device *dev, size_t max_frames, k_timeout_t timeout,
			  struct tocsin_source_block *block)
{
	struct synthetic_data *data = dev->data;
	const uint32_t frames = (uint32_t)MIN(max_frames, data->block);
	k_timepoint_t end = sys_timepoint_calc(timeout);
	uint64_t now;

	while ((now = due(data)) < data->made + frames) {
		if (sys_timepoint_expired(end)) {
			return -EAGAIN;
		}

		/* Sleep until the block is due, rounded up by a tick. */
		uint64_t missing = data->made + frames - now;

		k_sleep(K_TICKS(
			missing * CONFIG_SYS_CLOCK_TICKS_PER_SEC / data->format.sample_rate + 1));
	}

	*block = (struct tocsin_source_block){.samples = data->samples, .frames = frames};
	if (now - data->made > (uint64_t)FIFO_BLOCKS * data->block) {
		block->lost = now - data->made - frames;
	}
	/* The machine turns on while nobody listens. */
	for (uint64_t i = 0; i < block->lost; i++) {
		data->machine.phase += data->machine.step;
		data->machine.fault_phase += data->machine.fault_step;
	}
	for (uint32_t i = 0; i < frames; i++) {
		tocsin_machine_frame(&data->machine, atomic_get(&data->fault) != 0,
				     data->format.channels,
				     &data->samples[i * data->format.channels]);
	}
	data->made += block->lost + frames;
	return 0;
}

static void synthetic_stop(const struct device *dev)
{
	struct synthetic_data *data = dev->data;

	data->running = false;
}

void tocsin_source_synthetic_set_fault(const struct device *dev, bool on)
{
	struct synthetic_data *data = dev->data;

	atomic_set(&data->fault, on);
}

bool tocsin_source_synthetic_fault(const struct device *dev)
{
	struct synthetic_data *data = dev->data;

	return atomic_get(&data->fault) != 0;
}

static const struct tocsin_source_api synthetic_api = {
	.check = synthetic_check,
	.start = synthetic_start,
	.read = synthetic_read,
	.stop = synthetic_stop,
};

#define SYNTHETIC_DEFINE(n)                                                                        \
	static struct synthetic_data synthetic_data_##n;                                           \
	static const struct synthetic_config synthetic_config_##n = {                              \
		.millihertz = DT_INST_PROP(n, shaft_millihertz),                                   \
		.amplitude = DT_INST_PROP(n, amplitude),                                           \
		.noise = DT_INST_PROP(n, noise),                                                   \
	};                                                                                         \
	DEVICE_DT_INST_DEFINE(n, NULL, NULL, &synthetic_data_##n, &synthetic_config_##n,           \
			      POST_KERNEL, CONFIG_KERNEL_INIT_PRIORITY_DEVICE, &synthetic_api);

DT_INST_FOREACH_STATUS_OKAY(SYNTHETIC_DEFINE)
