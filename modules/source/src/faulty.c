/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#define DT_DRV_COMPAT tocsin_source_faulty

#include <errno.h>
#include <string.h>

#include <zephyr/sys/atomic.h>
#include <zephyr/sys/util.h>

#include <tocsin/source.h>
#include <tocsin/source_faulty.h>

/* Enough to clip all but near silence. */
#define TOO_LOUD 256

#define FRAMES CONFIG_TOCSIN_SOURCE_BLOCK_FRAMES

struct faulty_config {
	const struct device *source;
};

struct faulty_data {
	atomic_t fault;
	uint32_t channels;
	int16_t held[3]; /* the last sample before it got stuck */
	int16_t samples[FRAMES * 3];
};

static int faulty_check(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct faulty_config *config = dev->config;

	return tocsin_source_check(config->source, format);
}

static int faulty_start(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct faulty_config *config = dev->config;
	struct faulty_data *data = dev->data;

	if (atomic_get(&data->fault) == TOCSIN_SOURCE_FAULT_ABSENT) {
		return -ENODEV;
	}
	data->channels = format->channels;
	return tocsin_source_start(config->source, format);
}

/* The block that the source gave, as a broken sensor would have given it. */
static void spoil(struct faulty_data *data, atomic_val_t fault, struct tocsin_source_block *block)
{
	const size_t count = block->frames * data->channels;

	if (fault == TOCSIN_SOURCE_FAULT_SHORT_BLOCK) {
		block->frames = DIV_ROUND_UP(block->frames, 2);
	} else if (fault == TOCSIN_SOURCE_FAULT_STUCK) {
		for (size_t i = 0; i < count; i++) {
			data->samples[i] = data->held[i % data->channels];
		}
		block->samples = data->samples;
	} else if (fault == TOCSIN_SOURCE_FAULT_SATURATE) {
		for (size_t i = 0; i < count; i++) {
			data->samples[i] = (int16_t)CLAMP((int32_t)block->samples[i] * TOO_LOUD,
							  INT16_MIN, INT16_MAX);
		}
		block->samples = data->samples;
	} else if (block->frames > 0) {
		memcpy(data->held, &block->samples[count - data->channels],
		       data->channels * sizeof(data->held[0]));
	}
}

static int faulty_read(const struct device *dev, size_t max_frames, k_timeout_t timeout,
		       struct tocsin_source_block *block)
{
	const struct faulty_config *config = dev->config;
	struct faulty_data *data = dev->data;
	const atomic_val_t fault = atomic_get(&data->fault);
	int err;

	switch (fault) {
	case TOCSIN_SOURCE_FAULT_ABSENT:
		return -ENODEV;
	case TOCSIN_SOURCE_FAULT_DRIVER_ERROR:
		return -EIO;
	case TOCSIN_SOURCE_FAULT_STALL:
		k_sleep(timeout);
		return -EAGAIN;
	default:
		break;
	}
	err = tocsin_source_read(config->source, MIN(max_frames, FRAMES), timeout, block);
	if (err == 0) {
		spoil(data, fault, block);
	}
	return err;
}

static void faulty_stop(const struct device *dev)
{
	const struct faulty_config *config = dev->config;

	tocsin_source_stop(config->source);
}

void tocsin_source_faulty_inject(const struct device *dev, enum tocsin_source_fault fault)
{
	struct faulty_data *data = dev->data;

	atomic_set(&data->fault, (atomic_val_t)fault);
}

static const struct tocsin_source_api faulty_api = {
	.check = faulty_check,
	.start = faulty_start,
	.read = faulty_read,
	.stop = faulty_stop,
};

#define FAULTY_DEFINE(n)                                                                           \
	static struct faulty_data faulty_data_##n = {                                              \
		.fault = ATOMIC_INIT(DT_INST_PROP(n, absent_at_boot) ? TOCSIN_SOURCE_FAULT_ABSENT  \
								     : TOCSIN_SOURCE_FAULT_NONE),  \
	};                                                                                         \
	static const struct faulty_config faulty_config_##n = {                                    \
		.source = DEVICE_DT_GET(DT_INST_PHANDLE(n, source)),                               \
	};                                                                                         \
	DEVICE_DT_INST_DEFINE(n, NULL, NULL, &faulty_data_##n, &faulty_config_##n, POST_KERNEL,    \
			      CONFIG_KERNEL_INIT_PRIORITY_DEVICE, &faulty_api);

DT_INST_FOREACH_STATUS_OKAY(FAULTY_DEFINE)
