/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* What is found of a window's rows: all that slid and no others, and what was put beside each. */

#include <zephyr/ztest.h>

#include "kept.h"
#include "random.h"

namespace
{

constexpr uint32_t kRows = 5;
constexpr uint32_t kIn = 7;  /* a word and a rest */
constexpr uint32_t kOut = 6; /* likewise */
constexpr uint32_t kFrames = 64;
constexpr int8_t kUntouched = 0x5a;

int8_t frames[kFrames][kIn];
int8_t mem[kRows * (kIn + kOut) + 1];

/* What the layer makes of a frame: tells all of them apart. */
int8_t made_of(uint32_t frame, uint32_t value)
{
	return static_cast<int8_t>(frame * kOut + value);
}

/* Go through a window, and say by bits which rows were found. */
uint32_t take(struct tocsin_kept &kept, uint32_t begin)
{
	uint32_t found = 0;

	tocsin_kept_begin(&kept);
	for (uint32_t row = 0; row < kRows; row++) {
		const uint32_t frame = begin + row;
		int8_t output[kOut + 1];

		memset(output, kUntouched, sizeof(output));
		if (tocsin_kept_find(&kept, row, frames[frame], output)) {
			found |= BIT(row);
			for (uint32_t i = 0; i < kOut; i++) {
				zassert_equal(output[i], made_of(frame, i), "frame %u", frame);
			}
			zassert_equal(output[kOut], kUntouched);
			continue;
		}
		for (uint32_t i = 0; i < kOut; i++) {
			output[i] = made_of(frame, i);
		}
		tocsin_kept_put(&kept, row, frames[frame], output);
	}
	return found;
}

struct tocsin_kept fresh(uint32_t slide)
{
	struct tocsin_kept kept;

	memset(mem, kUntouched, sizeof(mem));
	tocsin_kept_init(&kept, kRows, slide, kIn, kOut, mem);
	return kept;
}

void *make_frames(void)
{
	state = 5;
	for (uint32_t frame = 0; frame < kFrames; frame++) {
		for (int8_t &value : frames[frame]) {
			value = static_cast<int8_t>(random_bits());
		}
	}
	return NULL;
}

} /* namespace */

ZTEST(kept, test_rows_that_slid_are_found)
{
	for (uint32_t slide = 1; slide < kRows; slide++) {
		struct tocsin_kept kept = fresh(slide);

		zassert_equal(take(kept, 0), 0, "nothing is kept before the first window");
		for (uint32_t window = 1; window < 10; window++) {
			zassert_equal(take(kept, window * slide), BIT_MASK(kRows - slide),
				      "window %u, slide %u", window, slide);
		}
		zassert_equal(mem[sizeof(mem) - 1], kUntouched, "written past the end");
	}
}

ZTEST(kept, test_what_memory_held_before_is_not_found)
{
	struct tocsin_kept kept = fresh(1);

	memset(frames[0], kUntouched, kRows * kIn);
	/* The frames are what the memory is full of. */
	zassert_equal(take(kept, 0), 0);
	(void)make_frames();
}

ZTEST(kept, test_other_windows_find_nothing)
{
	struct tocsin_kept kept = fresh(1);

	(void)take(kept, 0);
	zassert_equal(take(kept, 30), 0, "after a gap");
	zassert_equal(take(kept, 32), 0, "after a window that was skipped");
	zassert_equal(take(kept, 32), 0, "the same once more");
	zassert_equal(take(kept, 33), BIT_MASK(kRows - 1));
}

ZTEST(kept, test_every_value_counts)
{
	for (uint32_t value = 0; value < kIn; value++) {
		struct tocsin_kept kept = fresh(1);
		int8_t *const changed = &frames[3][value];

		(void)take(kept, 0);
		(*changed)++;
		/* Frame 3 is the second but last row of the window from 1 on. */
		zassert_equal(take(kept, 1), BIT_MASK(kRows - 1) & ~BIT(2), "value %u", value);
		(*changed)--;
	}
}

ZTEST_SUITE(kept, NULL, make_frames, NULL, NULL, NULL);
