/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* What a desk is told. Layouts: docs/reference/link.md. */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/atomic.h>

#include <tocsin/link_uart.h>

#include "app_version.h"
#include "bundles/store.h"
#include "host/host.h"
#include "host/recorder.h"
#include "measure/load.h"
#include "measure/stats.h"
#include "measure/stopwatch.h"
#include "pipeline/pipeline.h"
#include "sensor/sensor.h"

/* A recording's report waits for the wire, but not for a desk that has gone away: when one has
 * waited in vain, the others do not until the desk is heard again, or the wire takes something. */
#define REPLAY_PATIENCE K_SECONDS(5)
#define ANSWER_PATIENCE K_MSEC(500)

static atomic_t subscribed;
static atomic_t given_up; /* on the desk */
static atomic_t last;     /* milliseconds of k_uptime_get_32(): when the desk was heard */

void desk_heard(void)
{
	atomic_set(&last, (atomic_val_t)k_uptime_get_32());
	atomic_set(&given_up, 0);
}

/* How long a report waits for the wire. */
static k_timeout_t patience_of(bool replay)
{
	return replay && atomic_get(&given_up) == 0 ? REPLAY_PATIENCE : K_NO_WAIT;
}

/* A report of a recording was sent, or not. */
static void note_sent(bool replay, bool sent)
{
	if (replay) {
		atomic_set(&given_up, !sent);
	}
}

static void send_report(bool replay, enum tocsin_link_type type, const uint8_t *payload,
			const uint8_t *end)
{
	note_sent(replay, tocsin_link_send((uint8_t)type, payload, (size_t)(end - payload),
					   patience_of(replay)) == 0);
}

void desk_subscribe(uint32_t reports)
{
	atomic_set(&subscribed, (atomic_val_t)reports);
}

static bool wanted(enum tocsin_link_report report)
{
	return (atomic_get(&subscribed) & (atomic_val_t)report) != 0;
}

/* What an errno means for one request, or for any (0), where tocsin_link_result_of() would say
 * something else or nothing in words. The first that fits. */
static const struct {
	uint8_t request;
	uint8_t result;
	int16_t err;
	const char *text;
} meanings[] = {
	{TOCSIN_LINK_REPLAY_START, TOCSIN_LINK_WRONG_FORMAT, -EDOM,
	 "rate or channels are not what the bundle was trained with"},
	{TOCSIN_LINK_REPLAY_START, TOCSIN_LINK_NO_DETECTOR, -ENOENT, "no bundle runs"},
	{TOCSIN_LINK_RECORD_START, TOCSIN_LINK_NO_DETECTOR, -ENOENT,
	 "no samples come: no bundle runs, or not on this sensor"},
	{TOCSIN_LINK_RECORD_START, TOCSIN_LINK_NOT_HERE, -ENOSYS, "CONFIG_TOCSIN_RECORD is off"},
	{TOCSIN_LINK_BUNDLE_BEGIN, TOCSIN_LINK_TOO_LARGE, -EFBIG,
	 "larger than this image's slots for bundles"},
	{TOCSIN_LINK_BUNDLE_BEGIN, TOCSIN_LINK_NOT_HERE, -ENOSYS,
	 "CONFIG_TOCSIN_BUNDLE_SLOT_SIZE is 0"},
	{TOCSIN_LINK_BUNDLE_BEGIN, TOCSIN_LINK_BUSY, -EBUSY,
	 "the bundle sent before is still being looked at"},
	{TOCSIN_LINK_BUNDLE_BEGIN, TOCSIN_LINK_FAILED, -EIO, "the flash cannot be erased"},
	{TOCSIN_LINK_BUNDLE_DATA, TOCSIN_LINK_BAD_REQUEST, -EPIPE, "no upload is under way"},
	{TOCSIN_LINK_BUNDLE_DATA, TOCSIN_LINK_BAD_REQUEST, -ESPIPE,
	 "a piece before it is missing, or it is too long"},
	{TOCSIN_LINK_BUNDLE_DATA, TOCSIN_LINK_FAILED, -EIO, "the flash cannot be written"},
	{TOCSIN_LINK_BUNDLE_COMMIT, TOCSIN_LINK_BAD_REQUEST, -EPIPE, "no upload is under way"},
	{TOCSIN_LINK_BUNDLE_COMMIT, TOCSIN_LINK_BAD_REQUEST, -EMSGSIZE,
	 "data is missing of what BUNDLE_BEGIN has announced"},
	{TOCSIN_LINK_BUNDLE_COMMIT, TOCSIN_LINK_TOO_LARGE, -ENOMEM,
	 "needs more than CONFIG_TOCSIN_POOL_SIZE; the log has the numbers"},
	{TOCSIN_LINK_BUNDLE_COMMIT, TOCSIN_LINK_UNSUPPORTED_MODEL, -ENOSYS,
	 "the network needs what this image lacks; the log says what"},
	{TOCSIN_LINK_BUNDLE_COMMIT, TOCSIN_LINK_MALFORMED, -EDOM,
	 "the network's input or output is not what the bundle says"},
	{0, TOCSIN_LINK_BUSY, -EBUSY, "other requests still wait: ask again"},
	{0, TOCSIN_LINK_BAD_REQUEST, -EPIPE, "no replay runs, or its end has been told"},
	{0, TOCSIN_LINK_BAD_REQUEST, -ERANGE, "no recording has so many frames"},
	{0, TOCSIN_LINK_WRONG_VERSION, -EPROTONOSUPPORT,
	 "this firmware speaks version " STRINGIFY(TOCSIN_LINK_MAJOR) " of the link"},
	};

