/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What a ring should do, said another way: a plain queue of the indices that were stored. A gap is
 * wherever two neighbours are not consecutive, so it needs no bookkeeping that could be wrong in
 * the same way as the ring's. Answers and limits are those of <tocsin/ring.h>.
 */

#ifndef TOCSIN_TEST_RING_MODEL_H_
#define TOCSIN_TEST_RING_MODEL_H_

#include <stddef.h>
#include <stdint.h>

#include <tocsin/ring.h>

#define RING_MODEL_MAX 1024

struct ring_model {
	size_t capacity; /* at most RING_MODEL_MAX */
	uint64_t queue[RING_MODEL_MAX];
	size_t n;
	uint64_t read;        /* index that the consumer expects next */
	uint64_t written;     /* index that the producer gives next */
	uint64_t last_stored; /* one past the newest index that was stored */
	uint32_t dropped;
	uint32_t overruns;
};

void ring_model_init(struct ring_model *model, size_t capacity);
size_t ring_model_space(const struct ring_model *model);
size_t ring_model_write(struct ring_model *model, size_t count);
void ring_model_skip(struct ring_model *model, uint64_t count);
int ring_model_look(const struct ring_model *model, size_t count, struct tocsin_ring_gap *gap);
int ring_model_advance(struct ring_model *model, size_t count);
int ring_model_cross_gap(struct ring_model *model, struct tocsin_ring_gap *gap);

/* The sample of channel c of the frame with that index: 16 bits of the index for each channel, so
 * that three channels tell 48 bits of it. */
static inline int16_t ring_sample(uint64_t index, uint32_t channel)
{
	return (int16_t)(uint16_t)(index >> (16 * channel));
}

enum ring_operation {
	RING_WRITE,
	RING_SKIP,
	RING_PEEK,
	RING_ADVANCE,
	RING_CROSS_GAP,
	RING_OPERATIONS,
};

/* Do one thing to a ring and to its model. Every answer and everything that can be seen must agree:
 * NULL where it does, else what does not. Writes are of at most RING_MODEL_MAX frames. */
const char *ring_model_step(struct ring_model *model, struct tocsin_ring *ring,
			    enum ring_operation operation, uint64_t count);

/* Write the next frames to a ring, each made from the index that it should get. */
size_t ring_write_next(struct tocsin_ring *ring, size_t count);

/* Whether every sample of the view is that of its index. */
int ring_view_is(const struct tocsin_ring_view *view, uint64_t index, size_t count,
		 uint32_t channels);

#endif /* TOCSIN_TEST_RING_MODEL_H_ */
