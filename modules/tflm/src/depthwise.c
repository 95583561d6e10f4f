/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * See conv.h. The kernel's places inside the input are listed once for a position, and all channels
 * go through the list: with the DSP extension, and one output channel for each of the input's, four
 * at a time.
 */

#include "conv_internal.h"

#if defined(CONFIG_TOCSIN_TFLM_DSP)
#include <arm_acle.h>
#endif

#define GROUP TOCSIN_INT8_WORD

/* One of the kernel's places: where its channel 0 is in the input and among the weights. */
struct place {
	uint32_t x;
	uint32_t w;
};

static const struct place *list(const struct tocsin_conv *layer, uint32_t position,
				struct place *places)
{
	const struct tocsin_conv_origin origin = tocsin_conv_origin_of(layer, position);
	struct place *next = places;

	for (uint32_t i = 0; i < layer->kernel_height; i++) {
		const uint32_t y = (uint32_t)origin.y + i * layer->dilation_height;

		if (y >= layer->in_height) { /* or below 0 */
			continue;
		}
		for (uint32_t k = 0; k < layer->kernel_width; k++) {
			const uint32_t x = (uint32_t)origin.x + k * layer->dilation_width;

			if (x < layer->in_width) {
				next->x = (y * layer->in_width + x) * layer->in_channels;
				next->w = (i * layer->kernel_width + k) * layer->out_channels;
				next++;
			}
		}
	}
	return next;
}

/* Channels [from, out_channels), one by one. */
static void run_any(const struct tocsin_conv *layer, const int8_t *input,
		    const struct place *places, const struct place *end, uint32_t from,
		    int8_t *output)
{
	const uint32_t multiplier = layer->out_channels / layer->in_channels;

	for (uint32_t c = from; c < layer->out_channels; c++) {
		const int8_t *x = input + c / multiplier;
		const int8_t *w = layer->weights + c;
		uint32_t sum = layer->bias != NULL ? (uint32_t)layer->bias[c] : 0;

		for (const struct place *at = places; at < end; at++) {
			sum += (uint32_t)(w[at->w] * (x[at->x] + layer->input_offset));
		}
		output[c] = tocsin_conv_finish(layer, c, sum);
	}
}

#if defined(CONFIG_TOCSIN_TFLM_DSP)

/*
 * tocsin_int8_requantise() and the output's offset for a plain layer, saturated. SMMLAR gives the
 * high half of twice the sum times the multiplier, rounded half up, and adds what makes the shift
 * round and the result move by the offset. A negative sum gets one less for it, as TFLite rounds
 * half away from zero; where that sum's high half is 0, the one is lost in the shift.
 */
static inline uint32_t finish(int32_t sum, int32_t multiplier, int32_t shift, int32_t rounding)
{
	const int32_t addend = (int32_t)((uint32_t)rounding << (-shift - 1));
	int32_t high;

	__asm__("smmlar %0, %1, %2, %3" : "=r"(high) : "r"(2 * sum), "r"(multiplier), "r"(addend));
	return (uint32_t)__ssat((high + (sum >> 31)) >> -shift, 8) & 0xff;
}

/* Channels in fours, as many as there are; returns how many were done. */
static uint32_t run_fours(const struct tocsin_conv *layer, const int8_t *input,
			  const struct place *places, const struct place *end, int8_t *output)
{
	const int32_t offsets = tocsin_int8_twice(layer->input_offset);
	const int32_t rounding = 2 * layer->output_offset + 1;
	uint32_t c;

	for (c = 0; c + GROUP <= layer->out_channels; c += GROUP) {
		const int8_t *xs = input + c;
		const int8_t *ws = layer->weights + c;
		const int32_t *multiplier = layer->multipliers + c;
		const int32_t *shift = layer->shifts + c;
		int32_t sum0 = layer->bias[c];
		int32_t sum1 = layer->bias[c + 1];
		int32_t sum2 = layer->bias[c + 2];
		int32_t sum3 = layer->bias[c + 3];
		uint32_t word;

		for (const struct place *at = places; at < end; at++) {
			const int32_t x = tocsin_int8_load(xs + at->x);
			const int32_t w = tocsin_int8_load(ws + at->w);
			const int32_t x02 = __sxtab16(offsets, x);
			const int32_t w02 = __sxtb16(w);
			const int32_t x13 = __sxtab16(offsets, tocsin_int8_odd_last(x));
			const int32_t w13 = __sxtb16(tocsin_int8_odd_last(w));

			sum0 = __smlabb(x02, w02, sum0);
			sum1 = __smlabb(x13, w13, sum1);
			sum2 = __smlatt(x02, w02, sum2);
			sum3 = __smlatt(x13, w13, sum3);
		}
		word = finish(sum0, multiplier[0], shift[0], rounding) |
		       finish(sum1, multiplier[1], shift[1], rounding) << 8 |
		       finish(sum2, multiplier[2], shift[2], rounding) << 16 |
		       finish(sum3, multiplier[3], shift[3], rounding) << 24;
		memcpy(output + c, &word, sizeof(word));
	}
	return c;
}

#endif

void tocsin_depthwise_run(const struct tocsin_conv *layer, const int8_t *input, int8_t *output,
			  void *work)
{
	const uint32_t positions = layer->out_height * layer->out_width;
	struct place *places = work;

	for (uint32_t position = 0; position < positions; position++) {
		const struct place *end = list(layer, position, places);
		int8_t *to = output + (size_t)position * layer->out_channels;
		uint32_t done = 0;

#if defined(CONFIG_TOCSIN_TFLM_DSP)
		if (layer->plain != 0 && layer->in_channels == layer->out_channels) {
			done = run_fours(layer, input, places, end, to);
		}
#endif
		run_any(layer, input, places, end, done, to);
	}
#if defined(CONFIG_TOCSIN_TFLM_DSP)
	tocsin_conv_activate(layer, output);
#endif
}
