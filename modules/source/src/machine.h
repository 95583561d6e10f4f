/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_SOURCE_MACHINE_H_
#define TOCSIN_SOURCE_MACHINE_H_

#include <stdbool.h>
#include <stdint.h>

/** A rotating machine: integer arithmetic only, so it sounds the same everywhere. */
struct tocsin_machine {
	uint32_t step;       /* shaft's phase a sample, 2^32 a turn */
	uint32_t fault_step; /* likewise of the balls passing the damage */
	uint32_t phase;
	uint32_t fault_phase;
	uint32_t noise_state;
	int32_t amplitude;
	int32_t noise;
	int32_t ring;  /* envelope of the impact that is ringing, digits */
	int32_t decay; /* of that envelope a sample, in 2^-16 */
	uint32_t ring_step;
	uint32_t ring_phase;
};

/** Begin at phase zero. @p rate in Hz, @p millihertz turns a second in thousandths. */
void tocsin_machine_init(struct tocsin_machine *machine, uint32_t rate, uint32_t millihertz,
			 int32_t amplitude, int32_t noise);

/** One sample of every channel. */
void tocsin_machine_frame(struct tocsin_machine *machine, bool fault, uint32_t channels,
			  int16_t *samples);

#endif /* TOCSIN_SOURCE_MACHINE_H_ */
