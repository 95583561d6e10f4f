/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Link: the protocol between a device and a desk. Specified in docs/reference/link.md.
 *
 * Portable: frames and message layouts, no transport (that is <tocsin/link_uart.h>). A frame is a
 * type, a sequence number, a payload and a CRC-32, stuffed (COBS) so that a zero byte occurs only
 * between frames: whatever happens on the wire, the next zero starts afresh.
 */

#ifndef TOCSIN_LINK_H_
#define TOCSIN_LINK_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_LINK_MAJOR 1 /**< versions that differ here do not understand each other */
#define TOCSIN_LINK_MINOR 3 /**< a higher one only adds to a lower one */

/** Most payload bytes in a frame. */
#define TOCSIN_LINK_PAYLOAD_MAX 512

/** Bytes of a frame before stuffing: type, sequence number, payload, CRC. */
#define TOCSIN_LINK_FRAME_MAX (2 + TOCSIN_LINK_PAYLOAD_MAX + 4)

/** Bytes of a frame on the wire: a delimiter at both ends and a code byte for every 254 bytes. */
#define TOCSIN_LINK_WIRE_MAX (TOCSIN_LINK_FRAME_MAX + TOCSIN_LINK_FRAME_MAX / 254 + 3)

/** Where in the frame's own memory a payload may lie that tocsin_link_encode() is to stuff: no byte
 * is overwritten before it has been read. */
#define TOCSIN_LINK_WIRE_PAYLOAD (4 + TOCSIN_LINK_FRAME_MAX / 254)

/** What a message is. From the device: bit 7 set. */
enum tocsin_link_type {
	TOCSIN_LINK_HELLO = 0x01,
	TOCSIN_LINK_SUBSCRIBE = 0x02,
	TOCSIN_LINK_GET_STATUS = 0x03,
	TOCSIN_LINK_REPLAY_START = 0x10,
	TOCSIN_LINK_SAMPLES = 0x11,
	TOCSIN_LINK_REPLAY_GAP = 0x12,
	TOCSIN_LINK_REPLAY_END = 0x13,
	TOCSIN_LINK_REPLAY_ABORT = 0x14,
	TOCSIN_LINK_BUNDLE_BEGIN = 0x20,
	TOCSIN_LINK_BUNDLE_DATA = 0x21,
	TOCSIN_LINK_BUNDLE_COMMIT = 0x22,
	TOCSIN_LINK_BUNDLE_DEFAULT = 0x23,
	TOCSIN_LINK_RECORD_START = 0x30,
	TOCSIN_LINK_RECORD_ACK = 0x31,
	TOCSIN_LINK_RECORD_STOP = 0x32,

	TOCSIN_LINK_INFO = 0x81,
	TOCSIN_LINK_RESULT = 0x82,
	TOCSIN_LINK_STATUS = 0x83,
	TOCSIN_LINK_CREDIT = 0x90,
	TOCSIN_LINK_REPLAY_DONE = 0x91,
	TOCSIN_LINK_VECTOR = 0xa0,
	TOCSIN_LINK_WINDOW = 0xa1,
	TOCSIN_LINK_EVENT = 0xa2,
	TOCSIN_LINK_GAP = 0xa3,
	TOCSIN_LINK_SENSOR = 0xa4,
	TOCSIN_LINK_RECORD_STATE = 0xb0,
	TOCSIN_LINK_RECORD_DATA = 0xb1,
	TOCSIN_LINK_RECORD_GAP = 0xb2,
	TOCSIN_LINK_RECORD_END = 0xb3,
};

/** What a RESULT says. Numbers of the protocol: an errno differs from one C library to the next. */
enum tocsin_link_result {
	TOCSIN_LINK_OK = 0,
	TOCSIN_LINK_BAD_REQUEST = 1,        /**< malformed, or makes no sense now */
	TOCSIN_LINK_BUSY = 2,               /**< try again */
	TOCSIN_LINK_NOT_HERE = 3,           /**< this image has no such feature */
	TOCSIN_LINK_TOO_LARGE = 4,          /**< more bytes or memory than this image has */
	TOCSIN_LINK_NO_DETECTOR = 5,        /**< no bundle runs */
	TOCSIN_LINK_WRONG_FORMAT = 6,       /**< rate or channels are not the bundle's */
	TOCSIN_LINK_WRONG_VERSION = 7,      /**< the desk's major version is another */
	TOCSIN_LINK_NO_RECORDING = 8,       /**< no recording of that number runs */
	TOCSIN_LINK_NOT_A_BUNDLE = 16,      /**< these are the answers of tocsin_bundle_parse() … */
	TOCSIN_LINK_TRUNCATED = 17,         /**< … */
	TOCSIN_LINK_CORRUPT = 18,           /**< … */
	TOCSIN_LINK_TOO_NEW = 19,           /**< … */
	TOCSIN_LINK_WRONG_FEATURES = 20,    /**< … */
	TOCSIN_LINK_MALFORMED = 21,         /**< … in their order */
	TOCSIN_LINK_UNSUPPORTED_MODEL = 22, /**< an operator that is not compiled in */
	TOCSIN_LINK_FAILED = 255,           /**< anything else; the text says what */
};

