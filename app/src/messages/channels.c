/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "messages/channels.h"

/* The observers' order is that of the calls: the host sees a vector before its score. */
ZBUS_CHAN_DEFINE(stream_chan, struct stream_state, NULL, NULL, ZBUS_OBSERVERS(acquisition_listener),
		 ZBUS_MSG_INIT(0));
ZBUS_CHAN_DEFINE(samples_chan, struct samples_state, NULL, NULL, ZBUS_OBSERVERS(features_listener),
		 ZBUS_MSG_INIT(0));
ZBUS_CHAN_DEFINE(item_chan, struct item, NULL, NULL,
		 ZBUS_OBSERVERS(desk_vector_listener, detector_listener), ZBUS_MSG_INIT(0));
ZBUS_CHAN_DEFINE(outcome_chan, struct outcome, NULL, NULL,
		 ZBUS_OBSERVERS(alarm_listener, report_listener), ZBUS_MSG_INIT(0));

/* On their way at a time: a vector in each slot but the one that features hold, the end, and some
 * gaps. */
#define GAPS  4
#define ITEMS (CONFIG_TOCSIN_VECTOR_SLOTS - 1 + 1 + GAPS)

K_MSGQ_DEFINE(items, sizeof(struct item), ITEMS, __alignof__(struct item));

/* In features' thread, which alone publishes items, and may wait. */
static void take_item(const struct zbus_channel *channel)
{
	(void)k_msgq_put(&items, zbus_chan_const_msg(channel), K_FOREVER);
}

ZBUS_LISTENER_DEFINE(detector_listener, take_item);

void item_publish(const struct item *item)
{
	(void)zbus_chan_pub(&item_chan, item, K_FOREVER);
}

void item_wait(struct item *item)
{
	(void)k_msgq_get(&items, item, K_FOREVER);
}

int outcome_publish(const struct outcome *outcome, k_timeout_t patience)
{
	return zbus_chan_pub(&outcome_chan, outcome, patience);
}

/* Who interrupts whom: docs/reference/firmware.md. */
BUILD_ASSERT(CONFIG_TOCSIN_ACQUISITION_PRIORITY >= 0 &&
		     CONFIG_TOCSIN_ACQUISITION_PRIORITY < CONFIG_TOCSIN_LINK_PRIORITY,
	     "nothing may keep acquisition from the source's buffer");
BUILD_ASSERT(CONFIG_TOCSIN_LINK_PRIORITY < CONFIG_TOCSIN_FEATURES_PRIORITY &&
		     CONFIG_MAIN_THREAD_PRIORITY < CONFIG_TOCSIN_FEATURES_PRIORITY,
	     "a desk's command is obeyed while features and detector are overloaded");
BUILD_ASSERT(CONFIG_TOCSIN_FEATURES_PRIORITY < CONFIG_TOCSIN_BACKGROUND_PRIORITY &&
		     CONFIG_TOCSIN_BACKGROUND_PRIORITY < CONFIG_TOCSIN_DETECTOR_PRIORITY,
	     "a bundle is looked through while frames are computed, and before they are scored");
BUILD_ASSERT(CONFIG_TOCSIN_FEATURES_PRIORITY < CONFIG_TOCSIN_DETECTOR_PRIORITY,
	     "a network that takes many hops may not keep the frames waiting");
BUILD_ASSERT(CONFIG_TOCSIN_DETECTOR_PRIORITY < K_LOWEST_APPLICATION_THREAD_PRIO,
	     "the log comes last");
#if defined(CONFIG_SHELL_THREAD_PRIORITY_OVERRIDE)
BUILD_ASSERT(CONFIG_SHELL_THREAD_PRIORITY < CONFIG_TOCSIN_FEATURES_PRIORITY,
	     "the shell answers while features and detector are overloaded");
#endif
