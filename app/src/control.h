/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Which bundle runs on which samples. Runs in the main thread.
 *
 * A desk's and the console's wishes wait in a short queue. One that finds it full is refused there
 * and then, so that whoever asked hears of it; nothing is ever dropped in silence.
 */

#ifndef TOCSIN_APP_CONTROL_H_
#define TOCSIN_APP_CONTROL_H_

#include <stdint.h>

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

/** @brief Run the embedded bundle on the chosen source, then do as commanded; never returns. */
void control_run(void);

/**
 * @brief Ask for something. Any thread.
 * @retval 0      it will be done, and answered where a desk asked
 * @retval -EBUSY too many wait already: nothing happens
 */
int control_ask(const struct command *command);

/** @brief From report: the stream has ended and all of it is reported. */
void control_stream_over(void);

/** @brief Any thread: a desk has begun or left something that control looks after. */
void control_wake(void);

#endif /* TOCSIN_APP_CONTROL_H_ */
