/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Positions run freely over 32 bits and wrap; only their differences count, and those are at most
 * the capacity. Sample indices are 64 bits and belong to one side each, so no thread can read half
 * of one: the producer's `written` and `pending`, the consumer's `read`. What crosses from one side
 * to the other crosses through a release store of `head`, `tail`, `gap_head` or `gap_tail`, met by
 * an acquire load. There is no read-modify-write: each of these has one writer.
 *
 * A gap stands at the stored position of the first sample after it. The producer publishes the gap
 * before that sample (gap_head, then head) and the consumer looks in the opposite order (head, then
 * gap_head), so whoever sees the sample sees the gap.
 */

#include <errno.h>
#include <string.h>

#include <tocsin/ring.h>

#define CAPACITY_MAX (UINT32_C(1) << 24)
#define CHANNELS_MAX 3

_Static_assert((TOCSIN_RING_GAPS & (TOCSIN_RING_GAPS - 1)) == 0,
	       "free-running gap positions wrap in step with the queue");
_Static_assert(sizeof(tocsin_ring_atomic_t) == sizeof(uint32_t) &&
		       _Alignof(tocsin_ring_atomic_t) == _Alignof(uint32_t),
	       "C++ sees the atomics as uint32_t");
_Static_assert(SIZE_MAX >= UINT32_MAX, "the greatest ring is 96 MiB");

static uint32_t load_own(const tocsin_ring_atomic_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static uint32_t load_theirs(const tocsin_ring_atomic_t *value)
{
	return atomic_load_explicit(value, memory_order_acquire);
}

static void publish(tocsin_ring_atomic_t *value, uint32_t to)
{
	atomic_store_explicit(value, to, memory_order_release);
}

/* For a counter that this side alone writes. */
static void count_up(tocsin_ring_atomic_t *counter, uint32_t by)
{
	atomic_store_explicit(counter, load_own(counter) + by, memory_order_relaxed);
}

size_t tocsin_ring_needed_size(uint32_t capacity, uint32_t channels)
{
	if (capacity < 2 || capacity > CAPACITY_MAX || (capacity & (capacity - 1)) != 0 ||
	    channels < 1 || channels > CHANNELS_MAX) {
		return 0;
	}
	return (size_t)capacity * channels * sizeof(int16_t);
}

int tocsin_ring_init(struct tocsin_ring *ring, uint32_t capacity, uint32_t channels, void *mem,
		     size_t size)
{
	size_t needed = tocsin_ring_needed_size(capacity, channels);

	if (ring == NULL || mem == NULL || needed == 0 || (uintptr_t)mem % _Alignof(int16_t) != 0) {
		return -EINVAL;
	}
	if (size < needed) {
		return -ENOMEM;
	}

	memset(ring, 0, sizeof(*ring));
	ring->mem = mem;
	ring->capacity = capacity;
	ring->channels = channels;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->gap_head, 0);
	atomic_init(&ring->gap_tail, 0);
	atomic_init(&ring->dropped, 0);
	atomic_init(&ring->overruns, 0);
	return 0;
}

/* Frames from `position` to where the memory wraps. */
static uint32_t until_wrap(const struct tocsin_ring *ring, uint32_t position)
{
	return ring->capacity - (position & (ring->capacity - 1));
}

static int16_t *at(const struct tocsin_ring *ring, uint32_t position)
{
	return &ring->mem[(size_t)(position & (ring->capacity - 1)) * ring->channels];
}

size_t tocsin_ring_space(const struct tocsin_ring *ring)
{
	/* A sample may not be stored before the gap in front of it can be told. */
	if (ring->pending > 0 &&
	    load_own(&ring->gap_head) - load_theirs(&ring->gap_tail) == TOCSIN_RING_GAPS) {
		return 0;
	}
	return ring->capacity - (load_own(&ring->head) - load_theirs(&ring->tail));
}

static void publish_pending_gap(struct tocsin_ring *ring)
{
	uint32_t gap_head = load_own(&ring->gap_head);

	ring->gaps[gap_head % TOCSIN_RING_GAPS].position = load_own(&ring->head);
	ring->gaps[gap_head % TOCSIN_RING_GAPS].count = ring->pending;
	ring->pending = 0;
	publish(&ring->gap_head, gap_head + 1);
}

/*
 * memcpy() of a C library for small machines may well go byte by byte, four instructions each. Two
 * samples make a word here, which the processors this is for load from any address.
 */
static void copy(int16_t *to, const int16_t *from, size_t values)
{
	for (; values >= 8; values -= 8, to += 8, from += 8) {
		memcpy(to, from, 8 * sizeof(*to)); /* of a known size: no call */
	}
	for (; values > 0; values--) {
		*to++ = *from++;
	}
}

