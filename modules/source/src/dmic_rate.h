/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_SOURCE_DMIC_RATE_H_
#define TOCSIN_SOURCE_DMIC_RATE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a PDM controller and its microphone can do. */
struct dmic_clocks {
	const uint32_t *clocks; /* Hz; none: not known */
	size_t n_clocks;
	const uint32_t *ratios; /* clock periods a sample */
	size_t n_ratios;
	uint32_t lowest; /* Hz that the microphone works with */
	uint32_t highest;
};

/** The sample rate nearest to @p rate, which is what drivers choose; @p rate itself where the
 * clocks are not known; 0 where none is allowed. */
static inline uint32_t dmic_nearest_rate(const struct dmic_clocks *with, uint32_t rate)
{
	uint32_t best = 0;
	uint32_t best_off = UINT32_MAX;

	if (with->n_clocks == 0 || with->n_ratios == 0) {
		return rate;
	}
	for (size_t c = 0; c < with->n_clocks; c++) {
		if (with->clocks[c] < with->lowest || with->clocks[c] > with->highest) {
			continue;
		}
		for (size_t r = 0; r < with->n_ratios; r++) {
			const uint32_t found = with->clocks[c] / with->ratios[r];
			const uint32_t off = found > rate ? found - rate : rate - found;

			if (off < best_off) {
				best = found;
				best_off = off;
			}
		}
	}
	return best;
}

/** Whether @p found is within 2 % of @p rate. */
static inline bool dmic_rate_is_near(uint32_t found, uint32_t rate)
{
	const uint64_t off = found > rate ? found - rate : rate - found;

	return off * 50 <= rate;
}

#endif /* TOCSIN_SOURCE_DMIC_RATE_H_ */
