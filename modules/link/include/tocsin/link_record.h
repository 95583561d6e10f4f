/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The device's end of a recording: samples of a stream to a desk, each once or told as gap.
 *
 * Portable: no transport, no clock and no lock. The owner writes the stream in, hands over the
 * desk's requests, and asks for the next message whenever the wire has room. What the desk has not
 * acknowledged stays in a ring; what the ring has no room for becomes a gap of exact place, length
 * and reason. Messages and their order: docs/reference/link.md, "Recording".
 *
 * Ownership: the caller owns the sample memory and the structure. Concurrency: one call at a time;
 * where several threads call, they share a lock. No call takes longer than a copy of its samples.
 *
 * Times are milliseconds of any clock that runs freely over 32 bits.
 */

#ifndef TOCSIN_LINK_RECORD_H_
#define TOCSIN_LINK_RECORD_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/link.h>
#include <tocsin/ring.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a RECORD_STATE message. */
#define TOCSIN_LINK_RECORD_STATE_SIZE 32

/** Bytes of a RECORD_DATA message before its samples. */
#define TOCSIN_LINK_RECORD_HEADER 12

/** What was sent and is not acknowledged within this time is sent again, milliseconds. */
#define TOCSIN_LINK_RECORD_RETRY_MS 200

/** Samples that do not fill a message wait this long for more, milliseconds. */
#define TOCSIN_LINK_RECORD_FLUSH_MS 100

/** A desk that was not heard for this time is sent nothing, and no source waits for it,
 * milliseconds. One that listens is heard once a second. */
#define TOCSIN_LINK_RECORD_PATIENCE_MS 5000

/** So long may a desk be away and still take its recording up again, milliseconds. */
#define TOCSIN_LINK_RECORD_KEEP_MS 60000

/** Messages on their way at a time: 16 KiB, what 1 Mbit/s carries in 160 ms. */
#define TOCSIN_LINK_RECORD_WINDOW 32

/** Why samples are missing (bits of RECORD_GAP). */
enum tocsin_link_gap_reason {
	TOCSIN_LINK_GAP_SOURCE = 1, /**< the source lost them */
	TOCSIN_LINK_GAP_BUFFER = 2, /**< the record buffer was full: the desk or the wire is slow */
};

/** Bits of RECORD_START. */
enum tocsin_link_record_start {
	TOCSIN_LINK_RECORD_NEXT_STREAM = 1, /**< begin with the first sample of the next stream */
};

/** Bits of RECORD_ACK. */
enum tocsin_link_record_ack {
	TOCSIN_LINK_RECORD_AGAIN = 1, /**< something got lost: send again from that index on */
};

enum tocsin_link_record_phase {
	TOCSIN_LINK_RECORD_IDLE,
	TOCSIN_LINK_RECORD_ARMED,   /* waits for the next stream */
	TOCSIN_LINK_RECORD_RUNNING, /* samples come */
	TOCSIN_LINK_RECORD_ENDED, /* the stream is over, but the desk has not said that it knows */
};

/** What a stream is. */
struct tocsin_link_record_stream {
	uint32_t number; /**< how many have begun since the boot, this one included */
	uint32_t sample_rate;
	uint32_t channels;
	float scale;
};

/** One recording at a time. Treat as opaque. */
struct tocsin_link_record {
	void *mem;
	size_t size;

	/* The stream, recorded or not. */
	bool streaming;
	struct tocsin_link_record_stream stream;
	uint64_t position; /* index of its next frame */

	/* The recording. Indices are those of the stream. */
	enum tocsin_link_record_phase phase;
	uint32_t id;
	struct tocsin_link_record_stream recorded;
	bool state_due; /* the stream that was waited for has begun */
	bool continued; /* RECORD_START found the recording that the desk named as its previous */
	uint64_t first; /* where it began, or was taken up again */
	struct tocsin_ring ring;
	uint32_t capacity; /* frames */
	uint64_t base;     /* index that the ring calls 0 */
	uint64_t held;     /* the ring's first; the desk has all before it */
	uint64_t total;    /* frames of the stream, once that is over */
	uint64_t sent;     /* next to be sent */
	uint64_t high;     /* the most that `sent` has been */
	bool gap_told;     /* nothing goes out until it is acknowledged */
	bool end_told;
	bool probing;   /* no answer: one message at a time */
	bool full;      /* samples are being left out */
	uint32_t told;  /* when something was sent last */
	uint32_t heard; /* when the desk moved on, or sending began after a rest */
	uint32_t alive; /* when the desk was heard last */

