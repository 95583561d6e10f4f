/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A device that hears anything at all. The bytes go through the decoder, and what frames are in
 * them to the recording, on memory of exactly their size; in between, a stream goes on and messages
 * are sent. Frames that the device sends must be understood by a decoder, and be what was sent.
 *
 * A fuzzer never guesses a CRC. Where the first byte is odd the rest is not the wire but a list of
 * messages, each a type, a length and a payload, which are put into frames here.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/link_record.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int16_t mem[256];
static struct tocsin_link_record record;
static struct tocsin_link_decoder device;
static struct tocsin_link_decoder desk;
static uint8_t sequence;
static uint32_t now;

/* Over a wire that does no harm. */
static void send(uint8_t type, const uint8_t *payload, size_t size)
{
	uint8_t wire[TOCSIN_LINK_WIRE_MAX];
	const size_t length =
		tocsin_link_encode(wire, sizeof(wire), type, sequence++, payload, size);
	struct tocsin_link_message message;
	int frames = 0;

	for (size_t i = 0; i < length; i++) {
		frames += tocsin_link_decode(&desk, wire[i], &message);
	}
	if (frames != 1 || message.type != type || message.size != size ||
	    memcmp(message.payload, payload, size) != 0) {
		abort();
	}
}

static void go_on(void)
{
	static const int16_t samples[32 * 3];
	uint8_t payload[TOCSIN_LINK_PAYLOAD_MAX];
	uint8_t type;
	size_t size;

	tocsin_link_record_write(&record, samples, 32);
	now += 10;
	for (int i = 0; i < 4; i++) {
		size = tocsin_link_record_next(&record, now, &type, payload);
		if (size > 0) {
			send(type, payload, size);
		}
	}
}

static void received(const struct tocsin_link_message *message)
{
	/* A copy of the exact size: the sanitiser sees who reads behind it. */
	uint8_t *payload = malloc(message->size > 0 ? message->size : 1);
	struct tocsin_link_message copy = *message;
	uint8_t state[TOCSIN_LINK_RECORD_STATE_SIZE];

	memcpy(payload, message->payload, message->size);
	copy.payload = payload;
	if (tocsin_link_record_request(&record, &copy, now) == 1 &&
	    copy.type == TOCSIN_LINK_RECORD_START) {
		send(TOCSIN_LINK_RECORD_STATE, state, tocsin_link_record_state(&record, state));
	}
	free(payload);
	if (record.base > record.held || record.held > record.sent || record.sent > record.high) {
		abort();
	}
	go_on();
}

static void hear(const uint8_t *bytes, size_t size)
{
	struct tocsin_link_message message;

	for (size_t i = 0; i < size; i++) {
		if (tocsin_link_decode(&device, bytes[i], &message)) {
			received(&message);
		}
	}
}

static void hear_messages(const uint8_t *data, size_t size)
{
	uint8_t wire[TOCSIN_LINK_WIRE_MAX];

	while (size >= 2) {
		size_t length = data[1] < size - 2 ? data[1] : size - 2;

		hear(wire, tocsin_link_encode(wire, sizeof(wire), data[0], 0, data + 2, length));
		data += 2 + length;
		size -= 2 + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	now = 0;
	tocsin_link_decoder_init(&device);
	tocsin_link_decoder_init(&desk);
	(void)tocsin_link_record_init(&record, mem, sizeof(mem));
	tocsin_link_record_begin(&record, 16000, 1 + data[0] / 2 % 3, 1.0f, now);
	if ((data[0] & 1) != 0) {
		hear_messages(data + 1, size - 1);
	} else {
		hear(data + 1, size - 1);
	}
	return 0;
}
