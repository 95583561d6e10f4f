/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The network embeds in 6 values, which are averaged over 2 parts and scored by the nearest of two
 * means; combined are neighbours with a network that predicts 2 values.
 */

/* One small valid bundle of each kind, every value of it distinct where the format allows. */

#ifndef TOCSIN_TEST_MODEL_BUNDLE_H_
#define TOCSIN_TEST_MODEL_BUNDLE_H_

#include "bundle_writer.h"

enum model {
	MODEL_KMEANS,
	MODEL_GMM_DIAGONAL,
	MODEL_GMM_FULL,
	MODEL_MAHALANOBIS_DIAGONAL,
	MODEL_MAHALANOBIS_FULL,
	MODEL_NEIGHBOURS_DIAGONAL,
	MODEL_NEIGHBOURS_FULL,
	MODEL_AUTOENCODER,
	MODEL_NETWORK,
	MODEL_COMBINED,
	MODEL_COUNT,
};

/* With bands: 1 channel, RMS and kurtosis, 4 bands, mean and maximum pooled. */
#define MODEL_BANDS   4
#define MODEL_WEIGHTS 7
#define MODEL_DIM     12

/* Without bands: 3 channels, four statistics, stack of 2 frames and the standard deviation. */
#define MODEL_PLAIN_DIM 36

#define MODEL_META "{\"name\": \"a test\"}" /* 18 bytes: not a multiple of 16 */

/* Draft a valid bundle. The draft must be freed. */
void model_draft(struct draft *draft, enum model model, int with_bands);

#endif /* TOCSIN_TEST_MODEL_BUNDLE_H_ */
