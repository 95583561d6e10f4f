/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The link's transport: the UART that devicetree chooses as `tocsin,link-uart`.
 *
 * One thread receives; any thread may send. Frames are never cut: one goes out whole or not at all.
 */

#ifndef TOCSIN_LINK_UART_H_
#define TOCSIN_LINK_UART_H_

#include <zephyr/kernel.h>

#include <tocsin/link.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Counters of the link. */
struct tocsin_link_stats {
	uint32_t received; /**< good frames */
	uint32_t bad;      /**< frames refused: stuffing, length or CRC */
	uint32_t missed;   /**< frames missing by their sequence numbers */
	uint32_t full;     /**< times the receive buffer was full and the UART had to wait */
	uint32_t sent;     /**< frames given to the UART */
	uint32_t unsent;   /**< frames given up because the transmit buffer stayed full */
};

/** Called in the link's thread for every good frame. */
typedef void (*tocsin_link_received_t)(const struct tocsin_link_message *message);

/**
 * @brief Start the link.
 * @retval 0 running
 * @retval -ENODEV the UART is not ready
 * @return else the UART's negative errno
 */
int tocsin_link_start(tocsin_link_received_t received);

/**
 * @brief Send one message.
 *
 * @param type    enum tocsin_link_type
 * @param payload copied before the function returns
 * @param size    at most TOCSIN_LINK_PAYLOAD_MAX
 * @param timeout how long to wait for room in the transmit buffer
 * @retval 0       on its way
 * @retval -EAGAIN no room within @p timeout; counted
 * @retval -EINVAL @p size is too large
 */
int tocsin_link_send(uint8_t type, const void *payload, size_t size, k_timeout_t timeout);

/**
 * @brief Begin a message that is written where it is sent from: no copy, and no memory of the
 * caller.
 *
 * Others cannot send until tocsin_link_commit(), so write it without waiting for anything.
 *
 * @param timeout how long to wait for room for the largest frame
 * @return TOCSIN_LINK_PAYLOAD_MAX bytes for the payload, or NULL: no room within @p timeout;
 * counted
 */
uint8_t *tocsin_link_claim(k_timeout_t timeout);

/** @brief Send what was written to tocsin_link_claim()'s memory; no type (0) sends nothing. */
void tocsin_link_commit(uint8_t type, size_t size);

/** @brief Bytes free in the transmit buffer; a frame takes TOCSIN_LINK_WIRE_MAX at the most. */
size_t tocsin_link_room(void);

/** @brief A copy of the counters. */
void tocsin_link_stats_get(struct tocsin_link_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* TOCSIN_LINK_UART_H_ */
