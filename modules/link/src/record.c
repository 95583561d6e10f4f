/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Go-back-N: everything after the desk's acknowledgement is still in the ring, so what got lost is
 * sent again by setting `sent` back. The reader of the ring stands at `held`, where the desk's
 * acknowledgement does; messages are read ahead of it by peeking. A gap cannot be peeked across: it
 * is told, and the ring is read on once the desk has acknowledged it, a round trip for each gap.
 *
 * Always: base <= held <= sent <= high.
 */

#include <errno.h>
#include <string.h>

#include <tocsin/link_record.h>

#define FRAME_BYTES(record) ((record)->recorded.channels * sizeof(int16_t))

static bool is_memory(const void *mem, size_t size)
{
	return mem != NULL && size >= 2 * 3 * sizeof(int16_t) &&
	       (uintptr_t)mem % _Alignof(int16_t) == 0;
}

int tocsin_link_record_init(struct tocsin_link_record *record, void *mem, size_t size)
{
	if (record == NULL || !is_memory(mem, size)) {
		return -EINVAL;
	}
	memset(record, 0, sizeof(*record));
	record->mem = mem;
	record->size = size;
	return 0;
}

int tocsin_link_record_use(struct tocsin_link_record *record, void *mem, size_t size)
{
	if (record == NULL || !is_memory(mem, size)) {
		return -EINVAL;
	}
	if (record->streaming) {
		return -EBUSY;
	}
	if (record->phase == TOCSIN_LINK_RECORD_ENDED) {
		record->phase = TOCSIN_LINK_RECORD_IDLE;
	}
	record->mem = mem;
	record->size = size;
	return 0;
}

/* Record from the stream's next frame on. */
static void start(struct tocsin_link_record *record, uint32_t now)
{
	const uint32_t channels = record->stream.channels;
	uint32_t capacity = 2;
	size_t needed;

	record->recorded = record->stream;
	/* 0 where it would be more than a ring can hold. */
	while ((needed = tocsin_ring_needed_size(capacity * 2, channels)) != 0 &&
	       needed <= record->size) {
		capacity *= 2;
	}
	/* Its arguments are right by now. */
	(void)tocsin_ring_init(&record->ring, capacity, channels, record->mem, record->size);
	record->capacity = capacity;
	record->phase = TOCSIN_LINK_RECORD_RUNNING;
	record->state_due = false;
	record->first = record->position;
	record->base = record->position;
	record->held = record->position;
	record->sent = record->position;
	record->high = record->position;
	record->gap_told = false;
	record->end_told = false;
	record->probing = false;
	record->full = false;
	record->told = now;
	record->heard = now;
	record->alive = now;
	record->pending_reason = 0;
	record->gaps_made = 0;
	record->gaps_crossed = 0;
}

void tocsin_link_record_begin(struct tocsin_link_record *record, uint32_t sample_rate,
			      uint32_t channels, float scale, uint32_t now)
{
	record->streaming = true;
	record->stream.number++;
	record->stream.sample_rate = sample_rate;
	record->stream.channels = channels;
	record->stream.scale = scale;
	record->position = 0;
	if (record->phase == TOCSIN_LINK_RECORD_ARMED) {
		start(record, now);
		record->state_due = true;
	}
}

static void leave_out(struct tocsin_link_record *record, uint64_t frames,
		      enum tocsin_link_gap_reason reason)
{
	if (frames > 0) {
		tocsin_ring_skip(&record->ring, frames);
		record->pending_reason |= (uint8_t)reason;
	}
}

/* The first sample stored after a gap publishes the gap. */
static void settle_reason(struct tocsin_link_record *record)
{
	if (record->pending_reason != 0) {
		record->reasons[record->gaps_made % TOCSIN_RING_GAPS] = record->pending_reason;
		record->gaps_made++;
		record->pending_reason = 0;
	}
}

static void store(struct tocsin_link_record *record, const int16_t *samples, size_t frames)
{
	size_t stored = tocsin_ring_space(&record->ring);

	/* After an overflow half of the buffer must be free again: a few long pieces are worth more
	 * to whoever trains on them than many short ones with as many samples. */
	if (record->full && tocsin_ring_fill(&record->ring) <= record->capacity / 2) {
		record->full = false;
	}
	stored = record->full ? 0 : stored < frames ? stored : frames;
	if (stored > 0) {
		settle_reason(record);
		(void)tocsin_ring_write(&record->ring, samples, stored);
	}
	if (stored < frames) {
		record->full = true;
		leave_out(record, frames - stored, TOCSIN_LINK_GAP_BUFFER);
	}
}

