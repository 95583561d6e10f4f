/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief C interface over TensorFlow Lite Micro, for the int8 networks of a bundle.
 *
 * The model comes from outside, so it is checked before the interpreter sees it: the flatbuffer's
 * structure, every index and size in it that a kernel relies on, the operators, and that both ends
 * are int8 tensors of the lengths and quantisation that the bundle says.
 *
 * The caller owns the model, the arena and the structure; all must outlive the use. Nothing is
 * allocated elsewhere. One thread calls.
 */

#ifndef TOCSIN_TFLM_H_
#define TOCSIN_TFLM_H_

#include <stddef.h>
#include <stdint.h>

#include <tocsin/score.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Alignment of the model and of the arena, in bytes. */
#define TOCSIN_TFLM_ALIGN 16

/** Pointer-sized words that hold the interpreter and its list of operators; checked by the build.
 */
#define TOCSIN_TFLM_WORDS CONFIG_TOCSIN_TFLM_WORDS

/** A network ready to run. Treat as opaque. */
struct tocsin_tflm {
	uintptr_t storage[TOCSIN_TFLM_WORDS];
	void *interpreter;
	int8_t *input;
	int8_t *output;
	size_t n_in;
	size_t n_out;
};

/**
 * @brief Check a model without running it. Needs no memory of the caller.
 *
 * @param model the flatbuffer, aligned to TOCSIN_TFLM_ALIGN
 * @param size  bytes at @p model
 * @param score what the network is for: it says the two ends' lengths and quantisation
 * @retval 0        the network can be run, if the arena is large enough
 * @retval -EINVAL  an argument is NULL, @p model is not aligned, or @p score needs no network
 * @retval -EILSEQ  not a TFLite flatbuffer, or one that contradicts itself
 * @retval -ENOTSUP an operator or a tensor type is not compiled in (its name is logged)
 * @retval -EDOM    input or output is not int8 with the length and quantisation that it must have
 */
int tocsin_tflm_check(const uint8_t *model, size_t size, const struct tocsin_score_config *score);

/**
 * @brief Prepare a network: tocsin_tflm_check(), then lay out the arena.
 *
 * @param tflm       the network
 * @param model      see tocsin_tflm_check()
 * @param size       see tocsin_tflm_check()
 * @param arena      working memory aligned to TOCSIN_TFLM_ALIGN
 * @param arena_size bytes at @p arena
 * @param score      see tocsin_tflm_check()
 * @param slide      frames by which windows slide, to keep what a layer that frames share made of
 *                   the others (CONFIG_TOCSIN_TFLM_STREAM); 0: everything is computed anew. The
 *                   answers are the same
 * @retval 0       ready
 * @retval -ENOMEM the arena is too small for the network
 * @return else what tocsin_tflm_check() answered
 */
int tocsin_tflm_init(struct tocsin_tflm *tflm, const uint8_t *model, size_t size, uint8_t *arena,
		     size_t arena_size, const struct tocsin_score_config *score, uint32_t slide);

/**
 * @brief Run the network once; a tocsin_score_infer_t. What lies at tocsin_tflm_ends() is not
 * copied.
 *
 * @param ctx    struct tocsin_tflm, prepared
 * @param input  @p n_in values
 * @param n_in   values that the network takes
 * @param output @p n_out values to fill
 * @param n_out  values that it gives
 * @retval 0       done
 * @retval -EINVAL @p n_in or @p n_out is another length
 * @retval -EIO    a kernel failed
 */
int tocsin_tflm_invoke(void *ctx, const int8_t *input, size_t n_in, int8_t *output, size_t n_out);

/** @brief Where a prepared network wants its input and leaves its output: in the arena. */
struct tocsin_score_ends tocsin_tflm_ends(const struct tocsin_tflm *tflm);

/** @brief Bytes of the arena in use; what a bundle should ask for, give or take alignment. */
size_t tocsin_tflm_arena_used(const struct tocsin_tflm *tflm);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_TFLM_H_ */
