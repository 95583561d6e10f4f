/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A DMIC driver stops for good when its memory slab runs empty, which is what a reader that comes
 * too late makes of it. Then it is restarted here, and what was missed is told from the clock: from
 * the end of the last block to that of the first good one, less the samples in that.
 */

#define DT_DRV_COMPAT tocsin_source_dmic

#include <errno.h>

#include <zephyr/audio/dmic.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include "dmic.h"

LOG_MODULE_REGISTER(tocsin_dmic, CONFIG_TOCSIN_SOURCE_LOG_LEVEL);

/* Blocks that fail to come before the driver is taken to have stopped. */
#define STALL_BLOCKS 4

static int mic_check(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct mic_config *config = dev->config;
	const uint32_t has = (uint32_t)config->left + (uint32_t)config->right;
	uint32_t nearest;

	if (format->vibration) {
		LOG_ERR("%s: the bundle wants vibration, this is a microphone", dev->name);
		return -ENOTSUP;
	}
	if (format->channels < 1 || format->channels > has) {
		LOG_ERR("%s: the bundle wants %u channels, there are %u microphones", dev->name,
			format->channels, has);
		return -ENOTSUP;
	}
	nearest = dmic_nearest_rate(&config->clocks, format->sample_rate);
	if (format->sample_rate == 0 || !dmic_rate_is_near(nearest, format->sample_rate)) {
		LOG_ERR("%s: the bundle wants %u Hz, the PDM clocks give %u Hz", dev->name,
			format->sample_rate, nearest);
		return -ENOTSUP;
	}
	return 0;
}

static void give_back(const struct mic_config *config, struct mic_data *data)
{
	if (data->held != NULL) {
		k_mem_slab_free(config->slab, data->held);
		data->held = NULL;
		data->left = 0;
	}
}

static int mic_start(const struct device *dev, const struct tocsin_source_format *format)
{
	const struct mic_config *config = dev->config;
	struct mic_data *data = dev->data;
	int err;

	if (data->running) {
		return -EALREADY;
	}
	if (mic_check(dev, format) != 0) {
		return -ENOTSUP;
	}
	if (!device_is_ready(config->dmic)) {
		return -ENODEV;
	}
	*data = (struct mic_data){.format = *format};
	data->block = CLAMP(format->sample_rate / 100, 1, CONFIG_TOCSIN_SOURCE_DMIC_BLOCK_FRAMES);
	tocsin_pace_init(&data->pace, format->sample_rate, CONFIG_SYS_CLOCK_TICKS_PER_SEC, 0, 0);
	mic_power(config, true);
	err = mic_configure(config, data);
	if (err == 0) {
		err = mic_run(config, data);
	}
	if (err != 0) {
		LOG_ERR("%s: %s does not start at %u Hz x %u (%d)", dev->name, config->dmic->name,
			format->sample_rate, format->channels, err);
		mic_power(config, false);
		return err == -EINVAL ? -ENOTSUP : err;
	}
	data->running = true;
	return 0;
}

static bool is_nothing(int err)
{
	return err == -EAGAIN || err == -ENOMSG;
}

static int restart(const struct device *dev)
{
	const struct mic_config *config = dev->config;
	struct mic_data *data = dev->data;

	LOG_WRN("%s: %s has stopped, restarting it", dev->name, config->dmic->name);
	mic_halt(config);
	if (!data->interrupted) {
		data->interrupted = true;
		data->last = tocsin_pace_end(&data->pace);
	}
	return mic_run(config, data);
}

/* Wait for a block until @p end; -EAGAIN where none came. A driver that gives none is restarted. */
static int next_block(const struct device *dev, k_timepoint_t end, size_t *size, bool *waited)
{
	const struct mic_config *config = dev->config;
	struct mic_data *data = dev->data;
	const int64_t patience = (int64_t)k_us_to_ticks_ceil64(
		(uint64_t)STALL_BLOCKS * data->block * USEC_PER_SEC / data->format.sample_rate);
	/* What stands ready has been waiting, so it says nothing about the time. */
	int err = dmic_read(config->dmic, 0, &data->held, size, 0);

	*waited = is_nothing(err);
	while (is_nothing(err)) {
		const int64_t silent = k_uptime_ticks() - data->heard;
		const k_timeout_t left = sys_timepoint_timeout(end);
		int64_t wait = MAX(patience - silent, 1);

		if (silent >= patience) {
			err = restart(dev);
			if (err != 0) {
				return err;
			}
			wait = patience;
		}
		if (K_TIMEOUT_EQ(left, K_NO_WAIT)) {
			return -EAGAIN;
		}
		if (!K_TIMEOUT_EQ(left, K_FOREVER)) {
			wait = MIN(wait, (int64_t)left.ticks);
		}
		err = dmic_read(config->dmic, 0, &data->held, size,
				(int32_t)k_ticks_to_ms_ceil32((uint32_t)wait));
	}
	return err;
}

