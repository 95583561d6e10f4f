/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#define DT_DRV_COMPAT vnd_fake_dmic

#include <errno.h>

#include <zephyr/kernel.h>

#include "fake_dmic.h"

struct fake_dmic_seen fake_dmic_seen;

K_MSGQ_DEFINE(ready, sizeof(void *), FAKE_QUEUE, sizeof(void *));

static void *filling[2]; /* as EasyDMA: the current block, and the one after it */
static uint64_t begun;   /* index of the first frame of filling[0] */
static bool active;
static int16_t offset;
static int configure_error, configure_errors, read_error;

static uint32_t channels(void)
{
	return fake_dmic_seen.cfg.channel.req_num_chan;
}

static uint32_t frames(void)
{
	return fake_dmic_seen.stream.block_size / sizeof(int16_t) / channels();
}

static void fill(int16_t *samples)
{
	for (uint32_t i = 0; i < frames(); i++) {
		const int16_t value = (int16_t)((begun + i) % FAKE_MODULO);

		*samples++ = (int16_t)(value + offset);
		if (channels() == 2) {
			*samples++ = (int16_t)-value;
		}
	}
}

static void come_to_rest(void)
{
	active = false;
	for (int i = 0; i < 2; i++) {
		if (filling[i] != NULL) {
			k_mem_slab_free(fake_dmic_seen.stream.mem_slab, filling[i]);
			filling[i] = NULL;
		}
	}
}

static void block_over(struct k_timer *timer)
{
	void *full = filling[0];

	fill(full);
	begun += frames();
	filling[0] = filling[1];
	filling[1] = NULL;
	if (k_mem_slab_alloc(fake_dmic_seen.stream.mem_slab, &filling[1], K_NO_WAIT) != 0 ||
	    k_msgq_put(&ready, &full, K_NO_WAIT) != 0) {
		k_mem_slab_free(fake_dmic_seen.stream.mem_slab, full);
		k_timer_stop(timer);
		come_to_rest();
	}
}

static K_TIMER_DEFINE(timer, block_over, NULL);

static int fake_configure(const struct device *dev, struct dmic_cfg *cfg)
{
	ARG_UNUSED(dev);
	fake_dmic_seen.configured++;
	if (active) {
		return -EBUSY;
	}
	if (configure_errors > 0) {
		configure_errors--;
		return configure_error;
	}
	fake_dmic_seen.cfg = *cfg;
	fake_dmic_seen.stream = cfg->streams[0];
	return 0;
}

static int fake_trigger(const struct device *dev, enum dmic_trigger cmd)
{
	ARG_UNUSED(dev);
	if (cmd == DMIC_TRIGGER_STOP) {
		fake_dmic_seen.stopped++;
		k_timer_stop(&timer);
		come_to_rest();
		return 0;
	}
	fake_dmic_seen.started++;
	for (int i = 0; i < 2; i++) {
		if (k_mem_slab_alloc(fake_dmic_seen.stream.mem_slab, &filling[i], K_NO_WAIT) != 0) {
			come_to_rest();
			return -ENOMEM;
		}
	}

	const k_timeout_t period =
		K_USEC((uint64_t)frames() * USEC_PER_SEC / fake_dmic_seen.stream.pcm_rate);

	active = true;
	begun = (uint64_t)k_uptime_ticks() * fake_dmic_seen.stream.pcm_rate /
		CONFIG_SYS_CLOCK_TICKS_PER_SEC;
	k_timer_start(&timer, period, period);
	return 0;
}

static int fake_read(const struct device *dev, uint8_t stream, void **buffer, size_t *size,
		     int32_t timeout)
{
	ARG_UNUSED(dev);
	ARG_UNUSED(stream);
	if (read_error != 0) {
		const int err = read_error;

		read_error = 0;
		return err;
	}
	*size = fake_dmic_seen.stream.block_size;
	return k_msgq_get(&ready, buffer, SYS_TIMEOUT_MS(timeout));
}

void fake_dmic_reset(void)
{
	fake_dmic_seen = (struct fake_dmic_seen){0};
	offset = 0;
	configure_errors = 0;
	read_error = 0;
}

void fake_dmic_set_offset(int16_t value)
{
	offset = value;
}

void fake_dmic_hang(void)
{
	k_timer_stop(&timer);
}

void fake_dmic_fail_configure(int err, int times)
{
	configure_error = err;
	configure_errors = times;
}

void fake_dmic_fail_read(int err)
{
	read_error = err;
}

bool fake_dmic_active(void)
{
	return active;
}

static const struct _dmic_ops fake_api = {
	.configure = fake_configure,
	.trigger = fake_trigger,
	.read = fake_read,
};

DEVICE_DT_INST_DEFINE(0, NULL, NULL, NULL, NULL, POST_KERNEL, CONFIG_KERNEL_INIT_PRIORITY_DEVICE,
		      &fake_api);
