/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What uploaded bundles lie in: two slots, in flash or in RAM.
 *
 * In flash (CONFIG_TOCSIN_BUNDLE_FLASH) a bundle that was kept runs again after a reset; whatever
 * moment the supply fails at, what was kept before is there. In RAM nothing outlives a reset.
 *
 * A slot is written by the link's thread and kept by control's, which do not use the same one at
 * the same time (bundles.c).
 */

#ifndef TOCSIN_APP_BUNDLES_STORE_H_
#define TOCSIN_APP_BUNDLES_STORE_H_

#include <stddef.h>
#include <stdint.h>

#define STORE_SLOTS 2

/** @brief The largest bundle, bytes; 0 where this image has no slots. */
size_t store_capacity(void);

/**
 * @brief Make room for @p size bytes in a slot; what it held is gone. Flash takes 0.1 s for 4 KiB.
 * @retval 0 store_append() may follow
 * @return else a negative errno of the flash driver
 */
int store_begin(uint32_t slot, size_t size);

/** @brief Write the next bytes, @p size in all at most. @return 0 or a negative errno */
int store_append(const uint8_t *data, size_t size);

/** @brief All is there: write what is still on its way. @return 0 or a negative errno */
int store_finish(void);

/** @brief Where a slot's bundle lies, aligned to TOCSIN_BUNDLE_ALIGN. */
const void *store_slot(uint32_t slot);

/** @brief Let a slot's bundle of @p size bytes run after a reset. @return 0 or a negative errno */
int store_keep(uint32_t slot, size_t size);

/** @brief Let the embedded bundle run after a reset. @return 0 or a negative errno */
int store_forget(void);

/**
 * @brief What was kept.
 * @param size receives the bundle's size
 * @return its slot, or -ENOENT
 */
int store_kept(size_t *size);

#endif /* TOCSIN_APP_BUNDLES_STORE_H_ */
