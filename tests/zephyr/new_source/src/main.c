/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include <zephyr/ztest.h>

#include <tocsin/source.h>

static const struct device *const source = DEVICE_DT_GET(DT_CHOSEN(tocsin_source));

ZTEST_SUITE(new_source, NULL, NULL, NULL, NULL, NULL);

ZTEST(new_source, test_every_sample_is_at_its_index)
{
	struct tocsin_source_format format = {.sample_rate = 500, .channels = 1, .scale = 1};
	struct tocsin_source_block block;
	uint64_t position = 0;
	uint64_t lost = 0;

	zassert_ok(tocsin_source_start(source, &format));
	zassert_equal(tocsin_source_read(source, SIZE_MAX, K_NO_WAIT, &block), -EAGAIN);
	for (int i = 0; i < 200; i++) {
		zassert_ok(tocsin_source_read(source, i % 7 + 1, K_SECONDS(1), &block));
		position += block.lost;
		lost += block.lost;
		for (size_t k = 0; k < block.frames; k++, position++) {
			zassert_equal(block.samples[k], (int16_t)(3 * position));
		}
		if (i == 100) {
			k_sleep(K_MSEC(100)); /* 50 frames */
		}
	}
	zassert_within((int)lost, 50, 5);
	tocsin_source_stop(source);
	zassert_equal(tocsin_source_read(source, 1, K_NO_WAIT, &block), -ENODATA);
	format.channels = 2;
	zassert_equal(tocsin_source_check(source, &format), -ENOTSUP);
}
