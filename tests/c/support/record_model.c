/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include "record_model.h"

#define FRAMES_MOST 1024

static int16_t sample(uint32_t stream, uint64_t index, uint32_t channel)
{
	uint64_t x = (index * 3 + channel + 1) * UINT64_C(0x9E3779B97F4A7C15) + stream * 7919u;

	return (int16_t)(x >> 40);
}

static void begin_stream(struct record_model *model)
{
	model->stream++;
	model->position = 0;
	tocsin_link_record_begin(&model->record, 16000, model->channels, 1.0f, model->now);
}

void record_model_init(struct record_model *model, void *mem, size_t size, uint32_t channels)
{
	memset(model, 0, sizeof(*model));
	model->channels = channels;
	model->now = UINT32_MAX - 500; /* the clock wraps soon */
	(void)tocsin_link_record_init(&model->record, mem, size);
	begin_stream(model);
}

/* Frames of the source's losses within [index, index + count). */
static uint64_t lost_within(const struct record_model *model, uint64_t index, uint64_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < model->loss_count; i++) {
		const uint64_t end = model->losses[i].index + model->losses[i].count;
		const uint64_t from =
			model->losses[i].index > index ? model->losses[i].index : index;
		const uint64_t to = end < index + count ? end : index + count;

		sum += to > from ? to - from : 0;
	}
	return sum;
}

static const char *take_data(struct record_model *model, const uint8_t *payload, size_t size)
{
	const uint64_t index = tocsin_link_get64(payload + 4);
	const size_t bytes = size - TOCSIN_LINK_RECORD_HEADER;
	const size_t frames = bytes / (2 * model->channels);

	if (frames == 0 || bytes % (2 * model->channels) != 0) {
		return "length of RECORD_DATA";
	}
	for (size_t i = 0; i < frames * model->channels; i++) {
		const uint8_t *at = payload + TOCSIN_LINK_RECORD_HEADER + 2 * i;
		const int16_t expected = sample(model->heard, index + i / model->channels,
						(uint32_t)(i % model->channels));

		if ((int16_t)(at[0] | at[1] << 8) != expected) {
			return "sample";
		}
	}
	if (lost_within(model, index, frames) > 0) {
		return "sample that the source had lost";
	}
	if (index <= model->next && index + frames > model->next) {
		model->samples += index + frames - model->next;
		model->next = index + frames;
	}
	return NULL;
}

static const char *take_gap(struct record_model *model, const uint8_t *payload, size_t size)
{
	const uint64_t index = tocsin_link_get64(payload + 4);
	const uint64_t count = tocsin_link_get64(payload + 12);
	const uint32_t reason = tocsin_link_get32(payload + 20);
	const uint64_t lost = lost_within(model, index, count);

	if (size != 24 || count == 0 || reason == 0 || reason > 3) {
		return "RECORD_GAP";
	}
	if (((reason & TOCSIN_LINK_GAP_SOURCE) != 0) != (lost > 0)) {
		return "reason of a gap: source";
	}
	if (((reason & TOCSIN_LINK_GAP_BUFFER) != 0) != (lost < count)) {
		return "reason of a gap: buffer";
	}
	if (index == model->next) {
		model->missing += count;
		model->next += count;
	}
	return NULL;
}

static const char *take_state(struct record_model *model, const uint8_t *payload, size_t size)
{
	const uint32_t flags = tocsin_link_get32(payload + 4);
	const uint64_t first = tocsin_link_get64(payload + 8);

	if (size != TOCSIN_LINK_RECORD_STATE_SIZE ||
	    tocsin_link_get32(payload + 20) != model->channels) {
		return "RECORD_STATE";
	}
	if ((flags & 2) != 0) {
		return NULL;
	}
	if (!model->known) {
		model->known = true;
		model->heard = tocsin_link_get32(payload + 28);
		model->next = first;
	} else if (first > model->next) {
		return "taken up again behind where the desk is";
	}
	return NULL;
}

static const char *receive(struct record_model *model, uint8_t type, const uint8_t *payload,
			   size_t size)
{
	if (tocsin_link_get32(payload) != model->id) {
		return "number of the recording";
	}
	if (type == TOCSIN_LINK_RECORD_STATE) {
		return take_state(model, payload, size);
	}
	if (!model->known) {
		return NULL; /* not before it is known what it is of */
	}
	if (type == TOCSIN_LINK_RECORD_DATA) {
		return take_data(model, payload, size);
	}
	if (type == TOCSIN_LINK_RECORD_GAP) {
		return take_gap(model, payload, size);
	}
	if (type != TOCSIN_LINK_RECORD_END || size != 12 ||
	    tocsin_link_get64(payload + 4) != model->next || model->next != model->total) {
		return "RECORD_END";
	}
	model->over = true;
	return NULL;
}

static const char *invariants(const struct record_model *model)
{
	const struct tocsin_link_record *r = &model->record;

	return r->base <= r->held && r->held <= r->sent && r->sent <= r->high ? NULL : "order";
}

/* @p data need not outlive the call, and has exactly its size: a sanitiser sees who reads on. */
static int ask(struct record_model *model, uint8_t type, const uint8_t *payload, size_t size)
{
	const struct tocsin_link_message message = {.type = type, .payload = payload, .size = size};

	return tocsin_link_record_request(&model->record, &message, model->now);
}