static const char *meaning(enum tocsin_link_type request, int err, uint8_t *result)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if ((meanings[i].request == request || meanings[i].request == 0) &&
		    meanings[i].err == err) {
			*result = meanings[i].result;
			return meanings[i].text;
		}
	}
	*result = (uint8_t)tocsin_link_result_of(err);
	if (err == -EINVAL) {
		return "malformed";
	}
	return request == TOCSIN_LINK_BUNDLE_COMMIT && err != 0 ? tocsin_bundle_strerror(err) : "";
}

void desk_send_result(enum tocsin_link_type request, int err)
{
	uint8_t payload[80] = {(uint8_t)request};
	const char *text = meaning(request, err, &payload[1]);
	const size_t length = MIN(strlen(text), sizeof(payload) - 2);

	memcpy(&payload[2], text, length);
	/* Samples that nobody wants may be many: they must not keep the link's thread from an
	 * ABORT. */
	(void)tocsin_link_send(TOCSIN_LINK_RESULT, payload, 2 + length,
			       request == TOCSIN_LINK_SAMPLES ? K_NO_WAIT : ANSWER_PATIENCE);
}

static uint8_t *put_string(uint8_t *to, const char *text)
{
	const size_t size = strlen(text) + 1;

	memcpy(to, text, size);
	return to + size;
}

void desk_send_info(void)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);
	uint8_t payload[160];
	uint8_t *p = payload;
	struct pipeline_bundle bundle;
	const bool ready = pipeline_describe(&bundle) == 0;

	BUILD_ASSERT(44 + sizeof(CONFIG_BOARD_TARGET) + sizeof(APP_VERSION_STRING) <=
		     sizeof(payload));
	p = tocsin_link_put16(p, TOCSIN_LINK_MAJOR);
	p = tocsin_link_put16(p, TOCSIN_LINK_MINOR);
	p = tocsin_link_put32(p, ready ? bundle.crc : 0);
	p = tocsin_link_put32(p, TOCSIN_DSP_VERSION);
	*p++ = ready ? (uint8_t)bundle.sensor : 0;
	*p++ = ready ? (uint8_t)bundle.kind : 0;
	*p++ = ready ? (uint8_t)bundle.channels : 0;
	*p++ = !state->run ? 0 : state->replay ? 2 : 1;
	p = tocsin_link_put32(p, ready ? bundle.sample_rate : 0);
	p = tocsin_link_put32(p, ready ? bundle.dim : 0);
	p = tocsin_link_put32(p, (uint32_t)store_capacity());
	p = tocsin_link_put32(p, PLAN_MOST);
	p = tocsin_link_put32(p, TOCSIN_LINK_PAYLOAD_MAX);
	p = put_string(p, CONFIG_BOARD_TARGET);
	p = put_string(p, APP_VERSION_STRING);
	p = tocsin_link_put32(p, (uint32_t)recorder_buffer());
	(void)tocsin_link_send(TOCSIN_LINK_INFO, payload, (size_t)(p - payload), ANSWER_PATIENCE);
}

/* Where the threads go: behind the rest of STATUS, as far as there is room. */
struct thread_list {
	uint8_t *count;
	uint8_t *at;
	const uint8_t *end;
};

static void put_thread(const struct load_thread *thread, void *user_data)
{
	struct thread_list *list = user_data;

	if ((size_t)(list->end - list->at) < 4 + strlen(thread->name) + 1) {
		return;
	}
	list->at = tocsin_link_put16(list->at, (uint16_t)MIN(thread->size, UINT16_MAX));
	list->at = tocsin_link_put16(list->at, (uint16_t)MIN(thread->used, UINT16_MAX));
	list->at = put_string(list->at, thread->name);
	(*list->count)++;
}

