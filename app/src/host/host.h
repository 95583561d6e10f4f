/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The device's side of the link: what a desk asks, and what it is told.
 */

#ifndef TOCSIN_APP_HOST_HOST_H_
#define TOCSIN_APP_HOST_HOST_H_

#include <stdint.h>

#include <tocsin/link.h>

#include "messages/channels.h"

/** What a host's recording came to. */
struct desk_summary {
	enum tocsin_link_replay_end why;
	uint64_t frames;
	uint64_t lost;
	uint32_t windows;
	uint32_t events;
	uint32_t gaps;
};

/** @brief Start the link. @return 0 or the UART's negative errno */
int desk_start(void);

/** @brief Answer a request: 0 or a negative errno. */
void desk_send_result(enum tocsin_link_type request, int err);

/** @brief Tell of an outcome, if the desk has asked for its kind. */
void desk_send_outcome(const struct outcome *outcome);

/** @brief Tell that a recording is over, and why. */
void desk_send_done(const struct desk_summary *summary);

/** @brief From the link's thread: a frame has come, so there is a desk. */
void desk_heard(void);

/** @brief Say who this is. */
void desk_send_info(void);

/** @brief Send the counters. */
void desk_send_status(void);

/** @brief Choose the reports: enum tocsin_link_report bits. */
void desk_subscribe(uint32_t reports);

#endif /* TOCSIN_APP_HOST_HOST_H_ */