/** Reports that a desk can subscribe to (bits of SUBSCRIBE). */
enum tocsin_link_report {
	TOCSIN_LINK_REPORT_WINDOWS = 1 << 0,
	TOCSIN_LINK_REPORT_VECTORS = 1 << 1,
	TOCSIN_LINK_REPORT_EVENTS = 1 << 2,
	TOCSIN_LINK_REPORT_GAPS = 1 << 3,
	TOCSIN_LINK_REPORT_SENSOR = 1 << 4,
};

/** Flags of a WINDOW (bits). */
enum tocsin_link_window_flag {
	TOCSIN_LINK_WINDOW_ALARM = 1 << 0,        /**< an alarm is on */
	TOCSIN_LINK_WINDOW_SENSOR_FAULT = 1 << 1, /**< its samples are not to be believed */
};

/** Why a replay is over, as REPLAY_DONE tells it. */
enum tocsin_link_replay_end {
	TOCSIN_LINK_REPLAY_WHOLE = 0,    /**< all of it was worked through */
	TOCSIN_LINK_REPLAY_ABORTED = 1,  /**< the desk said so */
	TOCSIN_LINK_REPLAY_SILENT = 2,   /**< the desk was silent */
	TOCSIN_LINK_REPLAY_CONSOLE = 3,  /**< somebody at the device said so */
	TOCSIN_LINK_REPLAY_REPLACED = 4, /**< another recording or bundle took its place */
	TOCSIN_LINK_REPLAY_FAILED = 5,   /**< something went wrong; the log says what */
};

/** A message as received; points into the decoder, valid until it is given the next byte. */
struct tocsin_link_message {
	uint8_t type;
	uint8_t sequence;
	const uint8_t *payload; /**< at an even address */
	size_t size;            /**< 0 to TOCSIN_LINK_PAYLOAD_MAX */
};

/** Receiving end. Treat as opaque, but for the counters. */
struct tocsin_link_decoder {
	size_t fill;
	uint8_t data[TOCSIN_LINK_FRAME_MAX]; /* behind a size_t: at an even address */
	uint8_t left;                        /* bytes until the next code byte */
	bool zero_owed;                      /* the block that ends here stands for a zero byte */
	bool skipping;                       /* too long: wait for the delimiter */
	bool synced;                         /* a good frame has come, `expected` means something */
	uint8_t expected;
	uint32_t frames; /**< good frames */
	uint32_t bad;    /**< frames refused: stuffing, length or CRC */
	uint32_t missed; /**< frames missing by their sequence numbers */
};

/** @brief Begin to receive. */
void tocsin_link_decoder_init(struct tocsin_link_decoder *decoder);

/**
 * @brief Take one byte from the wire.
 * @param message filled where the answer is true
 * @return whether a good frame ends here
 */
bool tocsin_link_decode(struct tocsin_link_decoder *decoder, uint8_t byte,
			struct tocsin_link_message *message);

/**
 * @brief Write one frame as it goes over the wire.
 *
 * @param wire     receives the bytes
 * @param size     bytes at @p wire, TOCSIN_LINK_WIRE_MAX is always enough
 * @param type     enum tocsin_link_type
 * @param sequence one more than that of the frame before
 * @param payload  @p length bytes; may be NULL where that is 0, and may lie in @p wire, at
 *                 TOCSIN_LINK_WIRE_PAYLOAD
 * @param length   at most TOCSIN_LINK_PAYLOAD_MAX
 * @return bytes written, or 0 where an argument is out of range or @p size too small
 */
size_t tocsin_link_encode(uint8_t *wire, size_t size, uint8_t type, uint8_t sequence,
			  const void *payload, size_t length);

/** @brief The result that tells a desk of a negative errno (of tocsin_bundle_parse(), say). */
enum tocsin_link_result tocsin_link_result_of(int err);

/**
 * @name Little-endian fields
 * @{
 */
static inline uint8_t *tocsin_link_put16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
	return to + 2;
}

static inline uint8_t *tocsin_link_put32(uint8_t *to, uint32_t value)
{
	return tocsin_link_put16(tocsin_link_put16(to, (uint16_t)value), (uint16_t)(value >> 16));
}

static inline uint8_t *tocsin_link_put64(uint8_t *to, uint64_t value)
{
	return tocsin_link_put32(tocsin_link_put32(to, (uint32_t)value), (uint32_t)(value >> 32));
}

static inline uint8_t *tocsin_link_putf(uint8_t *to, float value)
{
	union {
		float f;
		uint32_t u;
	} bits = {.f = value};

	return tocsin_link_put32(to, bits.u);
}

static inline uint32_t tocsin_link_get32(const uint8_t *from)
{
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
	       (uint32_t)from[3] << 24;
}

static inline uint64_t tocsin_link_get64(const uint8_t *from)
{
	return tocsin_link_get32(from) | (uint64_t)tocsin_link_get32(from + 4) << 32;
}
/** @} */

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_LINK_H_ */
