/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Features: from int16 samples to one feature vector for each window.
 *
 * samples ──frame──▶ per channel: time statistics, log band powers ──window──▶ stack and/or pooled
 * statistics
 *
 * A *frame* is `frame_length` samples of every channel; frames begin `hop` samples apart. A frame
 * gives, channel after channel, the chosen statistics in the order of their bits and then `n_bands`
 * log band powers. A *window* is `window_frames` frames in a row; windows begin `window_hop` frames
 * apart. A window gives one vector: the chosen aggregates in the order of their bits (all frames
 * stacked, oldest first; mean; standard deviation; maximum).
 *
 * Definitions (x is the frame in physical units: int16 times `scale`; m is its mean):
 * - with TOCSIN_DSP_REMOVE_MEAN, m is subtracted first, from what the statistics and the spectrum
 * see: a sensor's offset, or gravity. Sound always has it (docs/decisions/0011). A constant
 * offset changes no bit then, as long as no sample saturates;
 * - RMS sqrt(mean(x²)); peak max|x|; crest factor peak/RMS, 0 where RMS is 0; kurtosis
 * mean((x-m)⁴)/mean((x-m)²)² (Pearson's: 3 for a Gaussian), 0 where the variance is 0;
 * - log band power 10·log10(max(log_floor, Σ w·|X|²)): X is the real FFT of the windowed frame,
 * zero-padded to n_fft, and w the band's weights. With librosa's mel weights, a periodic Hann
 * window and scale 1/32768 this is librosa.power_to_db(librosa.feature.melspectrogram(y,
 * center=False, power=2), top_db=None).
 * - pooled standard deviation is that of the population (divided by n);
 * - with TOCSIN_DSP_POWER, a frame's band powers stay powers until a window is complete, and
 * 10·log10(max(log_floor, ·)) is taken of their mean and maximum: what a window's loudest frames
 * hold counts more, and what the floor of the noise does between them less.
 *
 * Arithmetic is float32 in a fixed order, without fused multiply-add and without libm (but for the
 * square root, which IEEE 754 defines exactly), so the same input gives the same bytes everywhere.
 * TOCSIN_DSP_VERSION goes up whenever those bytes change; a bundle names the version it was trained
 * with.
 *
 * The caller owns the configuration's tables and the working memory; both must outlive the use. One
 * thread calls.
 */

#ifndef TOCSIN_DSP_H_
#define TOCSIN_DSP_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Version of the feature definition: bundles trained with another one are refused.
 * 2: each frame of sound is taken less its mean; the sources give samples as they are. In 1, sound
 * kept its mean, and microphones' sources had a high-pass.
 */
#define TOCSIN_DSP_VERSION 2

#define TOCSIN_DSP_CHANNELS_MAX      3
#define TOCSIN_DSP_FFT_MIN           256
#define TOCSIN_DSP_FFT_MAX           4096
#define TOCSIN_DSP_FRAME_MIN         16
#define TOCSIN_DSP_BANDS_MAX         128
#define TOCSIN_DSP_WINDOW_FRAMES_MAX 1024
#define TOCSIN_DSP_VECTOR_MAX        4096

/** Time statistics of a frame (bits). */
enum tocsin_dsp_stat {
	TOCSIN_DSP_RMS = 1 << 0,
	TOCSIN_DSP_PEAK = 1 << 1,
	TOCSIN_DSP_CREST = 1 << 2,
	TOCSIN_DSP_KURTOSIS = 1 << 3,
};

/** What a window's vector is made of (bits). */
enum tocsin_dsp_pool {
	TOCSIN_DSP_STACK = 1 << 0,
	TOCSIN_DSP_MEAN = 1 << 1,
	TOCSIN_DSP_STD = 1 << 2,
	TOCSIN_DSP_MAX = 1 << 3,
};

/** Treatment of a frame (bits). */
enum tocsin_dsp_flag {
	TOCSIN_DSP_REMOVE_MEAN = 1 << 0,
	TOCSIN_DSP_POWER = 1 << 1, /**< pool powers, not decibels; mean and max only, with bands */
};

/** One band of the filter bank: weights for `count` FFT bins from bin `first` on. count may be 0.
 */
struct tocsin_dsp_band {
	uint16_t first;
	uint16_t count;
};

/** What to compute; comes from the bundle. */
struct tocsin_dsp_config {
	uint32_t sample_rate; /**< Hz, of each channel, at least 1 */
	uint32_t channels;    /**< 1 to 3 */
	float scale; /**< physical units a digit: 1/32768 for audio, g for vibration; > 0, finite */
	uint32_t frame_length; /**< samples, TOCSIN_DSP_FRAME_MIN to n_fft (to FFT_MAX without
				  bands) */
	uint32_t hop;          /**< samples, 1 to frame_length */
	uint32_t stats;        /**< enum tocsin_dsp_stat bits */
	uint32_t flags;        /**< enum tocsin_dsp_flag bits */
	uint32_t n_fft;        /**< power of two, 256 to 4096; 0 where n_bands is 0 */
	uint32_t n_bands;      /**< 0 to 128, a channel */
	float log_floor; /**< least band power before the logarithm, > 0, normal (not subnormal),
			    finite */
	uint32_t pool;   /**< enum tocsin_dsp_pool bits, at least one */
	uint32_t window_frames; /**< 1 to TOCSIN_DSP_WINDOW_FRAMES_MAX */
	uint32_t window_hop; /**< frames, 1 to window_frames, and a divisor of it where mean, std or
				max is set */
	/** First half of the symmetric window function, frame_length/2 + 1 values: w[n] =
	 * w[frame_length - n]. */
	const float *window;
	/** sin(2πk/n_fft), k = 0 … n_fft-1. */
	const float *sine;
	const struct tocsin_dsp_band *bands; /**< n_bands; first + count is at most n_fft/2 + 1 */
	const float *weights;                /**< the bands' weights one after the other, finite */
	uint32_t n_weights;                  /**< sum of the bands' counts */
};

/** Where a window stands in the sample stream. */
struct tocsin_dsp_window {
	uint64_t begin; /**< index of its first sample */
	uint64_t end;   /**< one past its last sample */
};

/** The stage's state. Treat as opaque. */
struct tocsin_dsp {
	struct tocsin_dsp_config cfg;
	uint32_t n_features; /* values a frame */
	uint32_t n_blocks;   /* blocks of window_hop frames a window */
	uint64_t next;       /* index at which the next frame must begin */
	bool running;        /* `next` is meaningful */
	uint32_t frames;     /* frames in the window so far */
	uint32_t slot;       /* where the next frame goes in the ring of stacked frames */
	uint32_t block;      /* which block is being filled */
	uint32_t in_block;   /* frames in it so far */
	float *fft;          /* n_fft values of work space, then the frame's power spectrum */
	float *frame;        /* n_features values; window_frames × n_features where stacked */
	float *blocks;       /* n_blocks of mean, M2, maximum, as far as pooled; see window.c */
};

/**
 * @brief Check a configuration, its tables included.
 * @retval 0       valid
 * @retval -EINVAL a field is out of range, a table is missing, or a table holds a value that is not
 * finite
 */
int tocsin_dsp_check(const struct tocsin_dsp_config *cfg);

/** @brief Values a frame gives: channels × (statistics + n_bands). The configuration must be valid.
 */
size_t tocsin_dsp_frame_size(const struct tocsin_dsp_config *cfg);

/** @brief Values a window's vector has, at most TOCSIN_DSP_VECTOR_MAX. The configuration must be
 * valid. */
size_t tocsin_dsp_vector_size(const struct tocsin_dsp_config *cfg);

/** @brief Bytes of working memory, or 0 where the configuration is not valid. */
size_t tocsin_dsp_needed_size(const struct tocsin_dsp_config *cfg);

/**
 * @brief Prepare the stage.
 *
 * @param cfg  copied; its tables are not and must stay where they are
 * @param mem  working memory aligned to 8 bytes, owned by the caller while the stage is used
 * @param size bytes at @p mem
 * @retval 0       ready
 * @retval -EINVAL an argument is NULL, misaligned, or the configuration is not valid
 * @retval -ENOMEM @p size is smaller than tocsin_dsp_needed_size()
 */
int tocsin_dsp_init(struct tocsin_dsp *dsp, const struct tocsin_dsp_config *cfg, void *mem,
		    size_t size);

/** @brief Forget the frames of the unfinished window (after a gap, or to start another recording).
 */
void tocsin_dsp_reset(struct tocsin_dsp *dsp);

/**
 * @brief Features of one frame, whatever came before it.
 *
 * @param view     exactly frame_length samples of every channel
 * @param features tocsin_dsp_frame_size() values
 */
void tocsin_dsp_frame(struct tocsin_dsp *dsp, const struct tocsin_ring_view *view, float *features);

/**
 * @brief Take the next frame; give a vector when it completes a window.
 *
 * A frame that does not begin one hop after the last one begins a new window: no window spans a
 * gap.
 *
 * @param view   exactly frame_length samples of every channel
 * @param vector tocsin_dsp_vector_size() values, written where the answer is 1
 * @param window written where the answer is 1
 * @retval 1       a window is complete
 * @retval 0       taken, no window complete
 * @retval -EINVAL the view does not hold frame_length samples
 */
int tocsin_dsp_push(struct tocsin_dsp *dsp, const struct tocsin_ring_view *view, float *vector,
		    struct tocsin_dsp_window *window);

/**
 * @brief As tocsin_dsp_push(), where the frame's features are there already.
 *
 * @param index    index of the frame's first sample
 * @param features tocsin_dsp_frame_size() values, copied
 * @param vector   as in tocsin_dsp_push()
 * @param window   as in tocsin_dsp_push()
 * @retval 1 a window is complete
 * @retval 0 taken, no window complete
 */
int tocsin_dsp_push_features(struct tocsin_dsp *dsp, uint64_t index, const float *features,
			     float *vector, struct tocsin_dsp_window *window);

/**
 * @brief Forward FFT of @p n real values, in place.
 *
 * On return data[0] is X[0], data[1] is X[n/2] (both real), and data[2k], data[2k+1] are the real
 * and imaginary part of X[k] for k = 1 … n/2-1 (the layout of CMSIS-DSP's arm_rfft_fast_f32).
 *
 * @param data n values
 * @param n    power of two, TOCSIN_DSP_FFT_MIN to TOCSIN_DSP_FFT_MAX
 * @param sine as in struct tocsin_dsp_config, for this n
 */
void tocsin_dsp_rfft(float *data, uint32_t n, const float *sine);

/** @brief 10·log10(x) for normal finite x > 0; error below 3e-7 dB plus one unit in the last place.
 */
float tocsin_dsp_db(float x);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_DSP_H_ */
