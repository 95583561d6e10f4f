/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Where TensorFlow Lite Micro prints: Zephyr's log, instead of a stderr that a device lacks. */

#include <cstdarg>
#include <cstdio>

#include <zephyr/logging/log.h>

#include "tensorflow/lite/micro/debug_log.h"

LOG_MODULE_DECLARE(tocsin_tflm, CONFIG_TOCSIN_TFLM_LOG_LEVEL);

extern "C" void DebugLog(const char *format, va_list args)
{
	char line[96];

	(void)vsnprintf(line, sizeof(line), format, args);
	if (line[0] != '\r') { /* they send the line's end in a message of its own */
		LOG_WRN("%s", line);
	}
}

extern "C" int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	return vsnprintf(buffer, size, format, args);
}
