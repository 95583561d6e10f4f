/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/link_record.h>

#include "record_model.h"
#include "rng.h"

static int16_t mem[512];
static struct record_model model;

static void begin(uint32_t channels)
{
	record_model_init(&model, mem, sizeof(mem), channels);
}

static void step(enum record_operation operation, uint32_t count)
{
	const char *fault = record_model_step(&model, operation, count);

	if (fault != NULL) {
		fail_msg("operation %d, count %u: %s", operation, count, fault);
	}
}

static void finish(void)
{
	const char *fault = record_model_finish(&model);

	if (fault != NULL) {
		fail_msg("at the end: %s", fault);
	}
}

static void test_everything_arrives_once(void **state)
{
	(void)state;
	begin(1);
	step(RECORD_WRITE, 100); /* before the recording: not in it */
	step(RECORD_START, 0);
	for (int i = 0; i < 50; i++) {
		step(RECORD_WRITE, 160);
		step(RECORD_PASS, 10);
		step(RECORD_DELIVER, 8);
		step(RECORD_ANSWER, 0);
	}
	finish();
	assert_int_equal(model.samples, 50 * 160);
	assert_int_equal(model.missing, 0);
	assert_int_equal(model.total, 100 + 50 * 160);
}

/* Other memory between streams: what is over and not acknowledged is gone, what waits still waits.
 */
static void test_other_memory(void **state)
{
	static const uint8_t start[20] = {0x44, 0x33, 0x22, 0x11};
	static const int16_t samples[] = {1, 2, 3};
	const struct tocsin_link_message message = {TOCSIN_LINK_RECORD_START, 0, start, 20};
	int16_t other[8] = {0};
	struct tocsin_link_record record;

	(void)state;
	assert_int_equal(tocsin_link_record_init(&record, mem, sizeof(mem)), 0);
	assert_int_equal(tocsin_link_record_use(NULL, other, sizeof(other)), -EINVAL);
	assert_int_equal(tocsin_link_record_use(&record, NULL, sizeof(other)), -EINVAL);
	assert_int_equal(tocsin_link_record_use(&record, other, 11), -EINVAL);
	assert_int_equal(tocsin_link_record_use(&record, (uint8_t *)other + 1, 12), -EINVAL);

	tocsin_link_record_begin(&record, 8000, 1, 0.5f, 0);
	assert_int_equal(tocsin_link_record_use(&record, other, sizeof(other)), -EBUSY);
	assert_int_equal(tocsin_link_record_request(&record, &message, 0), 1);
	tocsin_link_record_write(&record, samples, 3);
	tocsin_link_record_end(&record);
	assert_int_equal(record.phase, TOCSIN_LINK_RECORD_ENDED);
	assert_int_equal(tocsin_link_record_use(&record, other, sizeof(other)), 0);
	assert_int_equal(record.phase, TOCSIN_LINK_RECORD_IDLE);

	tocsin_link_record_begin(&record, 8000, 1, 0.5f, 0);
	assert_int_equal(tocsin_link_record_request(&record, &message, 0), 1);
	tocsin_link_record_write(&record, samples, 3);
	assert_memory_equal(other, samples, sizeof(samples));
}

