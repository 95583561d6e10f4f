/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The transport on an emulated UART, whose other end the test holds. The protocol itself is tested
 * on the host: tests/c/test_link*.c.
 */

#include <errno.h>
#include <string.h>

#include <zephyr/drivers/serial/uart_emul.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include <tocsin/link_uart.h>

#define MANY 64 /* frames of a burst */

/* Worked by hand: HELLO, sequence 5, payload 11 00 22; its CRC-32 is 0x0418a63c (zlib). */
static const uint8_t hello[] = {0x00, 0x04, 0x01, 0x05, 0x11, 0x06,
				0x22, 0x3c, 0xa6, 0x18, 0x04, 0x00};

static const struct device *const wire = DEVICE_DT_GET(DT_CHOSEN(tocsin_link_uart));

/* What the link's thread was given. */
static K_SEM_DEFINE(received, 0, K_SEM_MAX_LIMIT);
static uint8_t last[TOCSIN_LINK_PAYLOAD_MAX];
static struct tocsin_link_message message;
static uint32_t in_order; /* messages whose payload begins with how many came before */
static k_timeout_t dawdle;

static void on_message(const struct tocsin_link_message *given)
{
	message = *given;
	memcpy(last, given->payload, given->size);
	in_order += given->size >= 4 && tocsin_link_get32(given->payload) == in_order;
	k_sleep(dawdle);
	k_sem_give(&received);
}

static void *setup(void)
{
	zassert_ok(tocsin_link_start(on_message));
	return NULL;
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	dawdle = K_NO_WAIT;
	in_order = 0;
	k_sem_reset(&received);
	(void)uart_emul_flush_tx_data(wire);
}

ZTEST_SUITE(link, NULL, setup, before, NULL, NULL);

static struct tocsin_link_stats stats(void)
{
	struct tocsin_link_stats now;

	tocsin_link_stats_get(&now);
	return now;
}

static void put(const uint8_t *bytes, size_t size)
{
	zassert_equal(uart_emul_put_rx_data(wire, bytes, size), size);
}

static void expect_hello(void)
{
	zassert_ok(k_sem_take(&received, K_SECONDS(1)));
	zassert_equal(message.type, TOCSIN_LINK_HELLO);
	zassert_equal(message.sequence, 5);
	zassert_equal(message.size, 3);
	zassert_mem_equal(last, ((uint8_t[]){0x11, 0x00, 0x22}), 3);
}

ZTEST(link, test_a_frame_comes_in)
{
	const struct tocsin_link_stats then = stats();

	put(hello, sizeof(hello));
	expect_hello();
	zassert_equal(stats().received, then.received + 1);
	zassert_equal(stats().bad, then.bad);
}

ZTEST(link, test_a_frame_may_come_byte_by_byte)
{
	for (size_t i = 0; i < sizeof(hello); i++) {
		put(&hello[i], 1);
		k_sleep(K_MSEC(1));
	}
	expect_hello();
}

ZTEST(link, test_a_damaged_frame_is_counted_and_the_next_one_understood)
{
	const struct tocsin_link_stats then = stats();
	uint8_t damaged[sizeof(hello)];

	memcpy(damaged, hello, sizeof(hello));
	damaged[4] ^= 0x40;
	put(damaged, sizeof(damaged));
	zassert_equal(k_sem_take(&received, K_MSEC(100)), -EAGAIN);
	zassert_equal(stats().bad, then.bad + 1);
	put(hello, sizeof(hello));
	expect_hello();
	zassert_equal(stats().received, then.received + 1);
}

/* More than the buffer holds, faster than it is worked on: the UART has to wait, nothing is lost.
 */
ZTEST(link, test_a_burst_waits_in_the_uart)
{
	const struct tocsin_link_stats then = stats();
	uint8_t frame[TOCSIN_LINK_WIRE_MAX];
	uint8_t payload[100];

	dawdle = K_MSEC(3);
	for (uint32_t i = 0; i < MANY; i++) {
		memset(payload, (int)i, sizeof(payload));
		(void)tocsin_link_put32(payload, i);
		put(frame, tocsin_link_encode(frame, sizeof(frame), TOCSIN_LINK_SAMPLES, (uint8_t)i,
					      payload, sizeof(payload)));
	}
	for (uint32_t i = 0; i < MANY; i++) {
		zassert_ok(k_sem_take(&received, K_SECONDS(1)), "frame %u", i);
	}
	zassert_equal(in_order, MANY);
	zassert_equal(last[99], MANY - 1);
	zassert_equal(stats().received, then.received + MANY);
	zassert_equal(stats().bad, then.bad);
	zassert_true(stats().full > then.full, "it never had to wait");
}

/* The desk's end: takes bytes and decodes them until a frame ends, for a second at most. */
static bool desk_takes(struct tocsin_link_decoder *decoder, struct tocsin_link_message *frame)
{
	uint8_t byte;

	for (int i = 0; i < 1000; i++) {
		while (uart_emul_get_tx_data(wire, &byte, 1) == 1) {
			if (tocsin_link_decode(decoder, byte, frame)) {
				return true;
			}
		}
		/* A UART interrupts when it has room again; the emulated one has to be asked. */
		uart_irq_tx_enable(wire);
		k_sleep(K_MSEC(1));
	}
	return false;
}

