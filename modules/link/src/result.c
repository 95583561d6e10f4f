/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include <tocsin/link.h>

enum tocsin_link_result tocsin_link_result_of(int err)
{
	switch (err) {
	case 0:
		return TOCSIN_LINK_OK;
	case -EINVAL:
		return TOCSIN_LINK_BAD_REQUEST;
	case -EBUSY:
		return TOCSIN_LINK_BUSY;
	case -ENOSYS:
		return TOCSIN_LINK_NOT_HERE;
	case -ENOMEM:
	case -EFBIG:
		return TOCSIN_LINK_TOO_LARGE;
	case -ENOENT:
		return TOCSIN_LINK_NO_DETECTOR;
	case -EPROTONOSUPPORT:
		return TOCSIN_LINK_WRONG_VERSION;
	case -ESRCH:
		return TOCSIN_LINK_NO_RECORDING;
	case -ENOEXEC:
		return TOCSIN_LINK_NOT_A_BUNDLE;
	case -ENODATA:
		return TOCSIN_LINK_TRUNCATED;
	case -EBADMSG:
		return TOCSIN_LINK_CORRUPT;
	case -ENOTSUP:
		return TOCSIN_LINK_TOO_NEW;
	case -EPROTO:
		return TOCSIN_LINK_WRONG_FEATURES;
	case -EILSEQ:
		return TOCSIN_LINK_MALFORMED;
	default:
		return TOCSIN_LINK_FAILED;
	}
}
