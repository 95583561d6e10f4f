/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The messages between the services, and their zbus channels.
 *
 *   control ─▶ stream ─▶ acquisition ─▶ samples ─▶ features ─▶ item ─▶ detector
 *      ▲                                                                   │
 *      └────────────────── report (and desk) ◀───── outcome ◀── acquisition┘
 *
 * Report is no thread: it tells in that of whoever publishes an outcome. Control is asked, and told
 * of a stream's end, by calls (control_inbox.h): whoever asks must hear that it cannot be done now.
 *
 * Samples and vectors are not copied through the bus. Samples lie in the window ring; a vector lies
 * in a slot of the pipeline, and an item names the slot. Who holds the item owns the slot: features
 * until it has published, the detector until it has scored and given the slot back.
 */

#ifndef TOCSIN_APP_MESSAGES_CHANNELS_H_
#define TOCSIN_APP_MESSAGES_CHANNELS_H_

#include <stdbool.h>
#include <stdint.h>

#include <zephyr/zbus/zbus.h>

#include <tocsin/decide.h>
#include <tocsin/dsp.h>
#include <tocsin/link.h>
#include <tocsin/ring.h>
#include <tocsin/source_health.h>

/** From control: a stream begins, or shall end. */
struct stream_state {
	bool run;
	bool replay;
	enum tocsin_link_replay_end why; /**< where it shall end */
};

/** From acquisition: samples have come, or the stream is over. */
struct samples_state {
	bool ended;
	enum tocsin_link_replay_end why; /**< where it has ended */
	uint64_t total;                  /**< frames of the stream so far, those lost included */
};

/** From features: what happens to the stream, in its order. */
enum item_kind {
	ITEM_VECTOR,
	ITEM_GAP,
	ITEM_END,
};

/** Samples that are missing. */
struct gap {
	struct tocsin_ring_gap at;
	uint64_t slept; /**< of them: a pause of the duty cycle, not a loss */
};

/** The end of a stream. */
struct ending {
	uint64_t total; /**< frames of the stream, those lost included */
	enum tocsin_link_replay_end why;
};

struct item {
	enum item_kind kind;
	uint8_t slot; /**< ITEM_VECTOR: handed over with the message */
	union {
		struct tocsin_dsp_window window; /**< ITEM_VECTOR */
		struct gap gap;                  /**< ITEM_GAP */
		struct ending ending;            /**< ITEM_END */
	};
};

/** From the detector: what came of it; from acquisition: how the sensor is. */
enum outcome_kind {
	OUTCOME_WINDOW,
	OUTCOME_EVENT,
	OUTCOME_GAP,
	OUTCOME_END,
	OUTCOME_SENSOR, /**< in no order with the others: those are late by what the ring holds */
};

struct outcome {
	enum outcome_kind kind;
	bool replay; /**< of a host's recording */
	bool active; /**< whether the alarm is on; not of OUTCOME_SENSOR */
	union {
		struct {
			struct tocsin_dsp_window at;
			float score;
			float smoothed; /**< NaN while the smoothing is not full */
			bool fault;     /**< the sensor may have had one */
		} window;
		struct tocsin_decide_event event;
		struct gap gap;
		struct ending ending;
		struct {
			enum tocsin_source_condition condition;
			bool begins;
			uint64_t index; /**< of the first frame with it, or without it */
		} sensor;
	};
};

ZBUS_CHAN_DECLARE(stream_chan, samples_chan, item_chan, outcome_chan);

/** @brief From features: publish an item; waits where the detector is late with many gaps. */
void item_publish(const struct item *item);

/** @brief The next item, for the detector; waits for it. */
void item_wait(struct item *item);

/**
 * @brief Publish an outcome: when this returns, the alarm, the console and the desk know.
 * @param patience how long to wait for another thread's outcome to be told
 * @retval 0 published
 * @return else a negative errno: nothing was published
 */
int outcome_publish(const struct outcome *outcome, k_timeout_t patience);

#endif /* TOCSIN_APP_MESSAGES_CHANNELS_H_ */
