/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Consistent overhead byte stuffing (Cheshire and Baker, 1999): a code byte n stands for the n - 1
 * bytes that follow it and then a zero, except that 255 stands for 254 bytes and no zero, and that
 * the frame's last zero is left out.
 */

#include <stddef.h>
#include <string.h>

#include <tocsin/bundle.h>
#include <tocsin/link.h>

#define HEADER   2
#define CRC_SIZE 4

_Static_assert(offsetof(struct tocsin_link_decoder, data) % 2 == 0 && HEADER % 2 == 0,
	       "samples in a payload are read as they lie");
_Static_assert(TOCSIN_LINK_WIRE_PAYLOAD + TOCSIN_LINK_PAYLOAD_MAX <= TOCSIN_LINK_WIRE_MAX,
	       "a payload may lie in the frame's memory");

void tocsin_link_decoder_init(struct tocsin_link_decoder *decoder)
{
	memset(decoder, 0, sizeof(*decoder));
}

static void start_frame(struct tocsin_link_decoder *decoder)
{
	decoder->fill = 0;
	decoder->left = 0;
	decoder->zero_owed = false;
	decoder->skipping = false;
}

static void store(struct tocsin_link_decoder *decoder, uint8_t byte)
{
	if (decoder->fill == sizeof(decoder->data)) {
		decoder->skipping = true;
	} else {
		decoder->data[decoder->fill++] = byte;
	}
}

static void count_missed(struct tocsin_link_decoder *decoder, uint8_t sequence)
{
	if (decoder->synced) {
		decoder->missed += (uint8_t)(sequence - decoder->expected);
	}
	decoder->synced = true;
	decoder->expected = (uint8_t)(sequence + 1);
}

/* At a delimiter: whether what came before it is a good frame. */
static bool finish_frame(struct tocsin_link_decoder *decoder, struct tocsin_link_message *message)
{
	const size_t size = decoder->fill;

	if (size == 0 && !decoder->skipping && decoder->left == 0) {
		return false; /* two delimiters in a row */
	}
	if (decoder->skipping || decoder->left != 0 || size < HEADER + CRC_SIZE ||
	    tocsin_bundle_crc32(0, decoder->data, size - CRC_SIZE) !=
		    tocsin_link_get32(&decoder->data[size - CRC_SIZE])) {
		decoder->bad++;
		return false;
	}
	decoder->frames++;
	count_missed(decoder, decoder->data[1]);
	message->type = decoder->data[0];
	message->sequence = decoder->data[1];
	message->payload = &decoder->data[HEADER];
	message->size = size - HEADER - CRC_SIZE;
	return true;
}

bool tocsin_link_decode(struct tocsin_link_decoder *decoder, uint8_t byte,
			struct tocsin_link_message *message)
{
	if (byte == 0) {
		const bool good = finish_frame(decoder, message);

		start_frame(decoder);
		return good;
	}
	if (decoder->skipping) {
		return false;
	}
	if (decoder->left > 0) {
		decoder->left--;
		store(decoder, byte);
		return false;
	}
	/* A code byte: first the zero that the block before it stands for. */
	if (decoder->zero_owed) {
		store(decoder, 0);
	}
	decoder->left = byte - 1;
	decoder->zero_owed = byte != 0xff;
	return false;
}

/* Stuffs byte after byte into memory that is known to suffice. */
struct stuffer {
	uint8_t *wire;
	size_t fill;
	size_t code; /* where the open block's code byte stands */
};

static void stuff(struct stuffer *stuffer, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] != 0) {
			stuffer->wire[stuffer->fill++] = data[i];
		}
		if (data[i] == 0 || stuffer->fill - stuffer->code == 0xff) {
			stuffer->wire[stuffer->code] = (uint8_t)(stuffer->fill - stuffer->code);
			stuffer->code = stuffer->fill++;
		}
	}
}

size_t tocsin_link_encode(uint8_t *wire, size_t size, uint8_t type, uint8_t sequence,
			  const void *payload, size_t length)
{
	const size_t plain = HEADER + length + CRC_SIZE;
	const uint8_t header[HEADER] = {type, sequence};
	struct stuffer stuffer = {.wire = wire, .fill = 2, .code = 1};
	uint8_t crc[CRC_SIZE];
	uint32_t sum;

	if (wire == NULL || length > TOCSIN_LINK_PAYLOAD_MAX || (payload == NULL && length > 0) ||
	    size < plain + plain / 254 + 3) {
		return 0;
	}

	sum = tocsin_bundle_crc32(0, header, sizeof(header));
	sum = length > 0 ? tocsin_bundle_crc32(sum, payload, length) : sum;
	tocsin_link_put32(crc, sum);

	/* A delimiter in front, too: it ends whatever noise came before. */
	wire[0] = 0;
	stuff(&stuffer, header, sizeof(header));
	stuff(&stuffer, payload, length);
	stuff(&stuffer, crc, sizeof(crc));
	wire[stuffer.code] = (uint8_t)(stuffer.fill - stuffer.code);
	wire[stuffer.fill++] = 0;
	return stuffer.fill;
}
