/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The USB device: every CDC ACM port that devicetree has, one for the console and one for the link.
 * Zephyr's own start-up code brings up a single port, so a board's is left out (app/Kconfig).
 */

#include <zephyr/init.h>
#include <zephyr/logging/log.h>
#include <zephyr/usb/usbd.h>

LOG_MODULE_DECLARE(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

USBD_DEVICE_DEFINE(usb, DEVICE_DT_GET(DT_NODELABEL(zephyr_udc0)), CONFIG_TOCSIN_USB_VID,
		   CONFIG_TOCSIN_USB_PID);
USBD_DESC_LANG_DEFINE(language);
USBD_DESC_MANUFACTURER_DEFINE(manufacturer, "Tocsin");
USBD_DESC_PRODUCT_DEFINE(product, "Tocsin");
USBD_DESC_SERIAL_NUMBER_DEFINE(serial_number);
USBD_DESC_CONFIG_DEFINE(configuration_name, "Console and link");

/* 100 mA: what every port gives. */
USBD_CONFIGURATION_DEFINE(configuration, 0, 50, &configuration_name);

static int describe(void)
{
	struct usbd_desc_node *const nodes[] = {&language, &manufacturer, &product, &serial_number};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(nodes) && err == 0; i++) {
		err = usbd_add_descriptor(&usb, nodes[i]);
	}
	return err;
}

static int usb_start(void)
{
	int err = describe();

	if (err == 0) {
		err = usbd_add_configuration(&usb, USBD_SPEED_FS, &configuration);
	}
	if (err == 0) {
		err = usbd_register_all_classes(&usb, USBD_SPEED_FS, 1, NULL);
	}
	if (err == 0) {
		/* Several interfaces that belong together: an association descriptor tells which.
		 */
		err = usbd_device_set_code_triple(&usb, USBD_SPEED_FS, USB_BCC_MISCELLANEOUS, 2, 1);
	}
	if (err == 0) {
		err = usbd_init(&usb);
	}
	if (err == 0) {
		err = usbd_enable(&usb);
	}
	if (err != 0) {
		LOG_ERR("USB does not start (%d)", err);
	}
	return err;
}

SYS_INIT(usb_start, APPLICATION, CONFIG_APPLICATION_INIT_PRIORITY);
