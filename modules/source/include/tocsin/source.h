/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Where samples come from: one structure of operations for every source.
 *
 * A source is a device whose driver API is struct tocsin_source_api; devicetree chooses one as
 * `tocsin,source`. One thread calls start, read and stop. Samples are int16, interleaved; counts
 * are in *frames*, one sample of every channel.
 *
 * A source never loses samples in silence: what it lost is told in the next block.
 */

#ifndef TOCSIN_SOURCE_H_
#define TOCSIN_SOURCE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zephyr/device.h>
#include <zephyr/kernel.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the detector was trained with; comes from the bundle. */
struct tocsin_source_format {
	uint32_t sample_rate; /**< Hz, of each channel */
	uint32_t channels;    /**< 1 to 3 */
	float scale;    /**< physical units a digit: full scale = 1 (audio) or g (vibration) */
	bool vibration; /**< acceleration, not sound */
};

/** Samples in a row. */
struct tocsin_source_block {
	uint64_t lost;          /**< frames that the source lost directly before these samples */
	const int16_t *samples; /**< the source's memory, valid until its next read or stop */
	size_t frames;          /**< may be 0 where only a loss is told */
};

/** Operations of a source. */
struct tocsin_source_api {
	/**
	 * The source waits for its reader and loses nothing while nobody reads (a recording), so
	 * the reader should take only what it can keep. Otherwise samples come in real time.
	 */
	bool paced;

	/**
	 * Whether the source can deliver @p format.
	 * @retval 0 yes
	 * @retval -ENOTSUP no
	 */
	int (*check)(const struct device *dev, const struct tocsin_source_format *format);

	/**
	 * Begin; the next block begins with the stream's first sample. May fail now and succeed
	 * later: a sensor that is not there yet is asked again.
	 * @retval 0 running
	 * @retval -ENOTSUP the format cannot be delivered
	 * @retval -EALREADY it runs already
	 * @return else the hardware's negative errno
	 */
	int (*start)(const struct device *dev, const struct tocsin_source_format *format);

	/**
	 * Wait for samples.
	 * @param max_frames most frames wanted, at least 1
	 * @retval 0 @p block is filled
	 * @retval -EAGAIN nothing came within @p timeout
	 * @retval -ENODATA the recording has ended
	 * @return else the hardware's negative errno; the reader may stop it and start again
	 */
	int (*read)(const struct device *dev, size_t max_frames, k_timeout_t timeout,
		    struct tocsin_source_block *block);

	/** End. What was not read is forgotten. Does nothing where it does not run. */
	void (*stop)(const struct device *dev);
};

static inline const struct tocsin_source_api *tocsin_source_api_of(const struct device *dev)
{
	return (const struct tocsin_source_api *)dev->api;
}

/** @brief See struct tocsin_source_api. */
static inline bool tocsin_source_is_paced(const struct device *dev)
{
	return tocsin_source_api_of(dev)->paced;
}

/** @brief See struct tocsin_source_api. */
static inline int tocsin_source_check(const struct device *dev,
				      const struct tocsin_source_format *format)
{
	return tocsin_source_api_of(dev)->check(dev, format);
}

/** @brief See struct tocsin_source_api. */
static inline int tocsin_source_start(const struct device *dev,
				      const struct tocsin_source_format *format)
{
	return tocsin_source_api_of(dev)->start(dev, format);
}

/** @brief See struct tocsin_source_api. */
static inline int tocsin_source_read(const struct device *dev, size_t max_frames,
				     k_timeout_t timeout, struct tocsin_source_block *block)
{
	return tocsin_source_api_of(dev)->read(dev, max_frames, timeout, block);
}

/** @brief See struct tocsin_source_api. */
static inline void tocsin_source_stop(const struct device *dev)
{
	tocsin_source_api_of(dev)->stop(dev);
}

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_SOURCE_H_ */
