/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief How a live source is read. Acquisition's thread alone calls.
 */

#ifndef TOCSIN_APP_PIPELINE_LIVE_H_
#define TOCSIN_APP_PIPELINE_LIVE_H_

#include <zephyr/device.h>

#include <tocsin/source.h>

/** @brief Read a live source until the stream shall end, whatever the source does. */
void live_run(const struct device *source, const struct tocsin_source_format *format);

#endif /* TOCSIN_APP_PIPELINE_LIVE_H_ */
