/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Where bundles lie: the one embedded in the image, and two slots for uploads (store.h).
 *
 * An upload goes into the slot that does not run. The link's thread uploads; control switches, and
 * gives up an upload whose desk has gone away.
 */

#ifndef TOCSIN_APP_BUNDLES_BUNDLES_H_
#define TOCSIN_APP_BUNDLES_BUNDLES_H_

#include <stdbool.h>
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
 * @retval -EINVAL no bytes at all
 * @retval -EFBIG  more bytes than a slot has
 * @retval -EBUSY  the upload before is still being looked at
 * @return else a negative errno of the flash driver
 */
int bundles_begin(uint32_t size);

/**
 * @brief Take a piece; pieces come in order, one that was taken already is left out.
 * @retval 0       taken
 * @retval -EPIPE  no upload is under way
 * @retval -ESPIPE a piece is missing before this one, or it goes beyond the size
 * @return else a negative errno of the flash driver: the upload has to begin anew
 */
int bundles_write(uint32_t offset, const uint8_t *data, size_t size);

/**
 * @brief End an upload. Nothing is written any more until it has been settled, or is open again.
 * @param slot receives the slot that holds the bundle
 * @param size receives its size
 * @retval 0         complete
 * @retval -EPIPE    no upload is under way
 * @retval -EMSGSIZE bytes are missing
 * @retval -EBUSY    it is ended already, and being looked at
 * @return else a negative errno of the flash driver
 */
int bundles_end(uint32_t *slot, uint32_t *size);

/** @brief Undo bundles_end(): control could not be asked. The desk may end the upload again. */
void bundles_reopen(void);

/** @brief The memory of a slot. */
const void *bundles_slot(uint32_t slot);

/** @brief From control: `slot`, or BUNDLES_EMBEDDED, runs now, and after a reset where it can. */
void bundles_set_running(int slot, size_t size);

/** @brief From control: the upload that was ended has been looked at. */
void bundles_settle(void);

/** @brief From control: whether an upload was given up just now, its desk having gone away. */
bool bundles_forget_silent(void);

/** @brief Milliseconds until an upload is given up, if nothing comes; UINT32_MAX where none is. */
uint32_t bundles_patience_ms(void);

/** @brief Whether an upload is under way. */
bool bundles_uploading(void);

/**
 * @brief What ran when the device was switched off.
 * @param size receives the bundle's size
 * @return its slot, or BUNDLES_EMBEDDED
 */
int bundles_last(size_t *size);

#endif /* TOCSIN_APP_BUNDLES_BUNDLES_H_ */
