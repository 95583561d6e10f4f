/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/link.h>

static uint32_t random_state = 12345;

static uint8_t random_byte(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint8_t)(random_state >> 24);
}

/* Feeds bytes; the number of good frames, the last of them in @p message. */
static int feed(struct tocsin_link_decoder *decoder, const uint8_t *bytes, size_t size,
		struct tocsin_link_message *message)
{
	int frames = 0;

	for (size_t i = 0; i < size; i++) {
		frames += tocsin_link_decode(decoder, bytes[i], message) ? 1 : 0;
	}
	return frames;
}

/* Worked by hand: HELLO, sequence 5, payload 11 00 22; its CRC-32 is 0x0418a63c (zlib). */
static void test_known_frame(void **state)
{
	static const uint8_t payload[] = {0x11, 0x00, 0x22};
	static const uint8_t expected[] = {0x00, 0x04, 0x01, 0x05, 0x11, 0x06,
					   0x22, 0x3c, 0xa6, 0x18, 0x04, 0x00};
	uint8_t wire[TOCSIN_LINK_WIRE_MAX];
	size_t size = tocsin_link_encode(wire, sizeof(wire), TOCSIN_LINK_HELLO, 5, payload, 3);

	(void)state;
	assert_int_equal(size, sizeof(expected));
	assert_memory_equal(wire, expected, sizeof(expected));
}

static void round_trip(size_t length, int zeros)
{
	uint8_t payload[TOCSIN_LINK_PAYLOAD_MAX];
	uint8_t in_place[TOCSIN_LINK_WIRE_MAX];
	uint8_t wire[TOCSIN_LINK_WIRE_MAX];
	struct tocsin_link_decoder decoder;
	struct tocsin_link_message message;
	size_t size;

	for (size_t i = 0; i < length; i++) {
		payload[i] = zeros == 2 ? 0 : random_byte();
		payload[i] = zeros == 0 && payload[i] == 0 ? 1 : payload[i];
	}
	size = tocsin_link_encode(wire, sizeof(wire), 0xa0, (uint8_t)length, payload, length);
	assert_true(size > length);
	assert_int_equal(wire[0], 0);
	assert_null(memchr(&wire[1], 0, size - 2));
	assert_int_equal(wire[size - 1], 0);

	/* Stuffed where it lies, it is the same frame. */
	memcpy(&in_place[TOCSIN_LINK_WIRE_PAYLOAD], payload, length);
	assert_int_equal(tocsin_link_encode(in_place, sizeof(in_place), 0xa0, (uint8_t)length,
					    &in_place[TOCSIN_LINK_WIRE_PAYLOAD], length),
			 size);
	assert_memory_equal(in_place, wire, size);

	tocsin_link_decoder_init(&decoder);
	assert_int_equal(feed(&decoder, wire, size, &message), 1);
	assert_int_equal((uintptr_t)message.payload % 2, 0);
	assert_int_equal(message.type, 0xa0);
	assert_int_equal(message.sequence, (uint8_t)length);
	assert_int_equal(message.size, length);
	assert_memory_equal(message.payload, payload, length);
	assert_int_equal(decoder.bad, 0);
}

static void test_round_trips(void **state)
{
	(void)state;
	for (size_t length = 0; length <= TOCSIN_LINK_PAYLOAD_MAX; length++) {
		round_trip(length, 0);
		round_trip(length, 1);
		round_trip(length, 2);
	}
}

static void test_every_single_bit_error_is_refused(void **state)
{
	const uint8_t payload[] = "the tocsin sounds";
	uint8_t wire[64];
	size_t size = tocsin_link_encode(wire, sizeof(wire), 1, 0, payload, sizeof(payload));
	struct tocsin_link_decoder decoder;
	struct tocsin_link_message message;

	(void)state;
	for (size_t bit = 8; bit < (size - 1) * 8; bit++) {
		uint8_t damaged[64];

		memcpy(damaged, wire, size);
		damaged[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		tocsin_link_decoder_init(&decoder);
		assert_int_equal(feed(&decoder, damaged, size, &message), 0);
		assert_true(decoder.bad >= 1);
		/* And the next one is understood. */
		assert_int_equal(feed(&decoder, wire, size, &message), 1);
	}
}

static void test_garbage_is_survived_and_counted(void **state)
{
	static uint8_t garbage[100000];
	uint8_t wire[TOCSIN_LINK_WIRE_MAX];
	struct tocsin_link_decoder decoder;
	struct tocsin_link_message message;
	size_t size = tocsin_link_encode(wire, sizeof(wire), 1, 9, "x", 1);

	(void)state;
	tocsin_link_decoder_init(&decoder);
	for (size_t i = 0; i < sizeof(garbage); i++) {
		garbage[i] = random_byte();
	}
	assert_int_equal(feed(&decoder, garbage, sizeof(garbage), &message), 0);
	assert_true(decoder.bad > 100);
	assert_int_equal(feed(&decoder, wire, size, &message), 1);
	assert_int_equal(message.payload[0], 'x');

	/* A frame without an end is dropped as a whole, however long it grows. */
	memset(garbage, 0xff, sizeof(garbage));
	assert_int_equal(feed(&decoder, garbage, sizeof(garbage), &message), 0);
	assert_int_equal(feed(&decoder, wire, size, &message), 1);
}

static void test_missing_frames_are_counted(void **state)
{
	uint8_t wire[32];
	struct tocsin_link_decoder decoder;
	struct tocsin_link_message message;
	const uint8_t sequences[] = {250, 251, 254, 2};

	(void)state;
	tocsin_link_decoder_init(&decoder);
	for (size_t i = 0; i < sizeof(sequences); i++) {
		size_t size = tocsin_link_encode(wire, sizeof(wire), 1, sequences[i], NULL, 0);

		assert_int_equal(feed(&decoder, wire, size, &message), 1);
	}
	assert_int_equal(decoder.frames, 4);
	assert_int_equal(decoder.missed, 2 + 3);
}

static void test_encode_refuses(void **state)
{
	uint8_t wire[TOCSIN_LINK_WIRE_MAX];
	uint8_t payload[TOCSIN_LINK_PAYLOAD_MAX + 1] = {0};

	(void)state;
	assert_int_equal(tocsin_link_encode(wire, sizeof(wire), 1, 0, payload, sizeof(payload)), 0);
	assert_int_equal(tocsin_link_encode(wire, 10, 1, 0, payload, 2), 0);
	assert_int_equal(tocsin_link_encode(wire, 11, 1, 0, payload, 2), 11);
	assert_int_equal(tocsin_link_encode(wire, sizeof(wire), 1, 0, NULL, 1), 0);
	assert_int_equal(tocsin_link_encode(NULL, sizeof(wire), 1, 0, payload, 1), 0);
}

static void test_results(void **state)
{
	(void)state;
	assert_int_equal(tocsin_link_result_of(0), TOCSIN_LINK_OK);
	assert_int_equal(tocsin_link_result_of(-EBADMSG), TOCSIN_LINK_CORRUPT);
	assert_int_equal(tocsin_link_result_of(-EPROTO), TOCSIN_LINK_WRONG_FEATURES);
	assert_int_equal(tocsin_link_result_of(-12345), TOCSIN_LINK_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_frame),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_every_single_bit_error_is_refused),
		cmocka_unit_test(test_garbage_is_survived_and_counted),
		cmocka_unit_test(test_missing_frames_are_counted),
		cmocka_unit_test(test_encode_refuses),
		cmocka_unit_test(test_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
