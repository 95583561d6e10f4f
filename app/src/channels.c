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

BUILD_ASSERT(sizeof(struct outcome) <= CONFIG_ZBUS_MSG_SUBSCRIBER_NET_BUF_STATIC_DATA_SIZE);
BUILD_ASSERT(sizeof(struct item) <= CONFIG_ZBUS_MSG_SUBSCRIBER_NET_BUF_STATIC_DATA_SIZE);
