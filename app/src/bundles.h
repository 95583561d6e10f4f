/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Where bundles lie: the one embedded in the image, and two slots in RAM for uploads.
 *
 * An upload goes into the slot that does not run. The link's thread uploads; control switches.
 */

#ifndef TOCSIN_APP_BUNDLES_H_
#define TOCSIN_APP_BUNDLES_H_

#include <stddef.h>
#include <stdint.h>

/** The embedded bundle, and its size. */
const void *bundles_default(size_t *size);

/**
 * @brief Begin an upload; one that was under way is forgotten.
 * @retval 0       send the data
 * @retval -ENOSYS this image has no slots
 * @retval -EFBIG  more bytes than CONFIG_TOCSIN_BUNDLE_SLOT_SIZE
 */
int bundles_begin(uint32_t size);

/**
 * @brief Take a piece; pieces come in order, one that was taken already is left out.
 * @retval 0       taken
 * @retval -EINVAL no upload is under way, or a piece is missing before this one
 */
int bundles_write(uint32_t offset, const uint8_t *data, size_t size);

/**
 * @brief End an upload.
 * @param slot receives the slot that holds the bundle
 * @param size receives its size
 * @retval 0       complete
 * @retval -EINVAL no upload is under way, or bytes are missing
 */
int bundles_end(uint32_t *slot, uint32_t *size);

/** @brief The memory of a slot. */
const void *bundles_slot(uint32_t slot);

/** @brief From control: `slot` runs now; a negative one says that the embedded bundle does. */
void bundles_set_running(int slot);

#endif /* TOCSIN_APP_BUNDLES_H_ */
