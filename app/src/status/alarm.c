/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A light, where the board has one (alias led0): on while the alarm is, flashing while the sensor
 * has a fault and so nobody can say whether there should be an alarm.
 */

#include <zephyr/drivers/gpio.h>
#include <zephyr/init.h>

#include "messages/channels.h"

static const struct gpio_dt_spec led = GPIO_DT_SPEC_GET_OR(DT_ALIAS(led0), gpios, {0});

#define FLASH K_MSEC(250)

static bool alarm; /* under the channel's lock */

static void flash(struct k_timer *timer)
{
	ARG_UNUSED(timer);
	(void)gpio_pin_toggle_dt(&led);
}

static K_TIMER_DEFINE(flashing, flash, NULL);

static void show(bool fault)
{
	if (fault) {
		k_timer_start(&flashing, FLASH, FLASH);
	} else {
		k_timer_stop(&flashing);
		(void)gpio_pin_set_dt(&led, alarm);
	}
}

static void told(const struct zbus_channel *channel)
{
	const struct outcome *outcome = zbus_chan_const_msg(channel);
	static bool fault;

	if (led.port == NULL || outcome->kind == OUTCOME_WINDOW) {
		return;
	}
	if (outcome->kind == OUTCOME_SENSOR) {
		fault = outcome->sensor.begins;
		show(fault);
	} else {
		alarm = outcome->kind != OUTCOME_END && outcome->active;
		if (!fault) {
			show(false);
		}
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
