/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The lock is held for a copy, never while something is sent. Whoever holds it has the priority of
 * whoever waits for it (a k_mutex), so acquisition waits for one message's copy at most.
 */

#include <zephyr/kernel.h>

#include <tocsin/link_uart.h>

#include "host/recorder.h"
#include "messages/control_inbox.h"
#include "pipeline/pipeline.h"
#include "pipeline/tap.h"

/* A frame of the recording, and one of anybody's reports that must not find the buffer full. */
#define ROOM (2 * TOCSIN_LINK_WIRE_MAX)

BUILD_ASSERT(CONFIG_TOCSIN_LINK_TX_BUFFER >= ROOM,
	     "CONFIG_TOCSIN_LINK_TX_BUFFER must hold two of the largest frames to record");

/* While a recording runs, how often to look for what is due by the clock. */
#define PERIOD K_MSEC(20)

/* A full transmit buffer is looked at again after this: 200 bytes at 1 Mbit/s. */
#define FULL K_MSEC(2)

/* A desk that has not asked for what is left of a recording by then has gone away. */
#define SETTLE_MS 1000

static struct tocsin_link_record record; /* without memory and streams until a bundle runs */
static K_MUTEX_DEFINE(lock);
static K_SEM_DEFINE(work, 0, 1);
static atomic_t forgotten; /* since control has asked last */

void recorder_settle(void)
{
	for (int waited = 0; record.phase == TOCSIN_LINK_RECORD_ENDED && waited < SETTLE_MS;
	     waited += 10) {
		k_sleep(K_MSEC(10));
	}
}

void recorder_use(void *mem, size_t size)
{
	(void)k_mutex_lock(&lock, K_FOREVER);
	/* The plan leaves room enough, and the pool is aligned. */
	(void)tocsin_link_record_use(&record, mem, size);
	(void)k_mutex_unlock(&lock);
}

size_t recorder_buffer(void)
{
	return record.size;
}

void tap_begin(const struct tocsin_source_format *format)
{
	(void)k_mutex_lock(&lock, K_FOREVER);
	tocsin_link_record_begin(&record, format->sample_rate, format->channels, format->scale,
				 k_uptime_get_32());
	(void)k_mutex_unlock(&lock);
	k_sem_give(&work);
}

/* With the lock held. */
static void wake(void)
{
	if (tocsin_link_record_active(&record)) {
		k_sem_give(&work);
	}
}

void tap_samples(const int16_t *samples, size_t frames)
{
	(void)k_mutex_lock(&lock, K_FOREVER);
	tocsin_link_record_write(&record, samples, frames);
	wake();
	(void)k_mutex_unlock(&lock);
}

void tap_lost(uint64_t frames)
{
	(void)k_mutex_lock(&lock, K_FOREVER);
	tocsin_link_record_lost(&record, frames);
	(void)k_mutex_unlock(&lock);
}

void tap_end(void)
{
	(void)k_mutex_lock(&lock, K_FOREVER);
	tocsin_link_record_end(&record);
	wake();
	(void)k_mutex_unlock(&lock);
}

size_t tap_space(void)
{
	size_t space;

	(void)k_mutex_lock(&lock, K_FOREVER);
	space = tocsin_link_record_space(&record, k_uptime_get_32());
	(void)k_mutex_unlock(&lock);
	return space;
}

int recorder_request(const struct tocsin_link_message *message)
{
	uint8_t state[TOCSIN_LINK_RECORD_STATE_SIZE];
	size_t size = 0;
	int ret;

	(void)k_mutex_lock(&lock, K_FOREVER);
	ret = tocsin_link_record_request(&record, message, k_uptime_get_32());
	if (ret == 1 && message->type == TOCSIN_LINK_RECORD_START) {
		size = tocsin_link_record_state(&record, state);
	}
	(void)k_mutex_unlock(&lock);
	if (size > 0) {
		/* One that finds no room is asked for again. */
		(void)tocsin_link_send(TOCSIN_LINK_RECORD_STATE, state, size, K_NO_WAIT);
	}
	k_sem_give(&work);
	k_sem_give(&pipeline.room);
	return ret;
}

/* The next message, if one is due. */
static size_t next(uint8_t *type, uint8_t *payload)
{
	size_t size;

	(void)k_mutex_lock(&lock, K_FOREVER);
	size = tocsin_link_record_next(&record, k_uptime_get_32(), type, payload);
	(void)k_mutex_unlock(&lock);
	return size;
}

bool recorder_has_forgotten(void)
{
	return atomic_cas(&forgotten, 1, 0);
}

bool recorder_is_wanted(void)
{
	return tocsin_link_record_active(&record);
}

/* Whether there is a recording, once those of desks that have gone away are let go of. */
static bool look_after(void)
{
	bool gone;

	(void)k_mutex_lock(&lock, K_FOREVER);
	gone = tocsin_link_record_forget_silent(&record, k_uptime_get_32());
	(void)k_mutex_unlock(&lock);
	if (gone) {
		atomic_set(&forgotten, 1);
		control_wake(); /* which has the stack for a line of the log */
	}
	return recorder_is_wanted();
}

/* Send the next message, if one is due; whether one was. */
static bool send_next(void)
{
	uint8_t *const payload = tocsin_link_claim(K_NO_WAIT);
	uint8_t type;
	size_t size;

	if (payload == NULL) {
		return true; /* others were faster: look again */
	}
	size = next(&type, payload);
	tocsin_link_commit(size > 0 ? type : 0, size);
	return size > 0;
}

static void recorder_thread(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (true) {
		if (!look_after()) {
			(void)k_sem_take(&work, K_FOREVER);
		} else if (tocsin_link_room() < ROOM) {
			k_sleep(FULL);
		} else if (!send_next()) {
			(void)k_sem_take(&work, PERIOD);
		}
	}
}

K_THREAD_DEFINE(recorder, CONFIG_TOCSIN_RECORD_STACK_SIZE, recorder_thread, NULL, NULL, NULL,
		CONFIG_TOCSIN_RECORD_PRIORITY, 0, 0);
