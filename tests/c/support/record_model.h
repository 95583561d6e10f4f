/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief A desk at the other end of a recording that knows what every sample ought to be.
 *
 * Streams consist of samples that tell their stream, index and channel. Whatever arrives, arrives
 * lost, twice or not at all: the desk must never get a wrong sample, and a gap must say the truth.
 */

#ifndef RECORD_MODEL_H_
#define RECORD_MODEL_H_

#include <tocsin/link_record.h>

#define RECORD_MODEL_LOSSES 256

enum record_operation {
	RECORD_WRITE,   /* count frames into the stream */
	RECORD_LOSE,    /* count frames lost by the source */
	RECORD_PASS,    /* count milliseconds */
	RECORD_DELIVER, /* up to count messages reach the desk */
	RECORD_DROP,    /* up to count messages get lost */
	RECORD_ANSWER,  /* the desk acknowledges; odd: and wants it again */
	RECORD_START,   /* a new recording; odd: of the next stream */
	RECORD_RESUME,  /* take it up again under another number */
	RECORD_STREAM,  /* the stream ends and another begins */
	RECORD_STOP,
	RECORD_STALE, /* an acknowledgement of count frames before, or of another number */
	RECORD_OPERATIONS,
};

struct record_model {
	struct tocsin_link_record record;
	uint32_t channels;
	uint32_t now;
	uint32_t stream;
	uint64_t position;

	struct {
		uint64_t index;
		uint64_t count;
	} losses[RECORD_MODEL_LOSSES]; /* of the recorded stream */
	size_t loss_count;

	/* The desk. */
	uint32_t id;
	bool known;       /* it has had a RECORD_STATE with a beginning */
	uint32_t heard;   /* the stream that it says */
	uint64_t next;    /* the frame that it waits for */
	uint64_t total;   /* where the recorded stream ended, so far */
	bool over;        /* it has had a RECORD_END */
	uint64_t samples; /* frames received */
	uint64_t missing; /* frames in gaps */
};

/** @brief No stream, no recording. */
void record_model_init(struct record_model *model, void *mem, size_t size, uint32_t channels);

/** @brief One operation. @return NULL, or what is wrong */
const char *record_model_step(struct record_model *model, enum record_operation operation,
			      uint32_t count);

/** @brief The stream ends, and nothing gets lost any more. @return NULL, or what is wrong */
const char *record_model_finish(struct record_model *model);

#endif /* RECORD_MODEL_H_ */