static const char *start(struct record_model *model, uint32_t previous, uint32_t flags)
{
	uint8_t payload[20];
	uint8_t state[TOCSIN_LINK_RECORD_STATE_SIZE];
	uint8_t *p = tocsin_link_put32(payload, ++model->id);

	p = tocsin_link_put32(p, previous);
	p = tocsin_link_put64(p, model->next);
	(void)tocsin_link_put32(p, flags);
	if (ask(model, TOCSIN_LINK_RECORD_START, payload, sizeof(payload)) != 1) {
		return "RECORD_START";
	}
	if (previous == 0) {
		model->known = false;
		model->over = false;
		model->loss_count = 0;
	}
	return receive(model, TOCSIN_LINK_RECORD_STATE, state,
		       tocsin_link_record_state(&model->record, state));
}

static const char *answer(struct record_model *model, uint32_t id, uint64_t index, uint32_t flags)
{
	uint8_t payload[16];
	uint8_t *p = tocsin_link_put64(tocsin_link_put32(payload, id), index);
	int expected = 1;
	int ret;

	(void)tocsin_link_put32(p, flags);
	if (id != model->record.id || model->record.phase == TOCSIN_LINK_RECORD_IDLE) {
		expected = -ESRCH;
	} else if (model->record.phase != TOCSIN_LINK_RECORD_ARMED && index > model->record.high) {
		expected = -EINVAL;
	}
	ret = ask(model, TOCSIN_LINK_RECORD_ACK, payload, sizeof(payload));
	return ret == expected ? NULL : "answer to RECORD_ACK";
}

static const char *write_frames(struct record_model *model, uint32_t count)
{
	static int16_t samples[FRAMES_MOST * 3];

	count %= FRAMES_MOST + 1;
	for (uint32_t i = 0; i < count * model->channels; i++) {
		samples[i] = sample(model->stream, model->position + i / model->channels,
				    i % model->channels);
	}
	tocsin_link_record_write(&model->record, samples, count);
	model->position += count;
	return NULL;
}

static void lose(struct record_model *model, uint32_t count)
{
	if (model->loss_count == RECORD_MODEL_LOSSES) {
		return;
	}
	if (model->record.phase == TOCSIN_LINK_RECORD_RUNNING) {
		model->losses[model->loss_count].index = model->position;
		model->losses[model->loss_count].count = count;
		model->loss_count++;
	}
	tocsin_link_record_lost(&model->record, count);
	model->position += count;
}

static void end_stream(struct record_model *model)
{
	if (model->record.phase == TOCSIN_LINK_RECORD_RUNNING) {
		model->total = model->position;
	}
	tocsin_link_record_end(&model->record);
}

static const char *move(struct record_model *model, uint32_t count, bool drop)
{
	uint8_t payload[TOCSIN_LINK_PAYLOAD_MAX];
	const char *fault = NULL;
	uint8_t type;

	for (uint32_t i = 0; i < count && fault == NULL; i++) {
		const size_t size =
			tocsin_link_record_next(&model->record, model->now, &type, payload);

		if (size == 0) {
			break;
		}
		fault = drop ? NULL : receive(model, type, payload, size);
	}
	return fault;
}

static const char *do_step(struct record_model *model, enum record_operation operation,
			   uint32_t count)
{
	uint8_t stop[4];

	switch (operation) {
	case RECORD_WRITE:
		return write_frames(model, count);
	case RECORD_LOSE:
		lose(model, count);
		return NULL;
	case RECORD_PASS:
		model->now += count;
		return NULL;
	case RECORD_DELIVER:
		return move(model, count, false);
	case RECORD_DROP:
		return move(model, count, true);
	case RECORD_ANSWER:
		return model->known ? answer(model, model->id, model->next, count & 1) : NULL;
	case RECORD_START:
		return start(model, 0, count & 1);
	case RECORD_RESUME:
		if (model->record.phase == TOCSIN_LINK_RECORD_IDLE || model->id == 0) {
			return NULL;
		}
		return start(model, model->id, 0);
	case RECORD_STREAM:
		end_stream(model);
		begin_stream(model);
		return NULL;
	case RECORD_STOP:
		(void)tocsin_link_put32(stop, model->id);
		return ask(model, TOCSIN_LINK_RECORD_STOP, stop, 4) == 0 ? NULL : "RECORD_STOP";
	case RECORD_STALE:
		if (model->known && count % 3 == 0 && model->next >= count) {
			return answer(model, model->id, model->next - count, count & 1);
		}
		return answer(model, count % 3 == 1 ? model->id : model->id + 1, UINT64_MAX - count,
			      1);
	default:
		return NULL;
	}
}

const char *record_model_step(struct record_model *model, enum record_operation operation,
			      uint32_t count)
{
	const char *fault = do_step(model, operation, count);

	return fault != NULL ? fault : invariants(model);
}

const char *record_model_finish(struct record_model *model)
{
	const char *fault = NULL;

	if (model->record.phase == TOCSIN_LINK_RECORD_IDLE) {
		return NULL;
	}
	end_stream(model);
	if (model->record.phase == TOCSIN_LINK_RECORD_ARMED) {
		begin_stream(model);
		end_stream(model);
	}
	for (int round = 0; round < 100000 && fault == NULL && !model->over; round++) {
		fault = record_model_step(model, RECORD_DELIVER, 4);
		if (fault == NULL && !model->known) {
			uint8_t state[TOCSIN_LINK_RECORD_STATE_SIZE];

			fault = receive(model, TOCSIN_LINK_RECORD_STATE, state,
					tocsin_link_record_state(&model->record, state));
		}
		if (fault == NULL) {
			fault = record_model_step(model, RECORD_ANSWER, 0);
		}
		model->now += 50;
	}
	if (fault != NULL) {
		return fault;
	}
	return model->over && model->next == model->total ? NULL : "the end never came";
}
