/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/ring_buffer.h>

#include <tocsin/link_uart.h>

LOG_MODULE_REGISTER(tocsin_link, CONFIG_TOCSIN_LINK_LOG_LEVEL);

BUILD_ASSERT(CONFIG_TOCSIN_LINK_TX_BUFFER > TOCSIN_LINK_WIRE_MAX,
	     "CONFIG_TOCSIN_LINK_TX_BUFFER must hold the largest frame");

/* A UART that takes nothing now (a pseudo-terminal without a reader) is asked again after this. */
#define TX_RETRY K_MSEC(2)

static const struct device *const uart = DEVICE_DT_GET(DT_CHOSEN(tocsin_link_uart));

RING_BUF_DECLARE(rx_ring, CONFIG_TOCSIN_LINK_RX_BUFFER);
RING_BUF_DECLARE(tx_ring, CONFIG_TOCSIN_LINK_TX_BUFFER);
static K_SEM_DEFINE(rx_ready, 0, 1);
static K_SEM_DEFINE(tx_room, 0, 1);
static K_MUTEX_DEFINE(tx_lock);

static struct tocsin_link_decoder decoder;
static tocsin_link_received_t deliver;
static atomic_t paused;
static uint32_t full;
static uint32_t sent;
static uint32_t unsent;
static uint8_t sequence;
static uint8_t wire[TOCSIN_LINK_WIRE_MAX]; /* under tx_lock */

static void tx_retry(struct k_timer *timer)
{
	ARG_UNUSED(timer);
	uart_irq_tx_enable(uart);
}

static K_TIMER_DEFINE(tx_timer, tx_retry, NULL);

/* All that the UART has; up to @p size bytes. */
static uint32_t read_fifo(uint8_t *to, uint32_t size)
{
	uint32_t total = 0;
	int n;

	/* Some drivers give one byte a call though more are there. */
	do {
		n = uart_fifo_read(uart, &to[total], (int)(size - total));
		total += (uint32_t)MAX(n, 0);
	} while (n > 0 && total < size);
	return total;
}

static void receive(void)
{
	uint8_t *to;
	uint32_t room = ring_buf_put_claim(&rx_ring, &to, CONFIG_TOCSIN_LINK_RX_BUFFER);
	uint32_t n;

	if (room == 0) {
		/* Leave it to the hardware's buffer and flow control until the thread has caught
		 * up; what those cannot hold back is a damaged frame, and counted as such. */
		uart_irq_rx_disable(uart);
		atomic_set(&paused, 1);
		full++;
		k_sem_give(&rx_ready);
		return;
	}
	n = read_fifo(to, room);
	(void)ring_buf_put_finish(&rx_ring, n);
	/* A thread switch for each byte would cost more than all the rest of the link: wake the
	 * thread where a frame ends, and before the buffer can run over. */
	if (memchr(to, 0, n) != NULL ||
	    ring_buf_size_get(&rx_ring) >= CONFIG_TOCSIN_LINK_RX_BUFFER / 2) {
		k_sem_give(&rx_ready);
	}
}

static void transmit(void)
{
	uint8_t *from;
	uint32_t size = ring_buf_get_claim(&tx_ring, &from, CONFIG_TOCSIN_LINK_TX_BUFFER);
	int n = size > 0 ? uart_fifo_fill(uart, from, (int)size) : 0;

	(void)ring_buf_get_finish(&tx_ring, (uint32_t)MAX(n, 0));
	if (n <= 0) {
		uart_irq_tx_disable(uart);
		if (size > 0) {
			k_timer_start(&tx_timer, TX_RETRY, K_NO_WAIT);
		}
	}
	k_sem_give(&tx_room);
}

static void enable_receive(void)
{
	unsigned int key;

	uart_irq_rx_enable(uart);
	/* A byte that came before raises no interrupt on a UART whose interrupts are edges, and
	 * while it waits no other comes. */
	key = irq_lock();
	receive();
	irq_unlock(key);
}

static void interrupt(const struct device *dev, void *user_data)
{
	ARG_UNUSED(user_data);
	/* Once a call: some drivers stay "ready" for as long as they are asked. */
	if (uart_irq_update(dev) && uart_irq_is_pending(dev)) {
		if (uart_irq_rx_ready(dev)) {
			receive();
		}
		if (uart_irq_tx_ready(dev)) {
			transmit();
		}
	}
}