/* A message says its recording, its first frame and its samples, little-endian. */
static void test_known_messages(void **state)
{
	static const uint8_t start[20] = {0x44, 0x33, 0x22, 0x11};
	static const uint8_t expected[] = {0x44, 0x33, 0x22, 0x11, 5,    0,    0,    0,
					   0,    0,    0,    0,    0x34, 0x12, 0xff, 0xff};
	static const uint8_t expected_gap[] = {0x44, 0x33, 0x22, 0x11, 7, 0, 0, 0, 0, 0, 0, 0,
					       3,    0,    0,    0,    0, 0, 0, 0, 1, 0, 0, 0};
	static const uint8_t expected_state[] = {0x44, 0x33, 0x22, 0x11, 0, 0,    0,    0, 5, 0, 0,
						 0,    0,    0,    0,    0, 0x40, 0x1f, 0, 0, 1, 0,
						 0,    0,    0,    0,    0, 0x3f, 1,    0, 0, 0};
	static const uint8_t ack[16] = {0x44, 0x33, 0x22, 0x11, 8};
	static const int16_t samples[] = {0x1234, -1};
	struct tocsin_link_message message = {TOCSIN_LINK_RECORD_START, 0, start, 20};
	struct tocsin_link_record record;
	uint8_t payload[TOCSIN_LINK_PAYLOAD_MAX];
	uint8_t type;

	(void)state;
	assert_int_equal(tocsin_link_record_init(&record, mem, sizeof(mem)), 0);
	assert_int_equal(tocsin_link_record_request(&record, &message, 0), -ENOENT);
	tocsin_link_record_begin(&record, 8000, 1, 0.5f, 0);
	tocsin_link_record_lost(&record, 5);
	assert_int_equal(tocsin_link_record_request(&record, &message, 0), 1);
	assert_int_equal(tocsin_link_record_state(&record, payload), sizeof(expected_state));
	assert_memory_equal(payload, expected_state, sizeof(expected_state));

	tocsin_link_record_write(&record, samples, 2);
	assert_int_equal(tocsin_link_record_next(&record, 99, &type, payload), 0);
	tocsin_link_record_lost(&record, 3);
	tocsin_link_record_write(&record, samples, 1);
	assert_int_equal(tocsin_link_record_next(&record, 99, &type, payload), sizeof(expected));
	assert_int_equal(type, TOCSIN_LINK_RECORD_DATA);
	assert_memory_equal(payload, expected, sizeof(expected));
	assert_int_equal(tocsin_link_record_next(&record, 99, &type, payload),
			 sizeof(expected_gap));
	assert_int_equal(type, TOCSIN_LINK_RECORD_GAP);
	assert_memory_equal(payload, expected_gap, sizeof(expected_gap));

	/* Not beyond the gap before the desk has all of it: index 8 is in its midst. */
	message = (struct tocsin_link_message){TOCSIN_LINK_RECORD_ACK, 0, ack, 16};
	assert_int_equal(tocsin_link_record_request(&record, &message, 100), 1);
	assert_int_equal(record.held, 7);
	assert_int_equal(tocsin_link_record_next(&record, 250, &type, payload), 0);
}

static void test_full_buffer_becomes_a_gap_and_few_long_pieces(void **state)
{
	(void)state;
	begin(1);
	step(RECORD_START, 0);
	for (int i = 0; i < 400; i++) {
		step(RECORD_WRITE, 64);
		if (i % 8 == 0) {
			step(RECORD_PASS, 4);
			step(RECORD_DELIVER, 1);
			step(RECORD_ANSWER, 0);
		}
	}
	finish();
	assert_true(model.missing > 0);
	assert_int_equal(model.samples + model.missing, 400 * 64);
	/* Each piece is half a buffer at least. */
	assert_true(model.record.gaps_crossed <= model.samples / 128 + 1);
	assert_true(model.record.gaps_crossed > 2);
}

static void test_a_lost_message_is_sent_again(void **state)
{
	(void)state;
	begin(2);
	step(RECORD_START, 0);
	step(RECORD_WRITE, 256);
	step(RECORD_DROP, 1);
	step(RECORD_DELIVER, 1);
	assert_int_equal(model.next, 0);
	step(RECORD_ANSWER, 1);
	step(RECORD_DELIVER, 9);
	assert_int_equal(model.next, 250);

	/* Without a word of the desk, after a while; and then one message at a time. */
	step(RECORD_PASS, TOCSIN_LINK_RECORD_RETRY_MS);
	step(RECORD_DROP, 9);
	assert_int_equal(model.record.sent, 125);
	step(RECORD_ANSWER, 0);
	finish();
	assert_int_equal(model.samples, 256);
}

