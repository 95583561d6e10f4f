/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Samples asked for one by one, on a fixed grid of the system's clock. */

#include <errno.h>

#include <zephyr/sys/util.h>

#include "accel.h"

#define TICKS ((uint64_t)CONFIG_SYS_CLOCK_TICKS_PER_SEC)

static int poll_start(const struct device *dev)
{
	struct accel_data *data = dev->data;

	data->anchor = k_uptime_ticks();
	data->made = 0;
	return 0;
}

/* When frame @p index is due; in two parts, as days of ticks times the rate would overflow. */
static int64_t due_at(const struct accel_data *data, uint64_t index)
{
	const uint32_t rate = data->format.sample_rate;
	const uint64_t n = index + 1;

	return data->anchor + (int64_t)(n / rate * TICKS + DIV_ROUND_UP(n % rate * TICKS, rate));
}

/* Frames that were due before @p now or are now. */
static uint64_t due_by(const struct accel_data *data, int64_t now)
{
	const uint64_t ticks = (uint64_t)(now - data->anchor);
	const uint32_t rate = data->format.sample_rate;

	return ticks / TICKS * rate + ticks % TICKS * rate / TICKS;
}

static int poll_take(const struct device *dev, size_t most, k_timepoint_t end,
		     struct accel_taken *taken)
{
	struct accel_data *data = dev->data;

	while (taken->frames < most) {
		const uint64_t due = due_by(data, k_uptime_ticks());

		if (due > data->made + 1) {
			/* The time of others has passed as well. */
			if (taken->frames > 0) {
				return 0; /* what is lost comes in front of the next */
			}
			taken->lost += due - 1 - data->made;
			data->made = due - 1;
		} else if (due <= data->made) {
			const int64_t when = due_at(data, data->made);

			if (sys_timepoint_expired(end)) {
				return taken->frames > 0 || taken->lost > 0 ? 0 : -EAGAIN;
			}
			if (sys_timepoint_cmp(sys_timepoint_calc(K_TIMEOUT_ABS_TICKS(when)), end) >
			    0) {
				k_sleep(sys_timepoint_timeout(end));
			} else {
				k_sleep(K_TIMEOUT_ABS_TICKS(when));
			}
			continue;
		}

		int err = accel_fetch(dev, &data->samples[taken->frames * data->format.channels]);

		if (err != 0) {
			return err;
		}
		taken->frames++;
		data->made++;
	}
	return 0;
}

const struct accel_way accel_poll = {.start = poll_start, .take = poll_take};