static uint8_t *put_sensor(uint8_t *p)
{
	struct sensor_state sensor;

	sensor_get(&sensor);
	p = tocsin_link_put32(p, (uint32_t)sensor.condition);
	p = tocsin_link_put64(p, sensor.since);
	p = tocsin_link_put32(p, sensor.faults);
	p = tocsin_link_put32(p, sensor.restarts);
	return tocsin_link_put32(p, sensor.rate_millihertz);
}

static uint8_t *put_stream(uint8_t *p)
{
	const struct stats_stream stream = stats_stream_get();

	p = tocsin_link_put64(p, stream.frames);
	p = tocsin_link_put64(p, stream.slept);
	p = tocsin_link_put64(p, stream.elapsed_us);
	p = tocsin_link_put32(p, stream.fill);
	p = tocsin_link_put32(p, stream.fill_max);
	return tocsin_link_put32(p, stream.capacity);
}

static uint8_t *put_time(uint8_t *p, const struct stats_time *time)
{
	p = tocsin_link_put32(p, time->count);
	p = tocsin_link_put32(p, stopwatch_us(time->min));
	p = tocsin_link_put32(p, stopwatch_us(time->mean));
	return tocsin_link_put32(p, stopwatch_us(time->max));
}

/* What version 1.1 of the link has added. */
static uint8_t *put_more(uint8_t *p, const uint8_t *end)
{
	const struct stats_time latency = stats_time_get(STATS_LATENCY);
	const struct load load = load_get();
	struct thread_list list = {.end = end};

	p = tocsin_link_put32(p, stats_get(STATS_SKIPPED));
	p = put_sensor(p);
	p = put_stream(p);
	p = tocsin_link_put32(p, load.recent);
	p = tocsin_link_put32(p, load.boot);
	p = put_time(p, &latency);
	for (int i = 0; i < STATS_STAGES; i++) {
		p = tocsin_link_put32(p, stats_time_get((enum stats_stage)i).misses);
	}
	list.count = p;
	*p = 0;
	list.at = p + 1;
	load_foreach_thread(put_thread, &list);
	return list.at;
}

/* What version 1.2 has added: the times as they were taken, since a microsecond is coarse. */
#define CYCLES_SIZE (4 * (1 + 3 * STATS_STAGES))

static uint8_t *put_cycles(uint8_t *p)
{
	p = tocsin_link_put32(p, stopwatch_hz());
	for (int i = 0; i < STATS_STAGES; i++) {
		const struct stats_time time = stats_time_get((enum stats_stage)i);

		p = tocsin_link_put32(p, time.min);
		p = tocsin_link_put32(p, time.mean);
		p = tocsin_link_put32(p, time.max);
	}
	return p;
}

/* In the link's thread. */
void desk_send_status(void)
{
	uint8_t *const payload = tocsin_link_claim(ANSWER_PATIENCE);
	struct tocsin_link_stats link;
	uint8_t *p;

	if (payload == NULL) {
		return;
	}
	p = tocsin_link_put32(payload, (uint32_t)(k_uptime_get() / 1000));
	for (int i = 0; i < STATS_SKIPPED; i++) { /* as in version 1.0 */
		p = tocsin_link_put32(p, stats_get((enum stats_counter)i));
	}
	tocsin_link_stats_get(&link);
	p = tocsin_link_put32(p, link.received);
	p = tocsin_link_put32(p, link.bad);
	p = tocsin_link_put32(p, link.missed);
	p = tocsin_link_put32(p, link.full);
	p = tocsin_link_put32(p, link.sent);
	p = tocsin_link_put32(p, link.unsent);
	for (int i = 0; i < STATS_LATENCY; i++) { /* likewise */
		const struct stats_time time = stats_time_get((enum stats_stage)i);

		p = put_time(p, &time);
	}
	p = put_more(p, payload + TOCSIN_LINK_PAYLOAD_MAX - 3 - CYCLES_SIZE);
	while ((p - payload) % 4 != 0) {
		*p++ = 0; /* desks of version 1.0 read STATUS as whole words */
	}
	p = put_cycles(p);
	tocsin_link_commit(TOCSIN_LINK_STATUS, (size_t)(p - payload));
}

/* Values of a vector that go into one message, after its header. */
#define VECTOR_HEADER 20
#define VECTOR_CHUNK  ((TOCSIN_LINK_PAYLOAD_MAX - VECTOR_HEADER) / 4)

