/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The synthetic source's own control: a fault that can be switched on and off.
 */

#ifndef TOCSIN_SOURCE_SYNTHETIC_H_
#define TOCSIN_SOURCE_SYNTHETIC_H_

#include <stdbool.h>

#include <zephyr/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Let the machine fail, or mend it. May be called at any time, from any thread. */
void tocsin_source_synthetic_set_fault(const struct device *dev, bool on);

/** @brief Whether the machine is failing. */
bool tocsin_source_synthetic_fault(const struct device *dev);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SOURCE_SYNTHETIC_H_ */
