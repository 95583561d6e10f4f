/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include <zephyr/kernel.h>

#include "messages/control_inbox.h"

/* A host waits for one answer before it asks for more; the console may ask meanwhile. */
K_MSGQ_DEFINE(control_commands, sizeof(struct command), 4, __alignof__(struct command));
K_SEM_DEFINE(control_work, 0, 1);
K_SEM_DEFINE(control_over, 0, 1);

int control_ask(const struct command *command)
{
	const int err = k_msgq_put(&control_commands, command, K_NO_WAIT);

	k_sem_give(&control_work);
	return err == 0 ? 0 : -EBUSY;
}

void control_stream_over(void)
{
	k_sem_give(&control_over);
	k_sem_give(&control_work);
}

void control_wake(void)
{
	k_sem_give(&control_work);
}