static void link_thread(void *p1, void *p2, void *p3)
{
	struct tocsin_link_message message;
	uint8_t *from;
	uint32_t size;

	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	while (true) {
		size = ring_buf_get_claim(&rx_ring, &from, CONFIG_TOCSIN_LINK_RX_BUFFER);
		for (uint32_t i = 0; i < size; i++) {
			if (tocsin_link_decode(&decoder, from[i], &message)) {
				deliver(&message);
			}
		}
		(void)ring_buf_get_finish(&rx_ring, size);
		if (atomic_cas(&paused, 1, 0)) {
			enable_receive();
		}
		if (size == 0) {
			(void)k_sem_take(&rx_ready, K_FOREVER);
		}
	}
}

static K_THREAD_STACK_DEFINE(link_stack, CONFIG_TOCSIN_LINK_STACK_SIZE);
static struct k_thread link_thread_data;

int tocsin_link_start(tocsin_link_received_t received)
{
	int err;

	if (!device_is_ready(uart)) {
		return -ENODEV;
	}
	deliver = received;
	tocsin_link_decoder_init(&decoder);
	err = uart_irq_callback_user_data_set(uart, interrupt, NULL);
	if (err != 0) {
		return err;
	}
	k_thread_create(&link_thread_data, link_stack, K_THREAD_STACK_SIZEOF(link_stack),
			link_thread, NULL, NULL, NULL, CONFIG_TOCSIN_LINK_PRIORITY, 0, K_NO_WAIT);
	(void)k_thread_name_set(&link_thread_data, "link");
	enable_receive();
	return 0;
}

/* With tx_lock held: whether the frame went into the buffer. */
static bool try_send(uint8_t type, const void *payload, size_t size)
{
	const size_t length = tocsin_link_encode(wire, sizeof(wire), type, sequence, payload, size);

	if (ring_buf_space_get(&tx_ring) < length) {
		return false;
	}
	(void)ring_buf_put(&tx_ring, wire, (uint32_t)length);
	sequence++;
	sent++;
	uart_irq_tx_enable(uart);
	return true;
}

/* With tx_lock held: let go of it and wait for room. Whether to lock and look again. */
static bool wait_for_room(k_timepoint_t end)
{
	const bool late = sys_timepoint_expired(end);

	unsent += late ? 1 : 0;
	(void)k_mutex_unlock(&tx_lock);
	if (!late) {
		/* Two senders may wait and one may take the other's signal: look again soon. */
		(void)k_sem_take(&tx_room, K_MSEC(10));
	}
	return !late;
}

int tocsin_link_send(uint8_t type, const void *payload, size_t size, k_timeout_t timeout)
{
	const k_timepoint_t end = sys_timepoint_calc(timeout);

	if (size > TOCSIN_LINK_PAYLOAD_MAX) {
		return -EINVAL;
	}
	do {
		(void)k_mutex_lock(&tx_lock, K_FOREVER);
		if (try_send(type, payload, size)) {
			(void)k_mutex_unlock(&tx_lock);
			return 0;
		}
	} while (wait_for_room(end));
	return -EAGAIN;
}

uint8_t *tocsin_link_claim(k_timeout_t timeout)
{
	const k_timepoint_t end = sys_timepoint_calc(timeout);

	do {
		(void)k_mutex_lock(&tx_lock, K_FOREVER);
		if (ring_buf_space_get(&tx_ring) >= TOCSIN_LINK_WIRE_MAX) {
			return &wire[TOCSIN_LINK_WIRE_PAYLOAD];
		}
	} while (wait_for_room(end));
	return NULL;
}

void tocsin_link_commit(uint8_t type, size_t size)
{
	if (type != 0) {
		/* There was room when the lock was taken, and only who holds it takes of it. */
		(void)try_send(type, &wire[TOCSIN_LINK_WIRE_PAYLOAD], size);
	}
	(void)k_mutex_unlock(&tx_lock);
}

size_t tocsin_link_room(void)
{
	return ring_buf_space_get(&tx_ring);
}

void tocsin_link_stats_get(struct tocsin_link_stats *stats)
{
	*stats = (struct tocsin_link_stats){
		.received = decoder.frames,
		.bad = decoder.bad,
		.missed = decoder.missed,
		.full = full,
		.sent = sent,
		.unsent = unsent,
	};
}