void tocsin_link_record_write(struct tocsin_link_record *record, const int16_t *samples,
			      size_t frames)
{
	if (record->phase == TOCSIN_LINK_RECORD_RUNNING) {
		store(record, samples, frames);
	}
	record->position += frames;
}

void tocsin_link_record_lost(struct tocsin_link_record *record, uint64_t frames)
{
	if (record->phase == TOCSIN_LINK_RECORD_RUNNING) {
		leave_out(record, frames, TOCSIN_LINK_GAP_SOURCE);
	}
	record->position += frames;
}

void tocsin_link_record_end(struct tocsin_link_record *record)
{
	if (record->phase == TOCSIN_LINK_RECORD_RUNNING) {
		record->phase = TOCSIN_LINK_RECORD_ENDED;
		record->total = record->position;
	}
	record->streaming = false;
}

static uint32_t silence(const struct tocsin_link_record *record, uint32_t now)
{
	return now - record->alive;
}

size_t tocsin_link_record_space(const struct tocsin_link_record *record, uint32_t now)
{
	if (record->phase != TOCSIN_LINK_RECORD_RUNNING ||
	    silence(record, now) >= TOCSIN_LINK_RECORD_PATIENCE_MS) {
		return SIZE_MAX;
	}
	return record->full && tocsin_ring_fill(&record->ring) > record->capacity / 2
		       ? 0
		       : tocsin_ring_space(&record->ring);
}

static void go_back(struct tocsin_link_record *record)
{
	record->sent = record->held;
	record->gap_told = false;
	record->end_told = false;
}

/* Takes what lies before `index` out of the ring. */
static void take_out(struct tocsin_link_record *record, uint64_t index)
{
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;

	while (record->held < index) {
		const size_t fill = tocsin_ring_fill(&record->ring);
		const uint64_t wanted = index - record->held;
		const size_t count = wanted < fill ? (size_t)wanted : fill;
		const int ret = tocsin_ring_peek(&record->ring, count > 0 ? count : 1, &view, &gap);

		if (ret == -EPIPE && record->base + gap.index == record->held) {
			if (index < record->held + gap.count) {
				return; /* in the midst of a gap: not yet behind it */
			}
			(void)tocsin_ring_cross_gap(&record->ring, NULL);
			record->gaps_crossed++;
			record->held += gap.count;
		} else if (ret == -EPIPE) {
			(void)tocsin_ring_advance(
				&record->ring, (size_t)(record->base + gap.index - record->held));
			record->held = record->base + gap.index;
		} else if (ret == 0) {
			(void)tocsin_ring_advance(&record->ring, count);
			record->held += count;
		} else if (index == record->total) {
			record->held = index; /* behind a gap at the stream's end */
		} else {
			return;
		}
	}
}

/* The desk has everything before `index`, which was sent. */
static void let_go(struct tocsin_link_record *record, uint64_t index, uint32_t now)
{
	const uint64_t before = record->held;

	take_out(record, index);
	if (record->held > before) {
		record->heard = now;
		record->probing = false;
	}
	if (record->held >= record->sent) {
		record->sent = record->held;
		record->gap_told = false;
	}
}

static int on_ack(struct tocsin_link_record *record, const uint8_t *payload, size_t size,
		  uint32_t now)
{
	uint64_t index;

	if (size < 16) {
		return -EINVAL;
	}
	if (tocsin_link_get32(payload) != record->id || record->phase == TOCSIN_LINK_RECORD_IDLE) {
		return -ESRCH;
	}
	record->alive = now;
	if (record->phase == TOCSIN_LINK_RECORD_ARMED) {
		return 1;
	}
	index = tocsin_link_get64(payload + 4);
	if (index > record->high) {
		return -EINVAL;
	}
	let_go(record, index, now);
	/* A request to go back that comes late asks for what is there by now. */
	if ((tocsin_link_get32(payload + 12) & TOCSIN_LINK_RECORD_AGAIN) != 0 &&
	    index == record->held) {
		go_back(record);
	}
	return 1;
}

