/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A DMIC that behaves as Zephyr's nRF driver does: it fills blocks of the slab in real time, two of
 * them being the hardware's, queues at most FAKE_QUEUE, and stops for good where the slab is empty.
 *
 * The world goes on while it stands still: each frame's first sample is its index since time 0,
 * modulo 16384, so a reader can tell what it really missed. The second channel is its negative.
 */

#ifndef FAKE_DMIC_H_
#define FAKE_DMIC_H_

#include <stdbool.h>
#include <stdint.h>

#include <zephyr/audio/dmic.h>

#define FAKE_QUEUE  4
#define FAKE_MODULO 16384

/** What the driver was last asked for, and how often. */
struct fake_dmic_seen {
	struct dmic_cfg cfg;
	struct pcm_stream_cfg stream;
	int configured, started, stopped;
};

extern struct fake_dmic_seen fake_dmic_seen;

/** Forget all; the driver is at rest. */
void fake_dmic_reset(void);

/** Add to every sample: an offset of the microphone. */
void fake_dmic_set_offset(int16_t offset);

/** Stop giving blocks without a word, as a hung peripheral does. */
void fake_dmic_hang(void);

/** Let the next calls of configure answer @p err, @p times times. */
void fake_dmic_fail_configure(int err, int times);

/** Let the next read answer @p err. */
void fake_dmic_fail_read(int err);

/** Whether it is filling blocks. */
bool fake_dmic_active(void);

#endif /* FAKE_DMIC_H_ */