/* A block of @p came frames is held, of which @p good follow the microphone's start-up: how many
 * were lost in front of those. */
static uint64_t account(struct mic_data *data, uint32_t came, uint32_t good, bool waited)
{
	uint64_t lost = 0;

	data->heard = k_uptime_ticks();
	if (waited) {
		tocsin_pace_set(&data->pace, data->heard);
	} else {
		tocsin_pace_advance(&data->pace, came, data->heard);
	}
	if (good > 0) {
		if (data->interrupted && data->begun) {
			const uint64_t due = tocsin_pace_since(&data->pace, data->last);

			lost = due > good ? due - good : 0;
		}
		data->interrupted = false;
		data->begun = true;
	}
	return lost;
}

static int mic_read(const struct device *dev, size_t max_frames, k_timeout_t timeout,
		    struct tocsin_source_block *block)
{
	struct mic_data *data = dev->data;
	const k_timepoint_t end = sys_timepoint_calc(timeout);

	if (!data->running) {
		return -ENODATA;
	}
	*block = (struct tocsin_source_block){0};
	while (data->left == 0) {
		size_t size = 0;
		bool waited;
		int err;

		give_back(dev->config, data);
		err = next_block(dev, end, &size, &waited);
		if (err != 0) {
			data->held = NULL;
			return err;
		}

		const uint32_t came = (uint32_t)(size / sizeof(int16_t) / data->format.channels);
		const uint32_t bad = MIN(came, data->skip);

		data->skip -= bad;
		data->left = came - bad;
		data->next = (int16_t *)data->held + bad * data->format.channels;
		block->lost = account(data, came, came - bad, waited);
	}
	block->samples = data->next;
	block->frames = MIN(data->left, max_frames);
	data->next += block->frames * data->format.channels;
	data->left -= block->frames;
	return 0;
}

static void mic_stop(const struct device *dev)
{
	const struct mic_config *config = dev->config;
	struct mic_data *data = dev->data;

	if (data->running) {
		data->running = false;
		give_back(config, data);
		mic_halt(config);
		mic_power(config, false);
	}
}

static const struct tocsin_source_api mic_api = {
	.check = mic_check,
	.start = mic_start,
	.read = mic_read,
	.stop = mic_stop,
};

#define IS_CHANNELS(n, what) DT_INST_ENUM_HAS_VALUE(n, channels, what)

#define MIC_BLOCK_SIZE(n)                                                                          \
	ROUND_UP(CONFIG_TOCSIN_SOURCE_DMIC_BLOCK_FRAMES * sizeof(int16_t) *                        \
			 (IS_CHANNELS(n, stereo) ? 2 : 1),                                         \
		 sizeof(void *))

#define MIC_DEFINE(n)                                                                              \
	BUILD_ASSERT(MIC_BLOCK_SIZE(n) <= UINT16_MAX, "blocks of a DMIC must be below 64 KiB");    \
	K_MEM_SLAB_DEFINE_STATIC(mic_slab_##n, MIC_BLOCK_SIZE(n),                                  \
				 CONFIG_TOCSIN_SOURCE_DMIC_BLOCKS, sizeof(void *));                \
	static const uint32_t mic_clocks_##n[] = DT_INST_PROP_OR(n, pdm_clocks, {0});              \
	static const uint32_t mic_ratios_##n[] = DT_INST_PROP_OR(n, pdm_ratios, {0});              \
	static struct mic_data mic_data_##n;                                                       \
	static const struct mic_config mic_config_##n = {                                          \
		.dmic = DEVICE_DT_GET(DT_INST_PHANDLE(n, dmic)),                                   \
		.vdd = DEVICE_DT_GET_OR_NULL(DT_INST_PHANDLE(n, vdd_supply)),                      \
		.slab = &mic_slab_##n,                                                             \
		.left = !IS_CHANNELS(n, right),                                                    \
		.right = !IS_CHANNELS(n, left),                                                    \
		.clocks = {.clocks = mic_clocks_##n,                                               \
			   .n_clocks = DT_INST_PROP_LEN_OR(n, pdm_clocks, 0),                      \
			   .ratios = mic_ratios_##n,                                               \
			   .n_ratios = DT_INST_PROP_LEN_OR(n, pdm_ratios, 0),                      \
			   .lowest = DT_INST_PROP(n, min_pdm_clock),                               \
			   .highest = DT_INST_PROP(n, max_pdm_clock)},                             \
		.settle_ms = DT_INST_PROP(n, settle_ms),                                           \
	};                                                                                         \
	DEVICE_DT_INST_DEFINE(n, NULL, NULL, &mic_data_##n, &mic_config_##n, POST_KERNEL,          \
			      CONFIG_TOCSIN_SOURCE_INIT_PRIORITY, &mic_api);

DT_INST_FOREACH_STATUS_OKAY(MIC_DEFINE)
