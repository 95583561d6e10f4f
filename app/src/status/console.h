/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the console is told unasked: what is listened to, and now and then how things are.
 *
 * Control's thread alone calls. What happens is told where it does (report.c).
 */

#ifndef TOCSIN_APP_STATUS_CONSOLE_H_
#define TOCSIN_APP_STATUS_CONSOLE_H_

#include <stdint.h>

/** @brief A stream has begun: say of what, and when there is an alarm. */
void console_stream(void);

/** @brief Milliseconds until there is something to tell; UINT32_MAX where there never is. */
uint32_t console_rest_ms(void);

/** @brief Say how things are, if it is time (CONFIG_TOCSIN_CONSOLE_PERIOD_S). */
void console_tell(void);

#endif /* TOCSIN_APP_STATUS_CONSOLE_H_ */
