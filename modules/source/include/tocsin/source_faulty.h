/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The faulty source's own control: which fault it shows. For tests.
 */

#ifndef TOCSIN_SOURCE_FAULTY_H_
#define TOCSIN_SOURCE_FAULTY_H_

#include <zephyr/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What goes wrong between the wrapped source and its reader. */
enum tocsin_source_fault {
	TOCSIN_SOURCE_FAULT_NONE,
	TOCSIN_SOURCE_FAULT_DRIVER_ERROR, /**< each read fails, starts succeed */
	TOCSIN_SOURCE_FAULT_STALL,        /**< it runs, and delivers nothing */
	TOCSIN_SOURCE_FAULT_SHORT_BLOCK,  /**< half of each block is missing, and nobody says so */
	TOCSIN_SOURCE_FAULT_STUCK,        /**< the same sample again and again */
	TOCSIN_SOURCE_FAULT_SATURATE,     /**< far too loud: clipped at the rails */
	TOCSIN_SOURCE_FAULT_ABSENT,       /**< nothing answers: neither starts nor reads succeed */
	TOCSIN_SOURCE_FAULTS,
};

/** @brief Choose the fault, from now on. Any thread, any time. */
void tocsin_source_faulty_inject(const struct device *dev, enum tocsin_source_fault fault);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SOURCE_FAULTY_H_ */
