/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/sys/printk.h>
#include <zephyr/sys/util.h>

#include "cmsis_dsp.h"
#include "measure.h"
#include "stages.h"

extern const uint8_t bench_bundles[];
extern const uint8_t bench_bundles_end[];

int main(void)
{
	const uint8_t *at = bench_bundles;
	int number = 0;

	while (at < bench_bundles_end) {
		const size_t size = stages_measure(number++, at, (size_t)(bench_bundles_end - at));

		if (size == 0) {
			printk("bench failed %d\n", number - 1);
			return 0;
		}
		at += ROUND_UP(size, 16);
	}
#if defined(CONFIG_CMSIS_DSP)
	cmsis_dsp_measure();
#endif
	printk("bench done\n");
	return 0;
}