ZTEST(link, test_a_frame_goes_out)
{
	const uint8_t payload[] = {0x11, 0x00, 0x22};
	const uint8_t sequence = (uint8_t)stats().sent;
	uint8_t bytes[2 * sizeof(hello)];
	struct tocsin_link_decoder decoder;
	struct tocsin_link_message frame;

	zassert_ok(tocsin_link_send(TOCSIN_LINK_INFO, payload, sizeof(payload), K_NO_WAIT));
	k_sleep(K_MSEC(10));
	zassert_equal(uart_emul_get_tx_data(wire, bytes, sizeof(bytes)), sizeof(hello));
	zassert_equal(bytes[0], 0);
	zassert_equal(bytes[sizeof(hello) - 1], 0);
	tocsin_link_decoder_init(&decoder);
	for (size_t i = 0; i < sizeof(hello) - 1; i++) {
		zassert_false(tocsin_link_decode(&decoder, bytes[i], &frame));
	}
	zassert_true(tocsin_link_decode(&decoder, bytes[sizeof(hello) - 1], &frame));
	zassert_equal(frame.type, TOCSIN_LINK_INFO);
	zassert_equal(frame.sequence, sequence);
	zassert_equal(frame.size, sizeof(payload));
	zassert_mem_equal(frame.payload, payload, sizeof(payload));
	zassert_equal(stats().sent, (uint32_t)sequence + 1);
}

ZTEST(link, test_too_much_for_a_frame_is_refused)
{
	static const uint8_t payload[TOCSIN_LINK_PAYLOAD_MAX + 1];
	const struct tocsin_link_stats then = stats();

	zassert_equal(tocsin_link_send(TOCSIN_LINK_INFO, payload, sizeof(payload), K_FOREVER),
		      -EINVAL);
	zassert_equal(stats().sent, then.sent);
}

/* Nobody takes what is sent: frames are given up whole, and counted. */
ZTEST(link, test_no_room_is_told_and_no_frame_cut)
{
	static const uint8_t payload[TOCSIN_LINK_PAYLOAD_MAX] = {[0 ... 511] = 0x5a};
	const struct tocsin_link_stats then = stats();
	struct tocsin_link_decoder decoder;
	struct tocsin_link_message frame;
	uint32_t frames = 0;
	int64_t begun;

	while (tocsin_link_send(TOCSIN_LINK_VECTOR, payload, sizeof(payload), K_MSEC(20)) == 0) {
		frames++;
		zassert_true(frames < 100, "there is no end to the room");
	}
	zassert_true(frames >= 3, "%u frames in 2560 bytes", frames);
	zassert_true(tocsin_link_room() < TOCSIN_LINK_WIRE_MAX);
	begun = k_uptime_get();
	zassert_equal(tocsin_link_send(TOCSIN_LINK_VECTOR, payload, sizeof(payload), K_MSEC(50)),
		      -EAGAIN);
	zassert_between_inclusive(k_uptime_get() - begun, 50, 200);
	zassert_equal(stats().unsent, then.unsent + 2);
	zassert_equal(stats().sent, then.sent + frames);

	tocsin_link_decoder_init(&decoder);
	for (uint32_t i = 0; i < frames; i++) {
		zassert_true(desk_takes(&decoder, &frame), "frame %u", i);
		zassert_mem_equal(frame.payload, payload, sizeof(payload));
	}
	zassert_equal(decoder.bad, 0);
	zassert_equal(decoder.missed, 0, "one that was given up took a sequence number");
	zassert_equal(tocsin_link_room(), CONFIG_TOCSIN_LINK_TX_BUFFER);
}

static K_THREAD_STACK_ARRAY_DEFINE(stacks, 2, 2048);
static struct k_thread senders[2];

static void send_many(void *kind, void *p2, void *p3)
{
	uint8_t payload[200];

	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	memset(payload, (int)POINTER_TO_UINT(kind), sizeof(payload));
	for (uint32_t i = 0; i < MANY; i++) {
		(void)tocsin_link_put32(payload, i);
		(void)tocsin_link_send((uint8_t)POINTER_TO_UINT(kind), payload, sizeof(payload),
				       K_SECONDS(5));
	}
}

ZTEST(link, test_two_threads_send_and_no_frame_is_mixed)
{
	const int priority = k_thread_priority_get(k_current_get());
	struct tocsin_link_decoder decoder;
	struct tocsin_link_message frame;
	uint32_t seen[2] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
		k_thread_create(&senders[i], stacks[i], K_THREAD_STACK_SIZEOF(stacks[i]), send_many,
				UINT_TO_POINTER(TOCSIN_LINK_WINDOW + i), NULL, NULL,
				priority + (int)i, 0, K_NO_WAIT);
	}
	tocsin_link_decoder_init(&decoder);
	for (uint32_t i = 0; i < 2 * MANY; i++) {
		zassert_true(desk_takes(&decoder, &frame), "frame %u", i);
		const uint32_t who = frame.type - TOCSIN_LINK_WINDOW;

		zassert_true(who < ARRAY_SIZE(seen), "type %x", frame.type);
		zassert_equal(frame.size, 200);
		zassert_equal(tocsin_link_get32(frame.payload), seen[who]);
		for (size_t k = 4; k < frame.size; k++) {
			zassert_equal(frame.payload[k], frame.type);
		}
		seen[who]++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
		zassert_ok(k_thread_join(&senders[i], K_SECONDS(5)));
		zassert_equal(seen[i], MANY);
	}
	zassert_equal(decoder.bad, 0);
	zassert_equal(decoder.missed, 0);
}
