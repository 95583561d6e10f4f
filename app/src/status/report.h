/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the detector has said last, for those who are asked how things are.
 */

#ifndef TOCSIN_APP_STATUS_REPORT_H_
#define TOCSIN_APP_STATUS_REPORT_H_

#include <stdbool.h>

struct report_latest {
	float smoothed; /**< NaN while there is none in this stream */
	bool active;    /**< whether an alarm is on */
};

/** @brief Of the newest window. Any thread. */
struct report_latest report_latest_get(void);

#endif /* TOCSIN_APP_STATUS_REPORT_H_ */
