/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The alarm as a light, where the board has one (alias led0). */

#include <zephyr/drivers/gpio.h>
#include <zephyr/init.h>

#include "channels.h"

static const struct gpio_dt_spec led = GPIO_DT_SPEC_GET_OR(DT_ALIAS(led0), gpios, {0});

static void told(const struct zbus_channel *channel)
{
	const struct outcome *outcome = zbus_chan_const_msg(channel);

	if (led.port != NULL && outcome->kind != OUTCOME_WINDOW) {
		(void)gpio_pin_set_dt(&led, outcome->kind != OUTCOME_END && outcome->active);
	}
}

ZBUS_LISTENER_DEFINE(alarm_listener, told);

static int alarm_init(void)
{
	if (led.port == NULL || !gpio_is_ready_dt(&led)) {
		return 0;
	}
	return gpio_pin_configure_dt(&led, GPIO_OUTPUT_INACTIVE);
}

SYS_INIT(alarm_init, APPLICATION, CONFIG_APPLICATION_INIT_PRIORITY);
