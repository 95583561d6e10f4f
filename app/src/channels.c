/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "channels.h"

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
 * What can be on its way at a time. Items: a vector in each slot but the one that features hold, as
 * many gaps as the ring tells, and the end. Outcomes: those of one window, and a change of the
 * sensor, both ends; the report is above whoever publishes them, and waits for nothing. And a
 * publisher holds its own copy while it hands out the subscriber's: features, detector,
 * acquisition.
 */
#define ITEMS      (CONFIG_TOCSIN_VECTOR_SLOTS - 1 + TOCSIN_RING_GAPS + 1)
#define OUTCOMES   (2 + 2)
#define PUBLISHERS 3

BUILD_ASSERT(CONFIG_ZBUS_MSG_SUBSCRIBER_NET_BUF_POOL_SIZE >= ITEMS + OUTCOMES + PUBLISHERS,
	     "features would wait for the detector: raise the pool, or have fewer vector slots");
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
