/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The DMIC driver below the source: configured, started, stopped. */

#include <errno.h>

#include <zephyr/audio/dmic.h>
#include <zephyr/drivers/regulator.h>
#include <zephyr/sys/util.h>

#include "dmic.h"

/* How long a driver may take to come to rest after it was stopped. */
#define REST_TRIES 20

int mic_configure(const struct mic_config *config, struct mic_data *data)
{
	struct pcm_stream_cfg stream = {
		.pcm_rate = data->format.sample_rate,
		.pcm_width = 16,
		.block_size = (uint16_t)(data->block * data->format.channels * sizeof(int16_t)),
		.mem_slab = config->slab,
	};
	struct dmic_cfg cfg = {
		.io = {.min_pdm_clk_freq = config->clocks.lowest,
		       .max_pdm_clk_freq = config->clocks.highest,
		       .min_pdm_clk_dc = 40,
		       .max_pdm_clk_dc = 60},
		.streams = &stream,
		.channel = {.req_num_streams = 1, .req_num_chan = (uint8_t)data->format.channels},
	};
	int err = -EBUSY;

	cfg.channel.req_chan_map_lo =
		dmic_build_channel_map(0, 0, config->left ? PDM_CHAN_LEFT : PDM_CHAN_RIGHT);
	if (data->format.channels == 2) {
		cfg.channel.req_chan_map_lo |= dmic_build_channel_map(1, 0, PDM_CHAN_RIGHT);
	}
	/* Stopping ends in an interrupt: a driver that has only just been stopped is still busy. */
	for (int i = 0; i < REST_TRIES && err == -EBUSY; i++) {
		err = dmic_configure(config->dmic, &cfg);
		if (err == -EBUSY) {
			k_sleep(K_MSEC(1));
		}
	}
	return err;
}

int mic_run(const struct mic_config *config, struct mic_data *data)
{
	data->skip = (uint32_t)DIV_ROUND_UP((uint64_t)config->settle_ms * data->format.sample_rate,
					    MSEC_PER_SEC);
	data->heard = k_uptime_ticks();
	tocsin_pace_set(&data->pace, data->heard);
	return dmic_trigger(config->dmic, DMIC_TRIGGER_START);
}

void mic_halt(const struct mic_config *config)
{
	void *buffer;
	size_t size;

	(void)dmic_trigger(config->dmic, DMIC_TRIGGER_STOP);
	while (dmic_read(config->dmic, 0, &buffer, &size, 0) == 0) {
		k_mem_slab_free(config->slab, buffer);
	}
}

void mic_power(const struct mic_config *config, bool on)
{
	if (IS_ENABLED(CONFIG_REGULATOR) && config->vdd != NULL) {
		(void)(on ? regulator_enable(config->vdd) : regulator_disable(config->vdd));
	}
}
