/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Many frames at once, on a desk. Not part of a firmware build.
 *
 * The spectra of several frames are computed side by side, one in each *lane* of the processor's
 * vectors, by the devices' own source compiled once more. The features are the same bytes as
 * tocsin_dsp_frame() gives, whatever the number of lanes.
 */

#ifndef TOCSIN_DSP_FRAMES_H_
#define TOCSIN_DSP_FRAMES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/dsp.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Alignment of the work space, bytes. */
#define TOCSIN_DSP_LANES_ALIGN 32

/**
 * @brief Whether this build and this processor have that many lanes.
 *
 * 1 (a frame at a time) is everywhere, 4 wherever GCC 12 or Clang compiled for a desk, 8 with AVX2.
 */
bool tocsin_dsp_lanes_supported(uint32_t lanes);

/** @brief The number of lanes that is fastest here: 1, 4 or 8. */
uint32_t tocsin_dsp_lanes_best(void);

/** @brief Bytes of work space for that many lanes; 0 where none is needed. The configuration must
 * be valid. */
size_t tocsin_dsp_frames_needed_size(const struct tocsin_dsp_config *cfg, uint32_t lanes);

/**
 * @brief Features of frames in a row, the first one at @p samples, each one hop after the last.
 *
 * @param dsp      a prepared stage; what it knows of windows stays as it is
 * @param lanes    frames at once, supported
 * @param work     tocsin_dsp_frames_needed_size() bytes aligned to TOCSIN_DSP_LANES_ALIGN; may be
 * NULL where that is 0
 * @param samples  (n - 1) · hop + frame_length samples of every channel, interleaved
 * @param n        frames, may be 0
 * @param features n times tocsin_dsp_frame_size() values
 */
void tocsin_dsp_frames(struct tocsin_dsp *dsp, uint32_t lanes, void *work, const int16_t *samples,
		       size_t n, float *features);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_DSP_FRAMES_H_ */
