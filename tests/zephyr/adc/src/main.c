/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Zephyr's emulated ADC, which measures a world that counts the sample intervals since time 0. */

#include <errno.h>

#include <zephyr/drivers/adc/adc_emul.h>
#include <zephyr/ztest.h>

#include <tocsin/source.h>

#define RATE     2000
#define INTERVAL (CONFIG_SYS_CLOCK_TICKS_PER_SEC / RATE)
#define MODULO   4096 /* 12 bits */

static const struct device *const adc = DEVICE_DT_GET(DT_NODELABEL(emulated));
static const struct device *const plain = DEVICE_DT_GET(DT_NODELABEL(plain));
static const struct device *const microphone = DEVICE_DT_GET(DT_NODELABEL(microphone));
static const struct device *const piezo = DEVICE_DT_GET(DT_NODELABEL(piezo));

static struct tocsin_source_block block;
static uint64_t position; /* index of the next frame, as a reader counts */
static uint64_t lost;
static uint64_t origin; /* the world's index of frame 0 */
static int failure;     /* of the next sampling */

static struct tocsin_source_format sound(uint32_t rate, uint32_t channels)
{
	return (struct tocsin_source_format){
		.sample_rate = rate, .channels = channels, .scale = 1.0f / 32768};
}

/* Channel 0 counts up, channel 2 down. */
static int count(const struct device *dev, unsigned int channel, void *data, uint32_t *value)
{
	const uint32_t index = (uint32_t)(k_uptime_ticks() / INTERVAL) % MODULO;
	const int err = failure;

	ARG_UNUSED(dev);
	ARG_UNUSED(data);
	failure = 0;
	*value = channel == 0 ? index : MODULO - 1 - index;
	return err;
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	zassert_ok(adc_emul_raw_value_func_set(adc, 0, count, NULL));
	zassert_ok(adc_emul_raw_value_func_set(adc, 2, count, NULL));
	position = 0;
	lost = 0;
	/* The source's grid shall be the world's. */
	k_sleep(K_TIMEOUT_ABS_TICKS((k_uptime_ticks() / INTERVAL + 1) * INTERVAL));
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	tocsin_source_stop(plain);
	tocsin_source_stop(microphone);
	tocsin_source_stop(piezo);
}

ZTEST_SUITE(adc, NULL, NULL, before, after, NULL);

static void read_block(size_t most, uint32_t channels)
{
	zassert_ok(tocsin_source_read(plain, most, K_SECONDS(1), &block));
	zassert_true(block.frames > 0 && block.frames <= most);
	if (position == 0) {
		zassert_equal(block.lost, 0);
		origin = (uint64_t)(block.samples[0] / 16 + 2048);
	}
	lost += block.lost;
	position += block.lost;
	for (size_t i = 0; i < block.frames; i++, position++) {
		const int raw = (int)((origin + position) % MODULO);

		zassert_equal(block.samples[i * channels], (raw - 2048) * 16,
			      "frame %u: %d, not %d", (unsigned int)position,
			      block.samples[i * channels], (raw - 2048) * 16);
		if (channels == 2) {
			zassert_equal(block.samples[i * 2 + 1], (MODULO - 1 - raw - 2048) * 16);
		}
	}
}

ZTEST(adc, test_refuses_what_it_cannot_give)
{
	/* 8000 ticks: 8000, 4000, 2667, 2000 … Hz. */
	static const struct {
		uint32_t rate;
		int answer;
	} rates[] = {{8000, 0}, {4000, 0},        {3930, 0},         {3900, -ENOTSUP},
		     {2667, 0}, {3200, -ENOTSUP}, {16000, -ENOTSUP}, {100, 0},
		     {101, 0},  {1, 0},           {0, -ENOTSUP}};
	struct tocsin_source_format format = sound(RATE, 3);

	zassert_equal(tocsin_source_check(plain, &format), -ENOTSUP);
	format.channels = 2;
	zassert_ok(tocsin_source_check(plain, &format));
	zassert_equal(tocsin_source_check(piezo, &format), -ENOTSUP);
	format = sound(RATE, 1);
	zassert_equal(tocsin_source_check(piezo, &format), -ENOTSUP);
	format.vibration = true;
	zassert_equal(tocsin_source_check(plain, &format), -ENOTSUP);
	zassert_equal(tocsin_source_start(plain, &format), -ENOTSUP);
	zassert_ok(tocsin_source_check(piezo, &format));
	format.scale = 1e-12f;
	zassert_equal(tocsin_source_check(piezo, &format), -ENOTSUP);
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		format = sound(rates[i].rate, 1);
		zassert_equal(tocsin_source_check(plain, &format), rates[i].answer, "%u Hz",
			      rates[i].rate);
	}
}