static void store(struct tocsin_ring *ring, const int16_t *samples, uint32_t count)
{
	uint32_t head = load_own(&ring->head);
	uint32_t first = until_wrap(ring, head);
	const size_t channels = ring->channels;

	if (first > count) {
		first = count;
	}
	copy(at(ring, head), samples, first * channels);
	if (first < count) {
		copy(ring->mem, &samples[first * channels], (count - first) * channels);
	}
	publish(&ring->head, head + count);
}

size_t tocsin_ring_write(struct tocsin_ring *ring, const int16_t *samples, size_t count)
{
	size_t stored = tocsin_ring_space(ring);

	if (stored > count) {
		stored = count;
	}
	if (stored > 0) {
		if (ring->pending > 0) {
			publish_pending_gap(ring);
		}
		store(ring, samples, (uint32_t)stored);
	}
	if (stored < count) {
		ring->pending += count - stored;
		count_up(&ring->dropped, (uint32_t)(count - stored));
		count_up(&ring->overruns, 1);
	}
	ring->written += count;
	return stored;
}

void tocsin_ring_skip(struct tocsin_ring *ring, uint64_t count)
{
	ring->pending += count;
	ring->written += count;
}

uint64_t tocsin_ring_write_index(const struct tocsin_ring *ring)
{
	return ring->written;
}

/*
 * What lies before the consumer: how many frames have arrived, and where among them the next gap
 * stands. A gap may be seen before the sample after it is; it then stands at the end, or past it.
 */
struct ahead {
	uint32_t fill;
	uint32_t to_gap; /* meaningful where has_gap */
	int has_gap;
};

static struct ahead look_ahead(const struct tocsin_ring *ring)
{
	uint32_t tail = load_own(&ring->tail);
	uint32_t gap_tail = load_own(&ring->gap_tail);
	struct ahead ahead = {0};

	ahead.fill = load_theirs(&ring->head) - tail;
	ahead.has_gap = load_theirs(&ring->gap_head) != gap_tail;
	if (ahead.has_gap) {
		ahead.to_gap = ring->gaps[gap_tail % TOCSIN_RING_GAPS].position - tail;
	}
	return ahead;
}

static struct tocsin_ring_gap next_gap(const struct tocsin_ring *ring, uint32_t to_gap)
{
	return (struct tocsin_ring_gap){
		.index = ring->read + to_gap,
		.count = ring->gaps[load_own(&ring->gap_tail) % TOCSIN_RING_GAPS].count,
	};
}

int tocsin_ring_peek(struct tocsin_ring *ring, size_t count, struct tocsin_ring_view *view,
		     struct tocsin_ring_gap *gap)
{
	uint32_t tail = load_own(&ring->tail);
	struct ahead ahead;
	uint32_t first;

	if (count == 0 || count > ring->capacity) {
		return -EINVAL;
	}

	ahead = look_ahead(ring);
	if (ahead.has_gap && ahead.to_gap < count) {
		*gap = next_gap(ring, ahead.to_gap);
		return -EPIPE;
	}
	if (ahead.fill < count) {
		return -EAGAIN;
	}

	first = until_wrap(ring, tail);
	if (first > count) {
		first = (uint32_t)count;
	}
	view->index = ring->read;
	view->part[0] = at(ring, tail);
	view->count[0] = first;
	view->part[1] = first < count ? ring->mem : NULL;
	view->count[1] = count - first;
	return 0;
}

int tocsin_ring_advance(struct tocsin_ring *ring, size_t count)
{
	struct ahead ahead;

	if (count > ring->capacity) {
		return -EINVAL;
	}

	ahead = look_ahead(ring);
	if (ahead.has_gap && ahead.to_gap < count) {
		return -EPIPE;
	}
	if (ahead.fill < count) {
		return -EAGAIN;
	}
	ring->read += count;
	publish(&ring->tail, load_own(&ring->tail) + (uint32_t)count);
	return 0;
}

int tocsin_ring_cross_gap(struct tocsin_ring *ring, struct tocsin_ring_gap *gap)
{
	struct ahead ahead = look_ahead(ring);
	struct tocsin_ring_gap crossed;

	if (!ahead.has_gap) {
		return -ENOENT;
	}

	crossed = next_gap(ring, ahead.to_gap);
	ring->read = crossed.index + crossed.count;
	publish(&ring->tail, load_own(&ring->tail) + ahead.to_gap);
	publish(&ring->gap_tail, load_own(&ring->gap_tail) + 1);
	if (gap != NULL) {
		*gap = crossed;
	}
	return 0;
}

size_t tocsin_ring_fill(const struct tocsin_ring *ring)
{
	/* Each side reads its own end exactly and the other's end as it stands: never too much for
	 * the consumer, never too little for the producer. */
	uint32_t tail = load_theirs(&ring->tail);

	return load_theirs(&ring->head) - tail;
}

uint32_t tocsin_ring_dropped(const struct tocsin_ring *ring)
{
	return load_own(&ring->dropped);
}

uint32_t tocsin_ring_overruns(const struct tocsin_ring *ring)
{
	return load_own(&ring->overruns);
}
