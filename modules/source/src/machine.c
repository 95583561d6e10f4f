/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* No Zephyr in here: the default bundle is trained on this machine, on the desk. */

#include "machine.h"

/* Relative amplitudes of the shaft's harmonics, in 1/256. */
static const uint16_t harmonics[] = {256, 96, 48, 40, 12, 20};

/* Balls pass a damage of a bearing's outer race about 3.6 times a turn; not a whole number, or the
 * fault would hide among the harmonics. */
#define BALL_PASS_NUM 36
#define BALL_PASS_DEN 10

/* An impact rings at a resonance far above the shaft: a quarter of the sample rate. */
#define RING_STEP (UINT32_MAX / 4)

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
	return value < low ? low : value > high ? high : value;
}

static uint32_t at_least(uint32_t value, uint32_t least)
{
	return value < least ? least : value;
}

/* sin(2π phase / 2^32) · 32767, as a parabola: its few per cent of distortion only add harmonics.
 */
static int32_t sine(uint32_t phase)
{
	int32_t x = (int32_t)phase >> 16; /* -32768 … 32767 is a turn */
	int32_t y = (x * (32768 - (x < 0 ? -x : x))) >> 13;

	return clamp(y, -32767, 32767);
}

/* xorshift32 (Marsaglia 2003); a triangular distribution from two of its draws. */
static int32_t noise(struct tocsin_machine *machine)
{
	int32_t sum = 0;

	for (int i = 0; i < 2; i++) {
		uint32_t s = machine->noise_state;

		s ^= s << 13;
		s ^= s >> 17;
		s ^= s << 5;
		machine->noise_state = s;
		sum += (int16_t)(s >> 16);
	}
	return (int32_t)(((int64_t)(sum / 2) * machine->noise) / 32768);
}

void tocsin_machine_init(struct tocsin_machine *machine, uint32_t rate, uint32_t millihertz,
			 int32_t amplitude, int32_t noise_peak)
{
	uint64_t step = ((uint64_t)millihertz << 32) / (1000ull * rate);
	/* The impact dies to 1/e in about a tenth of the time between two. */
	uint32_t period = (uint32_t)(1000ull * rate * BALL_PASS_DEN /
				     ((uint64_t)at_least(millihertz, 1) * BALL_PASS_NUM));

	*machine = (struct tocsin_machine){
		.step = (uint32_t)step,
		.fault_step = (uint32_t)(step * BALL_PASS_NUM / BALL_PASS_DEN),
		.noise_state = 0x70c51e11,
		.amplitude = amplitude,
		.noise = noise_peak,
		.decay = (int32_t)(65536u / at_least(period / 10, 2)),
		.ring_step = RING_STEP,
	};
}

void tocsin_machine_frame(struct tocsin_machine *machine, bool fault, uint32_t channels,
			  int16_t *samples)
{
	const uint32_t before = machine->fault_phase;

	machine->phase += machine->step;
	machine->fault_phase += machine->fault_step;
	machine->ring_phase += machine->ring_step;
	if (fault && machine->fault_phase < before) {
		machine->ring = 2 * machine->amplitude;
	}
	machine->ring -= (int32_t)(((int64_t)machine->ring * machine->decay) >> 16);

	for (uint32_t c = 0; c < channels; c++) {
		int32_t sum = noise(machine);

		for (uint32_t h = 0; h < sizeof(harmonics) / sizeof(harmonics[0]); h++) {
			/* A harmonic above half the sample rate would come back as another. */
			if ((uint64_t)machine->step * (h + 1) >= (1ull << 31)) {
				break;
			}
			/* Channels see the shaft a third of a turn apart. */
			uint32_t phase = (machine->phase + c * (UINT32_MAX / 3)) * (h + 1);

			sum += (int32_t)(((int64_t)sine(phase) * machine->amplitude *
					  harmonics[h]) >>
					 23);
		}
		sum += (int32_t)(((int64_t)sine(machine->ring_phase) * machine->ring) >> 15);
		samples[c] = (int16_t)clamp(sum, INT16_MIN, INT16_MAX);
	}
}
