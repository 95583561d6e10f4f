/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Requests of a desk. Everything here runs in the link's thread and trusts no length. */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include <tocsin/link_uart.h>
#include <tocsin/source_replay.h>

#include "bundles/bundles.h"
#include "host/host.h"
#include "host/recorder.h"
#include "messages/control_inbox.h"
#include "pipeline/pipeline.h"
#include "sensor/sources.h"

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

BUILD_ASSERT(TOCSIN_LINK_PAYLOAD_MAX % sizeof(int16_t) == 0);
BUILD_ASSERT(IS_ENABLED(CONFIG_LITTLE_ENDIAN), "samples are taken as they come over the wire");

/* 1 where control will answer, else what to answer with. */
static int ask(const struct command *command)
{
	const int err = control_ask(command);

	return err == 0 ? 1 : err;
}

static int on_replay_start(const uint8_t *payload, size_t size)
{
	if (size != 8) {
		return -EINVAL;
	}
	return ask(&(struct command){
		.kind = COMMAND_REPLAY,
		.recording = {.sample_rate = tocsin_link_get32(payload),
			      .channels = tocsin_link_get32(payload + 4)},
	});
}

#if defined(CONFIG_TOCSIN_SOURCE_REPLAY)

/* Answered only where they are refused: credit is the answer, and what comes beyond it is a gap. */
static int on_samples(const uint8_t *payload, size_t size)
{
	struct pipeline_bundle bundle;
	size_t count;
	int err;

	if (size < 8 || size % sizeof(int16_t) != 0) {
		return -EINVAL;
	}
	if (pipeline_describe(&bundle) != 0) {
		return -EPIPE;
	}
	count = (size - 8) / sizeof(int16_t);
	if (count % bundle.channels != 0) {
		return -EINVAL;
	}
	/* As they lie: the wire's order is the processor's, and a payload's address is even. */
	err = tocsin_source_replay_feed(sources_replay(), tocsin_link_get64(payload),
					(const int16_t *)(payload + 8), count / bundle.channels);
	return err == 0 || err == -ENOBUFS ? 1 : err;
}

static int on_replay_gap(const uint8_t *payload, size_t size)
{
	return size == 8 ? tocsin_source_replay_gap(sources_replay(), tocsin_link_get64(payload))
			 : -EINVAL;
}

static int on_replay_end(const uint8_t *payload, size_t size)
{
	return size == 8 ? tocsin_source_replay_end(sources_replay(), tocsin_link_get64(payload))
			 : -EINVAL;
}

/* In acquisition's thread, which does not wait: credit that finds no room is repeated. */
static void tell_credit(uint64_t limit)
{
	uint8_t payload[8];

	(void)tocsin_link_put64(payload, limit);
	(void)tocsin_link_send(TOCSIN_LINK_CREDIT, payload, sizeof(payload), K_NO_WAIT);
}

static void offer_replay(void)
{
	tocsin_source_replay_set_credit(sources_replay(), tell_credit);
}

#else

#define on_samples(payload, size)    (-ENOSYS)
#define on_replay_gap(payload, size) (-ENOSYS)
#define on_replay_end(payload, size) (-ENOSYS)

static void offer_replay(void)
{
}

#endif /* CONFIG_TOCSIN_SOURCE_REPLAY */

static int on_bundle_data(const uint8_t *payload, size_t size)
{
	return size > 4 ? bundles_write(tocsin_link_get32(payload), payload + 4, size - 4)
			: -EINVAL;
}

static int on_bundle_commit(void)
{
	struct command message = {.kind = COMMAND_USE_BUNDLE};
	int ret = bundles_end(&message.bundle.slot, &message.bundle.size);

	if (ret != 0) {
		return ret;
	}
	ret = ask(&message);
	if (ret != 1) {
		bundles_reopen();
	}
	return ret;
}

static bool stranger; /* the desk's last HELLO was of another major version */

static int on_hello(const uint8_t *payload, size_t size)
{
	uint16_t major;

	if (size < 4) {
		return -EINVAL;
	}
	major = (uint16_t)tocsin_link_get32(payload);
	stranger = major != TOCSIN_LINK_MAJOR;
	desk_send_info(); /* to a stranger, too: it shall know why */
	if (stranger) {
		LOG_WRN("a desk speaks version %u of the link, this firmware %u: update one of "
			"them",
			major, TOCSIN_LINK_MAJOR);
		return -EPROTONOSUPPORT;
	}
	return 1;
}

/* 0 or a negative errno to answer with, 1 where another answers or none is due. */
static int handle(const struct tocsin_link_message *message)
{
	const uint8_t *payload = message->payload;
	const size_t size = message->size;

	if (stranger && message->type != TOCSIN_LINK_HELLO) {
		return -EPROTONOSUPPORT;
	}
	switch (message->type) {
	case TOCSIN_LINK_HELLO:
		return on_hello(payload, size);
	case TOCSIN_LINK_SUBSCRIBE:
		if (size != 4) {
			return -EINVAL;
		}
		desk_subscribe(tocsin_link_get32(payload));
		return 0;
	case TOCSIN_LINK_GET_STATUS:
		desk_send_status();
		return 1;
	case TOCSIN_LINK_REPLAY_START:
		return on_replay_start(payload, size);
	case TOCSIN_LINK_SAMPLES:
		return on_samples(payload, size);
	case TOCSIN_LINK_REPLAY_GAP:
		return on_replay_gap(payload, size);
	case TOCSIN_LINK_REPLAY_END:
		return on_replay_end(payload, size);
	case TOCSIN_LINK_REPLAY_ABORT:
		return ask(&(struct command){.kind = COMMAND_ABORT});
	case TOCSIN_LINK_BUNDLE_BEGIN:
		return size == 4 ? bundles_begin(tocsin_link_get32(payload)) : -EINVAL;
	case TOCSIN_LINK_BUNDLE_DATA:
		return on_bundle_data(payload, size);
	case TOCSIN_LINK_BUNDLE_COMMIT:
		return on_bundle_commit();
	case TOCSIN_LINK_BUNDLE_DEFAULT:
		return ask(&(struct command){.kind = COMMAND_USE_DEFAULT});
	case TOCSIN_LINK_RECORD_START:
	case TOCSIN_LINK_RECORD_ACK:
	case TOCSIN_LINK_RECORD_STOP:
		return recorder_request(message);
	default:
		return -ENOSYS;
	}
}

static void received(const struct tocsin_link_message *message)
{
	int ret;

	desk_heard();
	ret = handle(message);
	if (ret <= 0) {
		desk_send_result((enum tocsin_link_type)message->type, ret);
	}
}

int desk_start(void)
{
	offer_replay();
	return tocsin_link_start(received);
}