static int on_start(struct tocsin_link_record *record, const uint8_t *payload, size_t size,
		    uint32_t now)
{
	uint32_t id;
	uint32_t previous;
	uint64_t index;
	bool later;

	if (size < 20 || tocsin_link_get32(payload) == 0) {
		return -EINVAL;
	}
	id = tocsin_link_get32(payload);
	previous = tocsin_link_get32(payload + 4);
	index = tocsin_link_get64(payload + 8);
	later = (tocsin_link_get32(payload + 16) & TOCSIN_LINK_RECORD_NEXT_STREAM) != 0;

	if (record->phase != TOCSIN_LINK_RECORD_IDLE && id == record->id) {
		record->alive = now;
		return 1; /* asked again: the answer was lost */
	}
	if (record->phase != TOCSIN_LINK_RECORD_IDLE && previous != 0 && previous == record->id) {
		record->id = id;
		record->continued = true;
		record->alive = now;
		if (record->phase != TOCSIN_LINK_RECORD_ARMED) {
			if (index <= record->high) {
				let_go(record, index, now);
			}
			record->first = record->held;
			record->probing = false;
			go_back(record);
		}
		return 1;
	}
	if (!later && !record->streaming) {
		return -ENOENT;
	}
	record->id = id;
	record->continued = false;
	if (later) {
		record->phase = TOCSIN_LINK_RECORD_ARMED;
		record->alive = now;
	} else {
		start(record, now);
	}
	return 1;
}

static int on_stop(struct tocsin_link_record *record, const uint8_t *payload, size_t size)
{
	if (size < 4) {
		return -EINVAL;
	}
	/* Not the recording of a desk that has come since. */
	if (tocsin_link_get32(payload) == record->id) {
		record->phase = TOCSIN_LINK_RECORD_IDLE;
	}
	return 0;
}

int tocsin_link_record_request(struct tocsin_link_record *record,
			       const struct tocsin_link_message *message, uint32_t now)
{
	switch (message->type) {
	case TOCSIN_LINK_RECORD_START:
		return on_start(record, message->payload, message->size, now);
	case TOCSIN_LINK_RECORD_ACK:
		return on_ack(record, message->payload, message->size, now);
	case TOCSIN_LINK_RECORD_STOP:
		return on_stop(record, message->payload, message->size);
	default:
		return -ENOSYS;
	}
}

size_t tocsin_link_record_state(const struct tocsin_link_record *record, uint8_t *payload)
{
	const bool armed = record->phase == TOCSIN_LINK_RECORD_ARMED;
	const struct tocsin_link_record_stream *stream =
		armed ? &record->stream : &record->recorded;
	uint8_t *p = tocsin_link_put32(payload, record->id);

	p = tocsin_link_put32(p, (record->continued ? 1u : 0u) | (armed ? 2u : 0u));
	p = tocsin_link_put64(p, armed ? 0 : record->first);
	p = tocsin_link_put32(p, stream->sample_rate);
	p = tocsin_link_put32(p, stream->channels);
	p = tocsin_link_putf(p, stream->scale);
	p = tocsin_link_put32(p, stream->number);
	return (size_t)(p - payload);
}

static void sent_up_to(struct tocsin_link_record *record, uint64_t index, uint32_t now)
{
	if (record->sent == record->held) {
		record->heard = now; /* the wait for an answer begins */
	}
	record->sent = index;
	if (record->sent > record->high) {
		record->high = record->sent;
	}
	record->told = now;
}

static size_t put_gap(struct tocsin_link_record *record, uint64_t count, uint8_t reason,
		      uint32_t now, uint8_t *type, uint8_t *payload)
{
	uint8_t *p = tocsin_link_put32(payload, record->id);

	p = tocsin_link_put64(p, record->sent);
	p = tocsin_link_put64(p, count);
	p = tocsin_link_put32(p, reason);
	*type = TOCSIN_LINK_RECORD_GAP;
	sent_up_to(record, record->sent + count, now);
	record->gap_told = true;
	return (size_t)(p - payload);
}

