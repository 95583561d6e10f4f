/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TOCSIN_FUZZ_BUNDLE_H_
#define TOCSIN_FUZZ_BUNDLE_H_

#include <stdint.h>

#include <tocsin/bundle.h>

#include "bundle_writer.h"

/* Run an accepted bundle: samples through dsp, score and decide. Aborts where a promise breaks. */
void run_bundle(const struct tocsin_bundle *bundle, uint32_t seed);

/* Make the sizes of the tables follow from the counts again, as far as they are not absurd. */
void mend_bundle(struct draft *draft);

#endif /* TOCSIN_FUZZ_BUNDLE_H_ */
