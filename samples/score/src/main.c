/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Score a buffer of samples with a bundle: the bundle, dsp and score modules. A synthetic machine
 * fills the buffer, first a healthy one, then one that fails. Any other samples would do.
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <tocsin/bundle.h>
#include <tocsin/source.h>
#include <tocsin/source_synthetic.h>

/* Read in place, so aligned as the format asks, and never changed. */
static const uint8_t bundle_bytes[] __aligned(TOCSIN_BUNDLE_ALIGN) = {
#include <bundle.inc>
};

#define SAMPLES 32000 /* 2 s at 16 kHz */

static int16_t samples[SAMPLES];
static uint8_t dsp_memory[16384] __aligned(8);
static uint8_t score_memory[1024] __aligned(8);
static float vector[TOCSIN_DSP_VECTOR_MAX];

static struct tocsin_bundle bundle;
static struct tocsin_dsp dsp;
static struct tocsin_score score;

static int prepare(void)
{
	int err = tocsin_bundle_parse(&bundle, bundle_bytes, sizeof(bundle_bytes));

	if (err != 0) {
		printk("bundle refused (%d): %s\n", err, tocsin_bundle_strerror(err));
		return err;
	}
	if (bundle.model != NULL || bundle.dsp.channels != 1) {
		printk("this sample has no network and one channel\n");
		return -ENOTSUP;
	}
	err = tocsin_dsp_init(&dsp, &bundle.dsp, dsp_memory, sizeof(dsp_memory));
	if (err == 0) {
		err = tocsin_score_init(&score, &bundle.score, NULL, NULL, score_memory,
					sizeof(score_memory));
	}
	if (err != 0) {
		printk("the bundle needs %zu and %zu bytes: %d\n",
		       tocsin_dsp_needed_size(&bundle.dsp), tocsin_score_needed_size(&bundle.score),
		       err);
	}
	return err;
}

/* Fill the buffer from a source. */
static int fill(const struct device *source)
{
	const struct tocsin_source_format format = {
		.sample_rate = bundle.dsp.sample_rate,
		.channels = 1,
		.scale = bundle.dsp.scale,
		.vibration = bundle.sensor == TOCSIN_BUNDLE_VIBRATION,
	};
	size_t filled = 0;
	int err = tocsin_source_start(source, &format);

	while (err == 0 && filled < SAMPLES) {
		struct tocsin_source_block block;

		err = tocsin_source_read(source, SAMPLES - filled, K_SECONDS(1), &block);
		if (err == 0 && block.lost > 0) {
			filled = 0; /* a hole: begin again, so that no window spans it */
		}
		if (err == 0) {
			memcpy(&samples[filled], block.samples, block.frames * sizeof(int16_t));
			filled += block.frames;
		}
	}
	tocsin_source_stop(source);
	return err;
}

/* The mean of the windows' scores, and how many windows there were. */
static int mean_score(float *mean, int *windows)
{
	float sum = 0.0f;

	*windows = 0;
	tocsin_dsp_reset(&dsp);
	for (uint32_t begin = 0; begin + bundle.dsp.frame_length <= SAMPLES;
	     begin += bundle.dsp.hop) {
		const struct tocsin_ring_view view = {
			.index = begin,
			.part = {&samples[begin], NULL},
			.count = {bundle.dsp.frame_length, 0},
		};
		struct tocsin_dsp_window at;
		float one;
		int err = tocsin_dsp_push(&dsp, &view, vector, &at);

		if (err == 1) {
			err = tocsin_score_vector(&score, vector, &one);
			if (err == 0) {
				sum += one;
				(*windows)++;
			}
		}
		if (err < 0) {
			return err;
		}
	}
	if (*windows == 0) {
		return -ENODATA;
	}
	*mean = sum / *windows;
	return 0;
}

int main(void)
{
	const struct device *source = DEVICE_DT_GET(DT_NODELABEL(machine));

	if (prepare() != 0) {
		return 0;
	}
	printk("bundle %08x: %u Hz, %zu features, alarm from a score of %.2f\n", bundle.crc,
	       bundle.dsp.sample_rate, tocsin_dsp_vector_size(&bundle.dsp),
	       (double)bundle.decide.threshold_on);
	for (int failing = 0; failing <= 1; failing++) {
		float mean;
		int windows;
		int err;

		tocsin_source_synthetic_set_fault(source, failing);
		err = fill(source);
		if (err == 0) {
			err = mean_score(&mean, &windows);
		}
		if (err != 0) {
			printk("no score: %d\n", err);
			return 0;
		}
		printk("%s machine: score %.2f in the mean of %d windows: %s\n",
		       failing ? "failing" : "healthy", (double)mean, windows,
		       mean >= bundle.decide.threshold_on ? "anomalous" : "normal");
	}
	printk("done\n");
	return 0;
}
