/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * See conv.h. Four positions of the output at a time: what the kernel sees of each is copied out of
 * the input, widened (int8 plus its offset as int16) and laid beside the others', so that a word of
 * weights, read once, meets all four. Padding becomes the zero point, which widens to nothing.
 */

#include <stdbool.h>

#include "conv_internal.h"

#if defined(CONFIG_TOCSIN_TFLM_DSP)
#include <arm_acle.h>
#endif

#define GROUP     TOCSIN_INT8_WORD /* weights in a word */
#define POSITIONS 4u

/* Of tocsin_conv_plain(): sums stay below 2^30, and what is added for rounding below 2^30, too. */
#define TERMS_MAX 16384u
#define BIAS_MAX  (INT32_C(1) << 28)
#define RIGHT_MAX 22

/* The work space. */
struct work {
	int16_t *x;    /* four positions: the values 0 2 of each, 1 3 of each, 4 6 of each … */
	int8_t *patch; /* what the kernel sees of one position, up to a whole word */
	int8_t *rows;  /* the last channels' weights, with room to read a word beyond them */
};

static uint32_t terms_of(const struct tocsin_conv *layer)
{
	return layer->kernel_height * layer->kernel_width * layer->in_channels;
}

static uint32_t padded(uint32_t terms)
{
	return (terms + GROUP - 1) & ~(uint32_t)(GROUP - 1);
}

static void copy(int8_t *to, const int8_t *from, uint32_t n)
{
	if (n < GROUP) {
		/* No loop: the compiler would call memcpy(). */
		if (n >= 2) {
			memcpy(to, from, 2);
		}
		if (n % 2 != 0) {
			to[n - 1] = from[n - 1];
		}
		return;
	}
	for (uint32_t i = 0; i < n - GROUP; i += GROUP) {
		memcpy(to + i, from + i, GROUP);
	}
	memcpy(to + n - GROUP, from + n - GROUP, GROUP);
}

/* One of the kernel's rows, on a row of the input. */
static void copy_row(const struct tocsin_conv *layer, const int8_t *from, int32_t left, int8_t *to)
{
	const int32_t width = (int32_t)layer->in_width;
	const uint32_t channels = layer->in_channels;

	if (layer->dilation_width == 1 && left >= 0 &&
	    left + (int32_t)layer->kernel_width <= width) {
		copy(to, from + left * (int32_t)channels, layer->kernel_width * channels);
		return;
	}
	for (uint32_t k = 0; k < layer->kernel_width; k++, to += channels) {
		const int32_t x = left + (int32_t)(k * layer->dilation_width);

		if (x >= 0 && x < width) {
			copy(to, from + x * (int32_t)channels, channels);
		} else {
			memset(to, -layer->input_offset, channels);
		}
	}
}

/* What the kernel sees of a position: in the input where it lies there in one piece. */
static const int8_t *see(const struct tocsin_conv *layer, const int8_t *input, uint32_t position,
			 int8_t *patch)
{
	const struct tocsin_conv_origin origin = tocsin_conv_origin_of(layer, position);
	const int32_t row = (int32_t)(layer->in_width * layer->in_channels);
	int8_t *to = patch;

	if (layer->kernel_height * layer->kernel_width == 1 && layer->in_channels % GROUP == 0) {
		return input + origin.y * row + origin.x * (int32_t)layer->in_channels;
	}
	for (uint32_t k = 0; k < layer->kernel_height; k++) {
		const int32_t y = origin.y + (int32_t)(k * layer->dilation_height);

		if (y >= 0 && y < (int32_t)layer->in_height) {
			copy_row(layer, input + y * row, origin.x, to);
		} else {
			memset(to, -layer->input_offset, layer->kernel_width * layer->in_channels);
		}
		to += layer->kernel_width * layer->in_channels;
	}
	return patch;
}

#if defined(CONFIG_TOCSIN_TFLM_DSP)

static void widen(const int8_t *from, int32_t offset, uint32_t n, uint32_t place, int16_t *x)
{
	const int32_t offsets = tocsin_int8_twice(offset);
	int32_t *pairs = (int32_t *)(void *)x + place;

	for (uint32_t i = 0; i < n; i += GROUP) {
		const int32_t word = tocsin_int8_load(from + i);

		pairs[0] = __sxtab16(offsets, word);
		pairs[POSITIONS] = __sxtab16(offsets, tocsin_int8_odd_last(word));
		pairs += 2 * POSITIONS;
	}
}

#else

static void widen(const int8_t *from, int32_t offset, uint32_t n, uint32_t place, int16_t *x)
{
	for (uint32_t i = 0; i < n; i += GROUP) {
		int16_t *pair = x + i * POSITIONS + 2 * place;

		pair[0] = (int16_t)(from[i] + offset);
		pair[1] = (int16_t)(from[i + 2] + offset);
		pair[2 * POSITIONS] = (int16_t)(from[i + 1] + offset);
		pair[2 * POSITIONS + 1] = (int16_t)(from[i + 3] + offset);
	}
}

#endif

/* Sums of one channel at four positions. */
static void sum_up(const int8_t *row, const int16_t *x, uint32_t terms, uint32_t *sums)
{
	for (uint32_t i = 0; i < terms; i++) {
		const int16_t *at =
			x + i / GROUP * GROUP * POSITIONS + i % 2 * 2 * POSITIONS + i / 2 % 2;

		for (uint32_t p = 0; p < POSITIONS; p++) {
			sums[p] += (uint32_t)(row[i] * at[2 * p]);
		}
	}
}