/* In features' thread, while the slot is still its own. */
static void vector_made(const struct zbus_channel *channel)
{
	const struct stream_state *state = zbus_chan_const_msg(&stream_chan);
	const struct item *item = zbus_chan_const_msg(channel);
	const uint32_t dim = pipeline.bundle.score.dim;

	if (item->kind != ITEM_VECTOR || !wanted(TOCSIN_LINK_REPORT_VECTORS)) {
		return;
	}
	for (uint32_t at = 0; at < dim; at += VECTOR_CHUNK) {
		const uint32_t n = MIN(dim - at, VECTOR_CHUNK);
		uint8_t *const payload = tocsin_link_claim(patience_of(state->replay));
		uint8_t *p;

		note_sent(state->replay, payload != NULL);
		if (payload == NULL) {
			continue; /* counted, piece by piece */
		}
		p = tocsin_link_put64(payload, item->window.begin);
		p = tocsin_link_put64(p, item->window.end);
		p = tocsin_link_put16(p, (uint16_t)at);
		p = tocsin_link_put16(p, (uint16_t)dim);
		for (uint32_t i = 0; i < n; i++) {
			p = tocsin_link_putf(p, pipeline.slots[item->slot][at + i]);
		}
		tocsin_link_commit(TOCSIN_LINK_VECTOR, (size_t)(p - payload));
	}
}

ZBUS_LISTENER_DEFINE(desk_vector_listener, vector_made);

void desk_send_outcome(const struct outcome *outcome)
{
	uint8_t payload[32];
	uint8_t *p = payload;

	if (outcome->kind == OUTCOME_WINDOW && wanted(TOCSIN_LINK_REPORT_WINDOWS)) {
		p = tocsin_link_put64(p, outcome->window.at.begin);
		p = tocsin_link_put64(p, outcome->window.at.end);
		p = tocsin_link_putf(p, outcome->window.score);
		p = tocsin_link_putf(p, outcome->window.smoothed);
		p = tocsin_link_put32(
			p, (outcome->active ? TOCSIN_LINK_WINDOW_ALARM : 0) |
				   (outcome->window.fault ? TOCSIN_LINK_WINDOW_SENSOR_FAULT : 0));
		send_report(outcome->replay, TOCSIN_LINK_WINDOW, payload, p);
	} else if (outcome->kind == OUTCOME_EVENT && wanted(TOCSIN_LINK_REPORT_EVENTS)) {
		p = tocsin_link_put32(p, (uint32_t)outcome->event.kind);
		p = tocsin_link_putf(p, outcome->event.peak);
		p = tocsin_link_put64(p, outcome->event.begin);
		p = tocsin_link_put64(p, outcome->event.end);
		send_report(outcome->replay, TOCSIN_LINK_EVENT, payload, p);
	} else if (outcome->kind == OUTCOME_GAP && wanted(TOCSIN_LINK_REPORT_GAPS)) {
		p = tocsin_link_put64(p, outcome->gap.at.index);
		p = tocsin_link_put64(p, outcome->gap.at.count);
		if (outcome->gap.slept >
		    0) { /* a desk of version 1.0 wants no more than it knows */
			p = tocsin_link_put64(p, outcome->gap.slept);
		}
		send_report(outcome->replay, TOCSIN_LINK_GAP, payload, p);
	} else if (outcome->kind == OUTCOME_SENSOR && wanted(TOCSIN_LINK_REPORT_SENSOR)) {
		p = tocsin_link_put32(p, (uint32_t)outcome->sensor.condition);
		p = tocsin_link_put32(p, outcome->sensor.begins ? 1 : 0);
		p = tocsin_link_put64(p, outcome->sensor.index);
		send_report(outcome->replay, TOCSIN_LINK_SENSOR, payload, p);
	}
}

void desk_send_done(const struct desk_summary *summary)
{
	const uint32_t silence = k_uptime_get_32() - (uint32_t)atomic_get(&last);
	uint8_t payload[32];
	uint8_t *p = tocsin_link_put64(payload, summary->frames);

	p = tocsin_link_put64(p, summary->lost);
	p = tocsin_link_put32(p, summary->windows);
	p = tocsin_link_put32(p, summary->events);
	p = tocsin_link_put32(p, summary->gaps);
	p = tocsin_link_put32(p, (uint32_t)summary->why);
	send_report(true, TOCSIN_LINK_REPLAY_DONE, payload, p);
	if (summary->why == TOCSIN_LINK_REPLAY_SILENT && silence >= CONFIG_TOCSIN_DESK_TIMEOUT_MS) {
		desk_subscribe(0); /* nor does what it was told outlive it */
	}
}
