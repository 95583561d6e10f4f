/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Frames in batches: statistics one by one, spectra side by side (lanes.c). */

#include <tocsin/dsp_frames.h>

#include "internal.h"
#include "lanes.h"

typedef void (*spectra_t)(const struct tocsin_dsp_config *cfg, const struct tocsin_dsp_batch *batch,
			  void *work);

/* What CMakeLists.txt found that the compiler can do, and the processor as well. */
static spectra_t spectra_of(uint32_t lanes)
{
	switch (lanes) {
#ifdef TOCSIN_DSP_HAVE_LANES4
	case 4:
		return tocsin_dsp_lanes4;
#endif
#ifdef TOCSIN_DSP_HAVE_LANES8
	case 8:
		return __builtin_cpu_supports("avx2") ? tocsin_dsp_lanes8 : NULL;
#endif
	default:
		return NULL;
	}
}

bool tocsin_dsp_lanes_supported(uint32_t lanes)
{
	return lanes == 1 || spectra_of(lanes) != NULL;
}

uint32_t tocsin_dsp_lanes_best(void)
{
	uint32_t lanes = TOCSIN_DSP_LANES_MAX;

	while (!tocsin_dsp_lanes_supported(lanes)) {
		lanes /= 2;
	}
	return lanes;
}

size_t tocsin_dsp_frames_needed_size(const struct tocsin_dsp_config *cfg, uint32_t lanes)
{
	if (lanes == 1 || cfg->n_bands == 0) {
		return 0;
	}
	return sizeof(float) * lanes * tocsin_dsp_lanes_numbers(cfg);
}

static struct tocsin_ring_view view_of(const struct tocsin_dsp_config *cfg, const int16_t *samples,
				       size_t frame)
{
	return (struct tocsin_ring_view){
		.part = {samples + frame * cfg->hop * cfg->channels},
		.count = {cfg->frame_length},
	};
}

/* One channel of a batch, from the features at `out` on; how many values a frame got. */
static size_t channel_of(const struct tocsin_dsp_config *cfg, spectra_t spectra, void *work,
			 const int16_t *samples, uint32_t n, uint32_t c, float *out)
{
	const size_t stride = tocsin_dsp_frame_size(cfg);
	int32_t whole[TOCSIN_DSP_LANES_MAX];
	float part[TOCSIN_DSP_LANES_MAX];
	float *next = out;

	/* Backwards, so that `next` ends at the first frame's. */
	for (uint32_t i = n; i-- > 0;) {
		const struct tocsin_ring_view view = view_of(cfg, samples, i);
		struct tocsin_dsp_centre centre;

		next = tocsin_dsp_statistics(cfg, &view, c, &centre, out + i * stride);
		whole[i] = centre.whole;
		part[i] = centre.part;
	}
	spectra(cfg,
		&(struct tocsin_dsp_batch){
			.samples = samples + c,
			.n = n,
			.whole = whole,
			.part = part,
			.out = next,
			.stride = stride,
		},
		work);
	return (size_t)(next - out) + cfg->n_bands;
}

void tocsin_dsp_frames(struct tocsin_dsp *dsp, uint32_t lanes, void *work, const int16_t *samples,
		       size_t n, float *features)
{
	const struct tocsin_dsp_config *cfg = &dsp->cfg;
	const size_t size = tocsin_dsp_frame_size(cfg);
	const spectra_t spectra = cfg->n_bands != 0 ? spectra_of(lanes) : NULL;

	if (spectra == NULL) {
		for (size_t i = 0; i < n; i++) {
			const struct tocsin_ring_view view = view_of(cfg, samples, i);

			tocsin_dsp_frame(dsp, &view, features + i * size);
		}
		return;
	}
	for (size_t i = 0; i < n; i += lanes) {
		const uint32_t batch = n - i < lanes ? (uint32_t)(n - i) : lanes;
		const int16_t *first = samples + i * cfg->hop * cfg->channels;
		float *out = features + i * size;

		for (uint32_t c = 0; c < cfg->channels; c++) {
			out += channel_of(cfg, spectra, work, first, batch, c, out);
		}
	}
}