	/* Why each gap that waits in the ring is one; the ring's queue has as many places. */
	uint8_t pending_reason;
	uint8_t reasons[TOCSIN_RING_GAPS];
	uint32_t gaps_made;
	uint32_t gaps_crossed;
};

/**
 * @brief Prepare. No stream runs and none is recorded.
 *
 * @param mem  sample memory, aligned to 2 bytes, owned by the caller for as long as it is used
 * @param size bytes at @p mem, at least 12 (two frames of three channels)
 * @retval 0 ready
 * @retval -EINVAL an argument is NULL, too small or not aligned
 */
int tocsin_link_record_init(struct tocsin_link_record *record, void *mem, size_t size);

/**
 * @brief Other sample memory, while no stream runs.
 *
 * What a desk has not acknowledged of a recording that is over is gone, and so is the recording;
 * one that waits for the next stream still does.
 *
 * @param mem  see tocsin_link_record_init()
 * @param size see tocsin_link_record_init()
 * @retval 0       ready
 * @retval -EINVAL as of tocsin_link_record_init(); nothing has changed
 * @retval -EBUSY  a stream runs
 */
int tocsin_link_record_use(struct tocsin_link_record *record, void *mem, size_t size);

/**
 * @brief A stream begins; its first frame has index 0.
 *
 * @param sample_rate Hz, of each channel
 * @param channels    1 to 3
 * @param scale       physical units a digit, for the desk's files
 */
void tocsin_link_record_begin(struct tocsin_link_record *record, uint32_t sample_rate,
			      uint32_t channels, float scale, uint32_t now);

/** @brief The stream's next @p frames frames, interleaved; copied, if recorded. */
void tocsin_link_record_write(struct tocsin_link_record *record, const int16_t *samples,
			      size_t frames);

/** @brief The source has lost the stream's next @p frames frames. */
void tocsin_link_record_lost(struct tocsin_link_record *record, uint64_t frames);

/** @brief The stream is over. What is unacknowledged stays until the desk has it. */
void tocsin_link_record_end(struct tocsin_link_record *record);

/**
 * @brief Frames that can be written without a gap; SIZE_MAX where nothing is recorded, or the desk
 * has not been heard for TOCSIN_LINK_RECORD_PATIENCE_MS.
 */
size_t tocsin_link_record_space(const struct tocsin_link_record *record, uint32_t now);

/**
 * @brief Do what a desk asks: RECORD_START, RECORD_ACK or RECORD_STOP.
 *
 * @param message any message; its length and values are not trusted
 * @retval 0       done; a RECORD_STOP is to be answered so
 * @retval 1       done; a RECORD_START is to be answered by tocsin_link_record_state(), a
 *                 RECORD_ACK not at all
 * @retval -EINVAL malformed, or an index that was never sent
 * @retval -ENOENT RECORD_START: no stream runs
 * @retval -ESRCH  RECORD_ACK: another recording runs, or none
 * @retval -ENOSYS not a request of recordings
 */
int tocsin_link_record_request(struct tocsin_link_record *record,
			       const struct tocsin_link_message *message, uint32_t now);

/** @brief Write the payload of a RECORD_STATE. @return TOCSIN_LINK_RECORD_STATE_SIZE */
size_t tocsin_link_record_state(const struct tocsin_link_record *record, uint8_t *payload);

/**
 * @brief The next message to be sent; it counts as sent.
 *
 * @param type    filled with RECORD_STATE, RECORD_DATA, RECORD_GAP or RECORD_END
 * @param payload receives the message, TOCSIN_LINK_PAYLOAD_MAX bytes
 * @return bytes of the message, 0 where there is none now
 */
size_t tocsin_link_record_next(struct tocsin_link_record *record, uint32_t now, uint8_t *type,
			       uint8_t *payload);

/**
 * @brief Let go of a recording whose desk was not heard for TOCSIN_LINK_RECORD_KEEP_MS. To be asked
 * now and then, at least once in 2^31 ms, while tocsin_link_record_active().
 * @return whether there was one
 */
bool tocsin_link_record_forget_silent(struct tocsin_link_record *record, uint32_t now);

/** @brief Whether a recording is wanted, so that tocsin_link_record_next() is worth asking. */
static inline bool tocsin_link_record_active(const struct tocsin_link_record *record)
{
	return record->phase != TOCSIN_LINK_RECORD_IDLE;
}

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_LINK_RECORD_H_ */
