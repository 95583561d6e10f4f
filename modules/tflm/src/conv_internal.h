/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* What conv.c, conv_fours.S and depthwise.c have between them. */

#ifndef TOCSIN_TFLM_SRC_CONV_INTERNAL_H_
#define TOCSIN_TFLM_SRC_CONV_INTERNAL_H_

#include "conv.h"
#include "int8.h"

/* Of a position, where the kernel begins in the input; before it where that is padded. */
struct tocsin_conv_origin {
	int32_t y;
	int32_t x;
};

static inline struct tocsin_conv_origin tocsin_conv_origin_of(const struct tocsin_conv *layer,
							      uint32_t position)
{
	const uint32_t y = position / layer->out_width;
	const uint32_t x = position - y * layer->out_width;

	return (struct tocsin_conv_origin){
		(int32_t)(y * layer->stride_height) - (int32_t)layer->pad_top,
		(int32_t)(x * layer->stride_width) - (int32_t)layer->pad_left,
	};
}

static inline int8_t tocsin_conv_finish(const struct tocsin_conv *layer, uint32_t channel,
					uint32_t sum)
{
	const int32_t out = tocsin_int8_requantise((int32_t)sum, layer->multipliers[channel],
						   layer->shifts[channel]);

	return tocsin_int8_clamp(out + layer->output_offset, layer->least, layer->most);
}

/* Into a fused activation's range what is in eight bits already. */
void tocsin_conv_activate(const struct tocsin_conv *layer, int8_t *output);

/* What conv_fours.S works on: the first fields come by one LDM. It moves index and output on. */
struct tocsin_conv_fours {
	uint32_t index;   /* 4 · the output channel, to find its numbers */
	int8_t *output;   /* of the channel at the first position */
	uint32_t stride;  /* values from a position's outputs to the next's; 0 for one position */
	int32_t rounding; /* 2 · output_offset + 1 */
	const int32_t *multipliers; /* of channel 0, as shifts and bias */
	const int32_t *shifts;
	uint32_t excess; /* weights read beyond a row's end: 0 to 3, which meet zeros */
	const int32_t *bias;
	uint32_t end_index;    /* 4 · the channel to end before; above index */
	const int16_t *x;      /* four positions' widened values, as conv.c lays them out */
	const int16_t *end;    /* their end */
	const int8_t *weights; /* of the first channel */
};

/* Channels [index / 4, end_index / 4) of four positions, saturated to eight bits. */
void tocsin_conv_fours(struct tocsin_conv_fours *pass);

#endif /* TOCSIN_TFLM_SRC_CONV_INTERNAL_H_ */