static void test_nobody_there_costs_one_message_at_a_time_and_soon_none(void **state)
{
	uint8_t payload[TOCSIN_LINK_PAYLOAD_MAX];
	uint8_t type;
	int sent = 0;

	(void)state;
	begin(1);
	step(RECORD_START, 0);
	for (int ms = 0; ms < 20000; ms += 10) {
		step(RECORD_WRITE, 160);
		step(RECORD_PASS, 10);
		sent += tocsin_link_record_next(&model.record, model.now, &type, payload) > 0;
	}
	assert_in_range(sent, TOCSIN_LINK_RECORD_PATIENCE_MS / TOCSIN_LINK_RECORD_RETRY_MS - 1,
			TOCSIN_LINK_RECORD_PATIENCE_MS / TOCSIN_LINK_RECORD_RETRY_MS +
				TOCSIN_LINK_RECORD_WINDOW);
	/* A word of it, and all goes on. */
	step(RECORD_ANSWER, 1);
	assert_true(tocsin_link_record_next(&model.record, model.now, &type, payload) > 0);
}

/* However far it has come: waiting for a stream, in it, at its end. */
static void test_no_recording_outlives_its_desk(void **state)
{
	(void)state;
	for (int reached = 0; reached < 3; reached++) {
		begin(1);
		step(RECORD_START, reached == 0);
		step(RECORD_WRITE, 100);
		if (reached == 2) {
			step(RECORD_STREAM, 0);
		}
		step(RECORD_PASS, TOCSIN_LINK_RECORD_KEEP_MS - 1);
		assert_false(tocsin_link_record_forget_silent(&model.record, model.now));
		assert_true(tocsin_link_record_active(&model.record));
		step(RECORD_PASS, 1);
		assert_true(tocsin_link_record_forget_silent(&model.record, model.now));
		assert_false(tocsin_link_record_active(&model.record));
		assert_false(tocsin_link_record_forget_silent(&model.record, model.now));
	}
}

static void test_desk_that_is_back_in_time_keeps_its_recording(void **state)
{
	(void)state;
	begin(1);
	step(RECORD_START, 0);
	step(RECORD_WRITE, 300);
	step(RECORD_DELIVER, 1);
	step(RECORD_PASS, TOCSIN_LINK_RECORD_KEEP_MS - 1);
	step(RECORD_RESUME, 0);
	assert_true(model.record.continued);
	step(RECORD_PASS, TOCSIN_LINK_RECORD_KEEP_MS - 1);
	assert_false(tocsin_link_record_forget_silent(&model.record, model.now));
	finish();
	assert_int_equal(model.samples, 300);
}

static void test_next_stream_begins_at_its_first_frame(void **state)
{
	(void)state;
	begin(1);
	step(RECORD_WRITE, 77);
	step(RECORD_START, 1);
	step(RECORD_WRITE, 88);
	step(RECORD_DELIVER, 5);
	assert_false(model.known);
	step(RECORD_STREAM, 0);
	step(RECORD_WRITE, 99);
	step(RECORD_DELIVER, 1); /* RECORD_STATE comes on its own */
	assert_true(model.known);
	assert_int_equal(model.heard, 2);
	finish();
	assert_int_equal(model.samples, 99);
}

static void test_a_new_stream_does_not_touch_what_is_recorded(void **state)
{
	(void)state;
	begin(1);
	step(RECORD_START, 0);
	step(RECORD_WRITE, 250);
	step(RECORD_LOSE, 30);
	step(RECORD_STREAM, 0);
	step(RECORD_WRITE, 1000);
	finish();
	assert_int_equal(model.samples, 250);
	assert_int_equal(model.missing, 30);
	assert_int_equal(model.total, 280);
}

static void test_resuming_keeps_what_was_not_acknowledged(void **state)
{
	(void)state;
	begin(1);
	step(RECORD_START, 0);
	step(RECORD_WRITE, 256);
	step(RECORD_DELIVER, 1);
	step(RECORD_DROP, 5); /* the cable is pulled */
	step(RECORD_WRITE, 200);
	step(RECORD_RESUME, 0);
	assert_true(model.record.continued);
	assert_int_equal(model.record.first, 250);
	finish();
	assert_int_equal(model.samples + model.missing, 456);
}

