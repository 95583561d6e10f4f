/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Bundle: the deployable detector, parsed in place. Format: docs/reference/bundle.md.
 *
 * Parsing copies nothing and trusts nothing: every offset, count and value that a later stage uses
 * is checked, so a bundle that was accepted can be run. The configurations point into the caller's
 * bytes, which must stay unchanged for as long as they are used.
 */

#ifndef TOCSIN_BUNDLE_H_
#define TOCSIN_BUNDLE_H_

#include <stddef.h>
#include <stdint.h>

#include <tocsin/decide.h>
#include <tocsin/dsp.h>
#include <tocsin/score.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_BUNDLE_ALIGN        16 /**< alignment of the bundle in memory, and of its sections */
#define TOCSIN_BUNDLE_FORMAT_MAJOR 1
#define TOCSIN_BUNDLE_FORMAT_MINOR 4
#define TOCSIN_BUNDLE_PERIOD_MAX   604800000 /**< ms: a week */
#define TOCSIN_BUNDLE_SECTIONS_MAX 32

enum tocsin_bundle_sensor {
	TOCSIN_BUNDLE_AUDIO = 1,     /**< sound pressure, full scale = 1 */
	TOCSIN_BUNDLE_VIBRATION = 2, /**< acceleration in g */
};

/** A parsed bundle. */
struct tocsin_bundle {
	uint16_t format_major;
	uint16_t format_minor;
	uint32_t feature_version;
	uint32_t crc;  /**< of the content; names this very bundle in reports */
	uint32_t size; /**< bytes, header included */
	enum tocsin_bundle_sensor sensor;
	struct tocsin_dsp_config dsp;
	struct tocsin_score_config score;
	struct tocsin_decide_config decide;
	const uint8_t
		*model; /**< TFLite flatbuffer, 16-byte aligned; NULL where the kind needs none */
	uint32_t model_size; /**< bytes */
	uint32_t arena_size; /**< bytes of tensor arena that the model needs; 0 where there is none
			      */
	uint32_t slide;      /**< frames by which windows slide, where a network is to keep what it
				  made of the others; 0: nothing is kept */
	uint32_t listen_ms;  /**< duty cycle: listen so long, whole milliseconds … */
	uint32_t period_ms;  /**< … out of so long; both 0: listen always */
	const char *meta;    /**< training record, UTF-8 JSON, not terminated; may be NULL */
	uint32_t meta_size;  /**< bytes */
};

/**
 * @brief Check a bundle and find its parts.
 *
 * The order of the checks is that of docs/reference/bundle.md, so a bundle with two faults always
 * gives the same answer. On any error @p bundle is left as it was. The stack needed is below
 * 1 KiB, the time that of one CRC over the bundle and one look at each parameter.
 *
 * @param bundle filled on success
 * @param data   the bytes, aligned to TOCSIN_BUNDLE_ALIGN
 * @param size   bytes at @p data; more than the bundle's own size is allowed (a flash partition)
 * @retval 0        the bundle can be run
 * @retval -EINVAL  an argument is NULL, or @p data is not aligned
 * @retval -ENOEXEC not a Tocsin bundle
 * @retval -ENODATA truncated: fewer bytes than the header says, or than a header has
 * @retval -EBADMSG corrupt: a checksum does not match
 * @retval -ENOTSUP too new: the format's major version, or a section that must be understood, is
 *                  not known
 * @retval -EPROTO  wrong feature version: trained with features that this firmware does not compute
 * @retval -EILSEQ  malformed: the checksums match, but the contents contradict themselves
 */
int tocsin_bundle_parse(struct tocsin_bundle *bundle, const void *data, size_t size);

/** @brief What an answer of tocsin_bundle_parse() means, as an English clause; never NULL. */
const char *tocsin_bundle_strerror(int err);

/** @brief CRC-32 (IEEE 802.3, as zlib's crc32()) of @p size bytes, continuing from @p crc (0 to
 * start). */
uint32_t tocsin_bundle_crc32(uint32_t crc, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_BUNDLE_H_ */
