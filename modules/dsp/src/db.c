/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "internal.h"

float tocsin_dsp_db(float x)
{
	return tocsin_dsp_db_of(x);
}