/* All channels of four positions, whatever the layer's numbers. */
static void run_any(const struct tocsin_conv *layer, const struct work *work, int8_t *output,
		    uint32_t stride)
{
	const uint32_t terms = terms_of(layer);

	for (uint32_t c = 0; c < layer->out_channels; c++) {
		const uint32_t bias = layer->bias != NULL ? (uint32_t)layer->bias[c] : 0;
		uint32_t sums[POSITIONS] = {bias, bias, bias, bias};

		sum_up(layer->weights + (size_t)c * terms, work->x, terms, sums);
		for (uint32_t p = 0; p < POSITIONS; p++) {
			output[p * stride + c] = tocsin_conv_finish(layer, c, sums[p]);
		}
	}
}

#if defined(CONFIG_TOCSIN_TFLM_DSP)

#define OFFSET(field, at) _Static_assert(offsetof(struct tocsin_conv_fours, field) == (at), #field)

/* As conv_fours.S has them. */
OFFSET(index, 0);
OFFSET(output, 4);
OFFSET(stride, 8);
OFFSET(rounding, 12);
OFFSET(multipliers, 16);
OFFSET(shifts, 20);
OFFSET(excess, 24);
OFFSET(bias, 28);
OFFSET(end_index, 32);
OFFSET(x, 36);
OFFSET(end, 40);
OFFSET(weights, 44);

/* Channels at the end whose last word of weights would be read beyond the last weight. */
static uint32_t last_channels(const struct tocsin_conv *layer)
{
	const uint32_t terms = terms_of(layer);
	const uint32_t n = (padded(terms) - terms + terms - 1) / terms;

	return n < layer->out_channels ? n : layer->out_channels;
}

static void keep_last_rows(const struct tocsin_conv *layer, const struct work *work)
{
	const uint32_t n = last_channels(layer);
	const uint32_t terms = terms_of(layer);

	memcpy(work->rows, layer->weights + (size_t)(layer->out_channels - n) * terms,
	       (size_t)n * terms);
}

static void run_plain(const struct tocsin_conv *layer, const struct work *work, int8_t *output,
		      uint32_t stride)
{
	const uint32_t terms = terms_of(layer);
	const uint32_t last = last_channels(layer);
	struct tocsin_conv_fours pass = {
		.output = output,
		.stride = stride,
		.rounding = 2 * layer->output_offset + 1,
		.multipliers = layer->multipliers,
		.shifts = layer->shifts,
		.excess = padded(terms) - terms,
		.bias = layer->bias,
		.end_index = GROUP * (layer->out_channels - last),
		.x = work->x,
		.end = work->x + POSITIONS * padded(terms),
		.weights = layer->weights,
	};

	if (last < layer->out_channels) {
		tocsin_conv_fours(&pass);
	}
	if (last > 0) {
		pass.end_index = GROUP * layer->out_channels;
		pass.weights = work->rows;
		tocsin_conv_fours(&pass);
	}
}

#endif

uint32_t tocsin_conv_plain(const int32_t *shifts, const int32_t *bias, uint32_t channels,
			   uint32_t terms)
{
	if (bias == NULL || terms > TERMS_MAX) {
		return 0;
	}
	for (uint32_t c = 0; c < channels; c++) {
		if (shifts[c] >= 0 || shifts[c] < -RIGHT_MAX || bias[c] > BIAS_MAX ||
		    bias[c] < -BIAS_MAX) {
			return 0;
		}
	}
	return 1;
}

void tocsin_conv_activate(const struct tocsin_conv *layer, int8_t *output)
{
	const size_t n = (size_t)layer->out_height * layer->out_width * layer->out_channels;

	if (layer->least > INT8_MIN || layer->most < INT8_MAX) {
		for (size_t i = 0; i < n; i++) {
			output[i] = tocsin_int8_clamp(output[i], layer->least, layer->most);
		}
	}
}

void tocsin_conv_run(const struct tocsin_conv *layer, const int8_t *input, int8_t *output,
		     void *memory)
{
	const uint32_t positions = layer->out_height * layer->out_width;
	const uint32_t width = padded(terms_of(layer));
	/* Where there are fewer than four, one position is all four of them. */
	const uint32_t step = positions < POSITIONS ? 1 : POSITIONS;
	const uint32_t stride = step == 1 ? 0 : layer->out_channels;
	struct work work = {.x = memory};
	void (*run)(const struct tocsin_conv *, const struct work *, int8_t *, uint32_t) = run_any;

	work.patch = (int8_t *)(work.x + POSITIONS * width);
	work.rows = work.patch + width;
	memset(work.patch, -layer->input_offset, width);
#if defined(CONFIG_TOCSIN_TFLM_DSP)
	if (layer->plain != 0) {
		run = run_plain;
		keep_last_rows(layer, &work);
	}
#endif
	for (uint32_t next = 0; next < positions; next += step) {
		/* The last four with some that are done already. */
		const uint32_t first = next <= positions - step ? next : positions - step;

		for (uint32_t p = 0; p < POSITIONS; p++) {
			const uint32_t position = first + (step == 1 ? 0 : p);

			widen(see(layer, input, position, work.patch), layer->input_offset, width,
			      p, work.x);
		}
		run(layer, &work, output + (size_t)first * layer->out_channels, stride);
	}
	if (run != run_any) {
		tocsin_conv_activate(layer, output);
	}
}
