/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The sources that devicetree gives this image.
 */

#ifndef TOCSIN_APP_SENSOR_SOURCES_H_
#define TOCSIN_APP_SENSOR_SOURCES_H_

#include <zephyr/device.h>
#include <zephyr/devicetree.h>

/** @brief The chosen source (`tocsin,source`), or NULL. */
static inline const struct device *sources_live(void)
{
	return DEVICE_DT_GET_OR_NULL(DT_CHOSEN(tocsin_source));
}

/** @brief The source for recordings of a host, or NULL. */
static inline const struct device *sources_replay(void)
{
#if defined(CONFIG_TOCSIN_SOURCE_REPLAY)
	return DEVICE_DT_GET_ANY(tocsin_source_replay);
#else
	return NULL;
#endif
}

#endif /* TOCSIN_APP_SENSOR_SOURCES_H_ */