/* @p count frames that lie @p offset frames into the view. */
static size_t put_data(struct tocsin_link_record *record, const struct tocsin_ring_view *view,
		       size_t offset, size_t count, uint32_t now, uint8_t *type, uint8_t *payload)
{
	const uint32_t channels = record->recorded.channels;
	uint8_t *p = tocsin_link_put64(tocsin_link_put32(payload, record->id), record->sent);

	for (size_t frame = offset; frame < offset + count; frame++) {
		const int16_t *from = frame < view->count[0]
					      ? &view->part[0][frame * channels]
					      : &view->part[1][(frame - view->count[0]) * channels];

		for (uint32_t c = 0; c < channels; c++) {
			p = tocsin_link_put16(p, (uint16_t)from[c]);
		}
	}
	*type = TOCSIN_LINK_RECORD_DATA;
	sent_up_to(record, record->sent + count, now);
	return (size_t)(p - payload);
}

/* Behind the last sample of a stream that is over. */
static size_t finish(struct tocsin_link_record *record, uint32_t now, uint8_t *type,
		     uint8_t *payload)
{
	if (record->sent < record->total) {
		return put_gap(record, record->total - record->sent, record->pending_reason, now,
			       type, payload);
	}
	if (record->held < record->total) {
		return 0;
	}
	(void)tocsin_link_put64(tocsin_link_put32(payload, record->id), record->total);
	*type = TOCSIN_LINK_RECORD_END;
	record->end_told = true;
	record->told = now;
	record->heard = now;
	return 12;
}

/* What comes next at `sent`. */
static size_t compose(struct tocsin_link_record *record, uint32_t now, uint8_t *type,
		      uint8_t *payload)
{
	const size_t most =
		(TOCSIN_LINK_PAYLOAD_MAX - TOCSIN_LINK_RECORD_HEADER) / FRAME_BYTES(record);
	const size_t offset = (size_t)(record->sent - record->held);
	const size_t ready = tocsin_ring_fill(&record->ring) - offset;
	size_t count = ready < most ? ready : most;
	bool whole = count == most || record->phase == TOCSIN_LINK_RECORD_ENDED ||
		     (uint32_t)(now - record->told) >= TOCSIN_LINK_RECORD_FLUSH_MS;
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;
	int ret = tocsin_ring_peek(&record->ring, offset + (count > 0 ? count : 1), &view, &gap);

	if (ret == -EPIPE) {
		count = (size_t)(record->base + gap.index - record->sent);
		if (count == 0) {
			return put_gap(record, gap.count,
				       record->reasons[record->gaps_crossed % TOCSIN_RING_GAPS],
				       now, type, payload);
		}
		whole = true;
		ret = tocsin_ring_peek(&record->ring, offset + count, &view, &gap);
	}
	if (count == 0) {
		return record->phase == TOCSIN_LINK_RECORD_ENDED
			       ? finish(record, now, type, payload)
			       : 0;
	}
	return ret == 0 && whole ? put_data(record, &view, offset, count, now, type, payload) : 0;
}

size_t tocsin_link_record_next(struct tocsin_link_record *record, uint32_t now, uint8_t *type,
			       uint8_t *payload)
{
	uint64_t window;

	if ((record->phase != TOCSIN_LINK_RECORD_RUNNING &&
	     record->phase != TOCSIN_LINK_RECORD_ENDED) ||
	    silence(record, now) >= TOCSIN_LINK_RECORD_PATIENCE_MS) {
		return 0;
	}
	if (record->state_due) {
		record->state_due = false;
		*type = TOCSIN_LINK_RECORD_STATE;
		return tocsin_link_record_state(record, payload);
	}
	if ((record->sent > record->held || record->end_told) &&
	    (uint32_t)(now - record->heard) >= TOCSIN_LINK_RECORD_RETRY_MS) {
		/* Perhaps nobody is there: not all of it again and again. */
		record->probing = true;
		go_back(record);
	}
	window = record->probing ? 1 : TOCSIN_LINK_RECORD_WINDOW;
	window *= (TOCSIN_LINK_PAYLOAD_MAX - TOCSIN_LINK_RECORD_HEADER) / FRAME_BYTES(record);
	if (record->gap_told || record->end_told || record->sent - record->held >= window) {
		return 0;
	}
	return compose(record, now, type, payload);
}

bool tocsin_link_record_forget_silent(struct tocsin_link_record *record, uint32_t now)
{
	if (record->phase == TOCSIN_LINK_RECORD_IDLE ||
	    silence(record, now) < TOCSIN_LINK_RECORD_KEEP_MS) {
		return false;
	}
	record->phase = TOCSIN_LINK_RECORD_IDLE;
	return true;
}
