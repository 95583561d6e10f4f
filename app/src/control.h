/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Which bundle runs on which samples. Runs in the main thread.
 *
 * What it is asked comes through messages/control_inbox.h.
 */

#ifndef TOCSIN_APP_CONTROL_H_
#define TOCSIN_APP_CONTROL_H_

/** @brief Run the embedded bundle on the chosen source, then do as commanded; never returns. */
void control_run(void);

#endif /* TOCSIN_APP_CONTROL_H_ */
