/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "channels.h"

ZBUS_MSG_SUBSCRIBER_DEFINE(detector_subscriber);
ZBUS_MSG_SUBSCRIBER_DEFINE(report_subscriber);

/* The observers' order is that of the calls: the host sees a vector before its score. */
ZBUS_CHAN_DEFINE(command_chan, struct command, NULL, NULL, ZBUS_OBSERVERS(control_listener),
		 ZBUS_MSG_INIT(0));
ZBUS_CHAN_DEFINE(stream_chan, struct stream_state, NULL, NULL, ZBUS_OBSERVERS(acquisition_listener),
		 ZBUS_MSG_INIT(0));
ZBUS_CHAN_DEFINE(samples_chan, struct samples_state, NULL, NULL, ZBUS_OBSERVERS(features_listener),
		 ZBUS_MSG_INIT(0));
ZBUS_CHAN_DEFINE(item_chan, struct item, NULL, NULL,
		 ZBUS_OBSERVERS(desk_vector_listener, detector_subscriber), ZBUS_MSG_INIT(0));
ZBUS_CHAN_DEFINE(outcome_chan, struct outcome, NULL, NULL,
		 ZBUS_OBSERVERS(alarm_listener, report_subscriber), ZBUS_MSG_INIT(0));

/*
 * What may be on its way at a time. Items: a vector in each slot but the one that features hold,
 * the end, and some gaps. Outcomes: those of a window, and a change of the sensor, both ends.
 *
 * zbus takes a buffer from one pool for each message that is published, on whatever channel, and
 * another for a subscriber's copy. An empty pool would make acquisition wait for the detector, and
 * one who does not wait would write through a null pointer. So copies are counted out beforehand,
 * and each thread that publishes has a buffer left.
 */
#define GAPS       4
#define ITEMS      (CONFIG_TOCSIN_VECTOR_SLOTS - 1 + 1 + GAPS)
#define OUTCOMES   4
#define PUBLISHERS 6 /* acquisition, link, control, report, features, detector */

BUILD_ASSERT(CONFIG_ZBUS_MSG_SUBSCRIBER_NET_BUF_POOL_SIZE >= ITEMS + OUTCOMES + PUBLISHERS,
	     "raise CONFIG_ZBUS_MSG_SUBSCRIBER_NET_BUF_POOL_SIZE, or have fewer vector slots");

static K_SEM_DEFINE(items, ITEMS, ITEMS);
static K_SEM_DEFINE(outcomes, OUTCOMES, OUTCOMES);

static int publish(const struct zbus_channel *channel, const void *message, struct k_sem *room,
		   k_timeout_t patience)
{
	int err = k_sem_take(room, patience);

	if (err == 0) {
		err = zbus_chan_pub(channel, message, patience);
		if (err != 0) {
			k_sem_give(room);
		}
	}
	return err;
}

int item_publish(const struct item *item, k_timeout_t patience)
{
	return publish(&item_chan, item, &items, patience);
}

int item_wait(struct item *item)
{
	const struct zbus_channel *channel;
	const int err = zbus_sub_wait_msg(&detector_subscriber, &channel, item, K_FOREVER);

	k_sem_give(&items);
	return err;
}

int outcome_publish(const struct outcome *outcome, k_timeout_t patience)
{
	return publish(&outcome_chan, outcome, &outcomes, patience);
}

int outcome_wait(struct outcome *outcome)
{
	const struct zbus_channel *channel;
	const int err = zbus_sub_wait_msg(&report_subscriber, &channel, outcome, K_FOREVER);

	k_sem_give(&outcomes);
	return err;
}

BUILD_ASSERT(sizeof(struct outcome) <= CONFIG_ZBUS_MSG_SUBSCRIBER_NET_BUF_STATIC_DATA_SIZE);
BUILD_ASSERT(sizeof(struct item) <= CONFIG_ZBUS_MSG_SUBSCRIBER_NET_BUF_STATIC_DATA_SIZE);

/* Who interrupts whom: docs/reference/firmware.md. */
BUILD_ASSERT(CONFIG_TOCSIN_ACQUISITION_PRIORITY >= 0 &&
		     CONFIG_TOCSIN_ACQUISITION_PRIORITY < CONFIG_TOCSIN_LINK_PRIORITY,
	     "nothing may keep acquisition from the source's buffer");
BUILD_ASSERT(CONFIG_TOCSIN_LINK_PRIORITY < CONFIG_TOCSIN_REPORT_PRIORITY &&
		     CONFIG_MAIN_THREAD_PRIORITY < CONFIG_TOCSIN_REPORT_PRIORITY,
	     "a desk's command goes before what there is to tell");
BUILD_ASSERT(CONFIG_TOCSIN_REPORT_PRIORITY < CONFIG_TOCSIN_FEATURES_PRIORITY,
	     "an alarm is told even when the processor is too slow for the features");
BUILD_ASSERT(CONFIG_TOCSIN_FEATURES_PRIORITY < CONFIG_TOCSIN_DETECTOR_PRIORITY,
	     "a network that takes many hops may not keep the frames waiting");
BUILD_ASSERT(CONFIG_TOCSIN_DETECTOR_PRIORITY < K_LOWEST_APPLICATION_THREAD_PRIO,
	     "the log comes last");
#if defined(CONFIG_SHELL_THREAD_PRIORITY_OVERRIDE)
BUILD_ASSERT(CONFIG_SHELL_THREAD_PRIORITY < CONFIG_TOCSIN_FEATURES_PRIORITY,
	     "the shell answers while features and detector are overloaded");
#endif
