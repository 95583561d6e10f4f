/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Where bundles lie: the one embedded in the image, and two slots for uploads (store.h).
 *
 * An upload goes into the slot that does not run. The link's thread uploads; control switches.
 */

#ifndef TOCSIN_APP_BUNDLES_H_
#define TOCSIN_APP_BUNDLES_H_

#include <stddef.h>
#include <stdint.h>

/** A `slot` that is none: the embedded bundle. */
#define BUNDLES_EMBEDDED (-1)

/** @brief The embedded bundle, and its size. */
const void *bundles_default(size_t *size);

/**
 * @brief Begin an upload; one that was under way is forgotten. Takes some seconds in flash.
 * @retval 0       send the data
 * @retval -ENOSYS this image has no slots
 * @retval -EFBIG  more bytes than a slot has
 * @retval -EBUSY  the upload before is still being looked at
 * @return else a negative errno of the flash driver
 */
int bundles_begin(uint32_t size);

/**
 * @brief Take a piece; pieces come in order, one that was taken already is left out.
 * @retval 0       taken
 * @retval -EINVAL no upload is under way, or a piece is missing before this one
 * @return else a negative errno of the flash driver: the upload has to begin anew
 */
int bundles_write(uint32_t offset, const uint8_t *data, size_t size);

/**
 * @brief End an upload. Nothing is written any more until control has called bundles_settle().
 * @param slot receives the slot that holds the bundle
 * @param size receives its size
 * @retval 0       complete
 * @retval -EINVAL no upload is under way, or bytes are missing
 * @return else a negative errno of the flash driver
 */
int bundles_end(uint32_t *slot, uint32_t *size);

/** @brief The memory of a slot. */
const void *bundles_slot(uint32_t slot);

/** @brief From control: `slot`, or BUNDLES_EMBEDDED, runs now, and after a reset where it can. */
void bundles_set_running(int slot, size_t size);

/** @brief From control: the upload that was ended has been looked at. */
void bundles_settle(void);

/**
 * @brief What ran when the device was switched off.
 * @param size receives the bundle's size
 * @return its slot, or BUNDLES_EMBEDDED
 */
int bundles_last(size_t *size);

#endif /* TOCSIN_APP_BUNDLES_H_ */
