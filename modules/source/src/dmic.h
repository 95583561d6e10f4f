/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_SOURCE_DMIC_H_
#define TOCSIN_SOURCE_DMIC_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zephyr/device.h>
#include <zephyr/kernel.h>

#include <tocsin/source.h>
#include <tocsin/source_pace.h>

#include "dmic_rate.h"

struct mic_config {
	const struct device *dmic;
	const struct device *vdd; /* may be NULL */
	struct k_mem_slab *slab;
	bool left, right;
	struct dmic_clocks clocks;
	uint32_t settle_ms;
};

struct mic_data {
	struct tocsin_source_format format;
	struct tocsin_pace pace; /* of the blocks that come, good or not */
	uint32_t block;          /* frames a block */
	uint32_t skip;           /* frames to throw away until the microphone has settled */
	int64_t heard;           /* ticks, when a block last came, or the driver was started */
	void *held;              /* the block that samples are taken from; NULL for none */
	int16_t *next;           /* in it */
	size_t left;             /* frames of it */
	int64_t last; /* end of the last good frame before an interruption, of the pace */
	bool running;
	bool begun;       /* sample 0 is out, so what is missing counts */
	bool interrupted; /* the driver has been restarted since the last good frame */
};

/** Prepare the driver for the format in @p data; waits where it is still coming to rest. */
int mic_configure(const struct mic_config *config, struct mic_data *data);

/** Start the driver; what comes while the microphone settles is to be skipped. */
int mic_run(const struct mic_config *config, struct mic_data *data);

/** Stop the driver, and give back the blocks that it had ready. */
void mic_halt(const struct mic_config *config);

/** Switch the microphone's supply, where there is a switch. */
void mic_power(const struct mic_config *config, bool on);

#endif /* TOCSIN_SOURCE_DMIC_H_ */
