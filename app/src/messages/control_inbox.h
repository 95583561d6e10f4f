/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What control is asked and told, by whoever runs below it.
 *
 * A host's and the console's commands wait in a short queue. One that finds it full is refused
 * there and then, so that whoever asked hears of it. Nothing is ever dropped in silence.
 */

#ifndef TOCSIN_APP_MESSAGES_CONTROL_INBOX_H_
#define TOCSIN_APP_MESSAGES_CONTROL_INBOX_H_

#include <stdint.h>

#include <zephyr/kernel.h>

/** What to do next. Those of a desk are answered by a RESULT when they are done. */
enum command_kind {
	COMMAND_REPLAY,      /**< a desk's recording takes over */
	COMMAND_ABORT,       /**< a desk ends the replay */
	COMMAND_END_REPLAY,  /**< the console ends the replay */
	COMMAND_USE_BUNDLE,  /**< run the bundle in `slot` */
	COMMAND_USE_DEFAULT, /**< run the embedded bundle */
};

struct command {
	enum command_kind kind;
	union {
		struct {
			uint32_t slot;
			uint32_t size;
		} bundle; /**< COMMAND_USE_BUNDLE */
		struct {
			uint32_t sample_rate;
			uint32_t channels;
		} recording; /**< COMMAND_REPLAY: what the desk is going to send */
	};
};

/**
 * @brief Ask for something. Any thread.
 * @retval 0      it will be done, and answered where a host asked
 * @retval -EBUSY too many commands wait already: nothing happens
 */
int control_ask(const struct command *command);

/** @brief From report: the stream has ended and all of it is reported. */
void control_stream_over(void);

/** @brief Any thread: a host has begun or left something that control looks after. */
void control_wake(void);

/** Control alone takes from these. */
extern struct k_msgq control_commands; /**< struct command */
extern struct k_sem control_work;      /**< something of all this is to be looked at */
extern struct k_sem control_over;      /**< the stream is over */

#endif /* TOCSIN_APP_MESSAGES_CONTROL_INBOX_H_ */