ZTEST(adc, test_inputs_that_no_sequence_can_give)
{
	const struct tocsin_source_format format = sound(RATE, 2);

	zassert_equal(tocsin_source_start(DEVICE_DT_GET(DT_NODELABEL(falling)), &format), -EINVAL);
	zassert_equal(tocsin_source_start(DEVICE_DT_GET(DT_NODELABEL(unequal)), &format), -EINVAL);
}

ZTEST(adc, test_samples_follow_each_other)
{
	struct tocsin_source_format format = sound(RATE, 1);
	const uint64_t then = (uint64_t)k_uptime_ticks() / INTERVAL;

	zassert_ok(tocsin_source_start(plain, &format));
	zassert_equal(tocsin_source_start(plain, &format), -EALREADY);
	zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_NO_WAIT, &block), -EAGAIN);
	while (position < 10 * RATE) {
		read_block(position % 3 == 0 ? SIZE_MAX : 7, 1);
	}
	zassert_equal(lost, 0);
	/* 20 ms of settling, and the grid begins one interval after the start. */
	zassert_equal(origin, (then + 1 + 40) % MODULO);
	tocsin_source_stop(plain);

	position = 0;
	format = sound(RATE, 2);
	zassert_ok(tocsin_source_start(plain, &format));
	while (position < RATE) {
		read_block(SIZE_MAX, 2);
	}
	zassert_equal(block.frames, RATE / 100);
	zassert_equal(lost, 0);
}

ZTEST(adc, test_a_late_reader_is_told_of_every_sample)
{
	const struct tocsin_source_format format = sound(RATE, 1);

	zassert_ok(tocsin_source_start(plain, &format));
	for (int i = 0; i < 40; i++) {
		const uint64_t lost_before = lost;
		const uint64_t until = position + 100;

		while (position < until) {
			read_block(SIZE_MAX, 1);
		}
		/* The next frame is due an interval after the last one. */
		k_sleep(K_TICKS(INTERVAL * i));
		read_block(SIZE_MAX, 1);
		/* A sleep of n ticks ends in the one after. */
		zassert_within((int)(lost - lost_before), i, 1);
	}
	zassert_true(lost > 700);
}

/* An analog microphone rests where its supply says; the features take that out, not the source. */
ZTEST(adc, test_an_offset_stays)
{
	const struct tocsin_source_format format = sound(RATE, 1);

	zassert_ok(adc_emul_const_raw_value_set(adc, 0, 3000));
	zassert_ok(tocsin_source_start(microphone, &format));
	for (int n = 0; n < 200; n++) {
		zassert_ok(tocsin_source_read(microphone, SIZE_MAX, K_SECONDS(1), &block));
		for (size_t i = 0; i < block.frames; i++) {
			zassert_equal(block.samples[i], (3000 - 2048) * 16);
		}
	}
}

ZTEST(adc, test_an_accelerometer_has_the_bundles_scale)
{
	struct tocsin_source_format format = sound(RATE, 1);
	/* Of ±4 g, a quarter up; of a bundle's ±8 g an eighth, of ±2 g half, of ±0.5 g too much. */
	static const struct {
		float range;
		int16_t digit;
	} cases[] = {{8, 4096}, {4, 8192}, {2, 16384}, {0.5f, 32767}};

	format.vibration = true;
	zassert_ok(adc_emul_const_raw_value_set(adc, 2, 2048 + 512));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		format.scale = cases[i].range / 32768;
		zassert_ok(tocsin_source_start(piezo, &format));
		zassert_ok(tocsin_source_read(piezo, SIZE_MAX, K_SECONDS(1), &block));
		zassert_equal(block.samples[0], cases[i].digit, "%d", block.samples[0]);
		tocsin_source_stop(piezo);
	}
}

ZTEST(adc, test_an_error_of_the_driver)
{
	const struct tocsin_source_format format = sound(RATE, 1);

	zassert_ok(tocsin_source_start(plain, &format));
	read_block(SIZE_MAX, 1);
	failure = -EIO;
	zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_SECONDS(1), &block), -EIO);
	tocsin_source_stop(plain);
	zassert_equal(tocsin_source_read(plain, SIZE_MAX, K_SECONDS(1), &block), -ENODATA);
}
