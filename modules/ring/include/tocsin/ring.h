/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Window ring: the samples between one producer and one consumer, every sample with an
 * index.
 *
 * A *frame of samples* here is one sample of every channel, interleaved: `channels` int16 values.
 * All counts and indices below are in such frames, so "index 16000" is one second into a 16 kHz
 * recording, mono or not.
 *
 * The producer (a driver's thread or interrupt) writes; the consumer reads windows that may
 * overlap, straight from the ring. Neither ever waits and neither takes a lock. When the ring is
 * full the newest samples are dropped, never the ones a reader may be looking at; what was dropped
 * is counted and the consumer meets it as a gap at its exact position. No window spans a gap.
 *
 * A gap is told together with the first sample stored after it, never before: only then is its
 * length known. While a source stays silent or the ring stays full, the consumer sees -EAGAIN.
 *
 * Ownership: the caller owns the sample memory and the structure; both must outlive the ring's use.
 * Concurrency: exactly one producer and one consumer. Functions say whose they are.
 */

#ifndef TOCSIN_RING_H_
#define TOCSIN_RING_H_

#ifndef __cplusplus
#include <stdatomic.h>
#endif
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* C++ has no _Atomic before C++23. There the ring is only carried about; C code alone touches it,
 * and checks that the two types have one layout. */
#ifdef __cplusplus
typedef uint32_t tocsin_ring_atomic_t;
#else
typedef _Atomic uint32_t tocsin_ring_atomic_t;
#endif

/**
 * Gaps that can wait for the consumer, a power of two. While all are taken and samples went missing
 * since, nothing can be stored: further samples join that last gap, even though there is room.
 */
#define TOCSIN_RING_GAPS 8

/** A hole in the sample stream. */
struct tocsin_ring_gap {
	uint64_t index; /**< index of the first missing sample */
	uint64_t count; /**< how many are missing, at least 1 */
};

/** A window of samples, in one or two pieces of the ring's own memory (two where it wraps). */
struct tocsin_ring_view {
	uint64_t index;         /**< index of the first sample of the window */
	const int16_t *part[2]; /**< interleaved samples; part[1] is NULL where count[1] is 0 */
	size_t count[2];        /**< length of each piece, in frames */
};

/** A ring. Treat as opaque; use the functions. */
struct tocsin_ring {
	int16_t *mem;
	uint32_t capacity; /* frames, a power of two */
	uint32_t channels;

	/* Free-running positions of stored frames; the difference is the fill. */
	tocsin_ring_atomic_t head; /* written by the producer */
	tocsin_ring_atomic_t tail; /* written by the consumer */

	/* Gap queue: position in the stored stream at which the gap stands, and its length. */
	struct {
		uint32_t position;
		uint64_t count;
	} gaps[TOCSIN_RING_GAPS];
	tocsin_ring_atomic_t gap_head; /* written by the producer */
	tocsin_ring_atomic_t gap_tail; /* written by the consumer */

	uint64_t pending; /* producer: missing frames not yet told to the consumer */
	uint64_t written; /* producer: index of the next sample to arrive */
	uint64_t read; /* consumer: index of the next sample, one past what was taken or crossed */
	tocsin_ring_atomic_t dropped;  /* written by the producer */
	tocsin_ring_atomic_t overruns; /* written by the producer */
};

/**
 * @brief Bytes of sample memory a ring needs.
 *
 * @param capacity frames held, a power of two, 2 to 2^24
 * @param channels 1 to 3
 * @return bytes, or 0 where an argument is out of range
 */
size_t tocsin_ring_needed_size(uint32_t capacity, uint32_t channels);

/**
 * @brief Prepare an empty ring whose next sample has index 0.
 *
 * @param ring     the ring
 * @param capacity see tocsin_ring_needed_size()
 * @param channels see tocsin_ring_needed_size()
 * @param mem      sample memory, aligned to 2 bytes, owned by the caller for as long as the ring is
 * used
 * @param size     bytes at @p mem
 * @retval 0       ready
 * @retval -EINVAL an argument is NULL or out of range
 * @retval -ENOMEM @p size is smaller than tocsin_ring_needed_size()
 */
int tocsin_ring_init(struct tocsin_ring *ring, uint32_t capacity, uint32_t channels, void *mem,
		     size_t size);

/**
 * @brief Producer: append samples.
 *
 * What does not fit is dropped and counted; the consumer will meet it as a gap. Constant time but
 * for the copy, so fit for an interrupt.
 *
 * @param samples interleaved, @p count frames; copied
 * @param count   frames
 * @return frames stored, 0 to @p count
 */
size_t tocsin_ring_write(struct tocsin_ring *ring, const int16_t *samples, size_t count);

/**
 * @brief Producer: say that the source itself lost @p count frames here (a driver overrun, a cut
 * link).
 *
 * These do not count as tocsin_ring_dropped(). 0 is nothing.
 */
void tocsin_ring_skip(struct tocsin_ring *ring, uint64_t count);

/** @brief Producer: frames that tocsin_ring_write() would store now. */
size_t tocsin_ring_space(const struct tocsin_ring *ring);

/** @brief Producer: index that the next sample will have. */
uint64_t tocsin_ring_write_index(const struct tocsin_ring *ring);

/**
 * @brief Consumer: look at the next @p count frames without taking them.
 *
 * The view stays valid until tocsin_ring_advance() or tocsin_ring_cross_gap() moves past it.
 *
 * @param count frames wanted, 1 to the capacity
 * @param view  filled on success
 * @param gap   filled where the answer is -EPIPE
 * @retval 0       @p view holds @p count frames with consecutive indices
 * @retval -EAGAIN not enough samples yet, and no gap before their end
 * @retval -EPIPE  a gap lies before the window's end; call tocsin_ring_cross_gap()
 * @retval -EINVAL @p count is 0 or above the capacity
 */
int tocsin_ring_peek(struct tocsin_ring *ring, size_t count, struct tocsin_ring_view *view,
		     struct tocsin_ring_gap *gap);

/**
 * @brief Consumer: let go of the next @p count frames (the hop).
 *
 * A hop longer than the window may reach past what has arrived or into a gap; then nothing is
 * taken.
 *
 * @retval 0       taken
 * @retval -EAGAIN fewer frames than that have arrived, and no gap before their end
 * @retval -EPIPE  a gap lies within them; call tocsin_ring_cross_gap()
 * @retval -EINVAL @p count is above the capacity, so could never be taken
 */
int tocsin_ring_advance(struct tocsin_ring *ring, size_t count);

/**
 * @brief Consumer: drop what is left before the next gap and step over it.
 *
 * @param gap filled with the gap stepped over, may be NULL
 * @retval 0       the next sample is the first after the gap
 * @retval -ENOENT no gap waits
 */
int tocsin_ring_cross_gap(struct tocsin_ring *ring, struct tocsin_ring_gap *gap);

/** @brief Either side: frames stored and not yet taken. */
size_t tocsin_ring_fill(const struct tocsin_ring *ring);

/** @brief Either side: frames lost for want of room since the start, modulo 2^32. */
uint32_t tocsin_ring_dropped(const struct tocsin_ring *ring);

/** @brief Either side: how many calls of tocsin_ring_write() lost samples for want of room, modulo
 * 2^32. */
uint32_t tocsin_ring_overruns(const struct tocsin_ring *ring);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_RING_H_ */
