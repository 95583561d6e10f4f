/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Features of a buffer of sound: RMS, crest factor and 16 band powers of a tone, with the dsp
 * module alone. There is no ring, no source and no bundle.
 */

#include <math.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>
#include <zephyr/sys/util.h>

#include <tocsin/dsp.h>

#define RATE          16000 /* Hz */
#define FRAME         512   /* samples, and the size of the FFT */
#define HOP           256
#define BANDS         16
#define WINDOW_FRAMES 8
#define BINS_A_BAND   (FRAME / 2 / BANDS)
#define SAMPLES       (FRAME + (WINDOW_FRAMES - 1) * HOP) /* of one window */
#define HZ_A_BAND     (RATE / 2 / BANDS)
#define PI            3.14159265f

BUILD_ASSERT(BINS_A_BAND * BANDS * 2 == FRAME, "the bands divide the spectrum evenly");

/* The tables usually come from a bundle, which has them from training. */
static float window_table[FRAME / 2 + 1];
static float sine_table[FRAME];
static float weights[FRAME / 2];
static struct tocsin_dsp_band bands[BANDS];

static int16_t samples[SAMPLES];
static float vector[TOCSIN_DSP_VECTOR_MAX];
static uint8_t memory[8192] __aligned(8);

static const struct tocsin_dsp_config config = {
	.sample_rate = RATE,
	.channels = 1,
	.scale = 1.0f / 32768.0f,
	.frame_length = FRAME,
	.hop = HOP,
	.stats = TOCSIN_DSP_RMS | TOCSIN_DSP_CREST,
	.flags = TOCSIN_DSP_REMOVE_MEAN,
	.n_fft = FRAME,
	.n_bands = BANDS,
	.log_floor = 1e-10f,
	.pool = TOCSIN_DSP_MEAN,
	.window_frames = WINDOW_FRAMES,
	.window_hop = WINDOW_FRAMES,
	.window = window_table,
	.sine = sine_table,
	.bands = bands,
	.weights = weights,
	.n_weights = ARRAY_SIZE(weights),
};

/* A periodic Hann window, the FFT's sine, and bands of equal width without overlap. */
static void make_tables(void)
{
	for (int n = 0; n <= FRAME / 2; n++) {
		window_table[n] = 0.5f - 0.5f * cosf(2.0f * PI * n / FRAME);
	}
	for (int k = 0; k < FRAME; k++) {
		sine_table[k] = sinf(2.0f * PI * k / FRAME);
	}
	for (int b = 0; b < BANDS; b++) {
		bands[b].first = b * BINS_A_BAND;
		bands[b].count = BINS_A_BAND;
	}
	for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
		weights[i] = 1.0f;
	}
}

static void make_tone(float hertz)
{
	for (int i = 0; i < SAMPLES; i++) {
		samples[i] = (int16_t)(16384.0f * sinf(2.0f * PI * hertz * i / RATE));
	}
}

/* Push the buffer frame by frame; the window is complete with the last one. */
static int extract(struct tocsin_dsp *dsp)
{
	struct tocsin_dsp_window window;
	int err = 0;

	tocsin_dsp_reset(dsp);
	for (int begin = 0; begin + FRAME <= SAMPLES; begin += HOP) {
		const struct tocsin_ring_view view = {
			.index = begin,
			.part = {&samples[begin], NULL},
			.count = {FRAME, 0},
		};

		err = tocsin_dsp_push(dsp, &view, vector, &window);
		if (err < 0) {
			return err;
		}
	}
	return err == 1 ? 0 : -ENODATA;
}

static int strongest_band(void)
{
	const float *powers = &vector[2]; /* after RMS and crest factor */
	int strongest = 0;

	for (int b = 1; b < BANDS; b++) {
		if (powers[b] > powers[strongest]) {
			strongest = b;
		}
	}
	return strongest;
}

int main(void)
{
	static const float tones[] = {600.0f, 3200.0f, 7100.0f};
	struct tocsin_dsp dsp;
	int err;

	make_tables();
	err = tocsin_dsp_init(&dsp, &config, memory, sizeof(memory));
	if (err != 0) {
		printk("dsp refuses its configuration: %d\n", err);
		return 0;
	}
	printk("%zu features, %zu bytes of memory\n", tocsin_dsp_vector_size(&config),
	       tocsin_dsp_needed_size(&config));

	for (size_t i = 0; i < ARRAY_SIZE(tones); i++) {
		int band;

		make_tone(tones[i]);
		err = extract(&dsp);
		if (err != 0) {
			printk("no features: %d\n", err);
			return 0;
		}
		band = strongest_band();
		printk("tone of %d Hz: RMS %.3f, crest factor %.2f, strongest band %d to %d Hz, "
		       "%.1f dB\n",
		       (int)tones[i], (double)vector[0], (double)vector[1], band * HZ_A_BAND,
		       (band + 1) * HZ_A_BAND, (double)vector[2 + band]);
	}
	printk("done\n");
	return 0;
}
