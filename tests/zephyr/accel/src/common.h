/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef COMMON_H_
#define COMMON_H_

#include <tocsin/source.h>

#include "fake_sensor.h"

/** Vibration at @p rate Hz with a range of ±@p range g. */
static inline struct tocsin_source_format vibration(uint32_t rate, uint32_t channels, float range)
{
	return (struct tocsin_source_format){.sample_rate = rate,
					     .channels = channels,
					     .scale = range / 32768,
					     .vibration = true};
}

#endif /* COMMON_H_ */
