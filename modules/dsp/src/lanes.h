/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* What lanes.c gives, once for each number of lanes it is compiled for. */

#ifndef TOCSIN_DSP_SRC_LANES_H_
#define TOCSIN_DSP_SRC_LANES_H_

#include <tocsin/dsp.h>

/* More did not pay: with 16 (AVX-512) a batch's spectra fill more than the nearest cache. */
#define TOCSIN_DSP_LANES_MAX 8

/* Where a batch's frames come from and go to: frames begin cfg->hop samples apart. */
struct tocsin_dsp_batch {
	const int16_t *samples; /* the first frame's first sample of the channel */
	uint32_t n;             /* frames, 1 to the number of lanes */
	const int32_t *whole;   /* each frame's centre, where means are removed */
	const float *part;
	float *out;    /* the first frame's first band */
	size_t stride; /* values from a frame's to the next one's */
};

/* Numbers of work space for each lane; the memory is aligned to a vector. */
static inline size_t tocsin_dsp_lanes_numbers(const struct tocsin_dsp_config *cfg)
{
	return (size_t)cfg->n_fft + cfg->n_bands;
}

/* (Log) band powers of one channel of a batch. */
void tocsin_dsp_lanes4(const struct tocsin_dsp_config *cfg, const struct tocsin_dsp_batch *batch,
		       void *work);
void tocsin_dsp_lanes8(const struct tocsin_dsp_config *cfg, const struct tocsin_dsp_batch *batch,
		       void *work);

#endif /* TOCSIN_DSP_SRC_LANES_H_ */
