/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/logging/log.h>

#include "control.h"
#include "host/host.h"

LOG_MODULE_REGISTER(tocsin, CONFIG_TOCSIN_APP_LOG_LEVEL);

int main(void)
{
	int err = desk_start();

	if (err != 0) {
		LOG_ERR("no link to a desk (%d)", err);
	}
	control_run();
	return 0;
}