static void test_space_is_what_can_be_written_without_a_gap(void **state)
{
	(void)state;
	begin(1);
	assert_true(tocsin_link_record_space(&model.record, model.now) == SIZE_MAX);
	step(RECORD_START, 0);
	assert_int_equal(tocsin_link_record_space(&model.record, model.now), 512);
	step(RECORD_WRITE, 500);
	assert_int_equal(tocsin_link_record_space(&model.record, model.now), 12);
	/* Full: not before half of it is free again. */
	step(RECORD_WRITE, 13);
	step(RECORD_DELIVER, 1);
	step(RECORD_ANSWER, 0);
	assert_int_equal(tocsin_link_record_space(&model.record, model.now), 0);
	step(RECORD_DELIVER, 1);
	step(RECORD_ANSWER, 0);
	assert_int_equal(tocsin_link_record_space(&model.record, model.now), 500);
	/* Not for a desk that has gone away. */
	step(RECORD_PASS, TOCSIN_LINK_RECORD_PATIENCE_MS);
	assert_true(tocsin_link_record_space(&model.record, model.now) == SIZE_MAX);
}

static void refused(uint8_t type, size_t size, int err)
{
	uint8_t *payload = malloc(size > 0 ? size : 1);
	const struct tocsin_link_message message = {type, 0, payload, size};

	memset(payload, 0, size);
	assert_int_equal(tocsin_link_record_request(&model.record, &message, model.now), err);
	free(payload);
}

static void test_malformed_requests_are_refused(void **state)
{
	(void)state;
	begin(1);
	for (size_t size = 0; size < 20; size++) {
		refused(TOCSIN_LINK_RECORD_START, size, -EINVAL);
		refused(TOCSIN_LINK_RECORD_ACK, size, size < 16 ? -EINVAL : -ESRCH);
		refused(TOCSIN_LINK_RECORD_STOP, size, size < 4 ? -EINVAL : 0);
	}
	refused(TOCSIN_LINK_RECORD_START, 20, -EINVAL); /* number 0 */
	refused(TOCSIN_LINK_HELLO, 4, -ENOSYS);
	assert_int_equal(tocsin_link_record_init(&model.record, mem, 11), -EINVAL);
	assert_int_equal(tocsin_link_record_init(&model.record, (uint8_t *)mem + 1, 100), -EINVAL);
	assert_int_equal(tocsin_link_record_init(&model.record, NULL, 100), -EINVAL);
}

static void test_random_walks(void **state)
{
	struct rng rng = {.state = 1};

	(void)state;
	for (int walk = 0; walk < 3000; walk++) {
		begin(1 + rng_below(&rng, 3));
		for (int i = 0; i < 120; i++) {
			const uint32_t kind = rng_below(&rng, RECORD_OPERATIONS + 12);

			/* Mostly the everyday ones, or hardly anything would ever be recorded. */
			step(kind < RECORD_OPERATIONS ? kind : kind % (RECORD_ANSWER + 1),
			     rng_below(&rng, 300));
		}
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_arrives_once),
		cmocka_unit_test(test_other_memory),
		cmocka_unit_test(test_known_messages),
		cmocka_unit_test(test_full_buffer_becomes_a_gap_and_few_long_pieces),
		cmocka_unit_test(test_a_lost_message_is_sent_again),
		cmocka_unit_test(test_nobody_there_costs_one_message_at_a_time_and_soon_none),
		cmocka_unit_test(test_no_recording_outlives_its_desk),
		cmocka_unit_test(test_desk_that_is_back_in_time_keeps_its_recording),
		cmocka_unit_test(test_next_stream_begins_at_its_first_frame),
		cmocka_unit_test(test_a_new_stream_does_not_touch_what_is_recorded),
		cmocka_unit_test(test_resuming_keeps_what_was_not_acknowledged),
		cmocka_unit_test(test_space_is_what_can_be_written_without_a_gap),
		cmocka_unit_test(test_malformed_requests_are_refused),
		cmocka_unit_test(test_random_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
