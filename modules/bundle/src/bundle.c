/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include "internal.h"

int tocsin_bundle_parse(struct tocsin_bundle *bundle, const void *data, size_t size)
{
	struct section sections[SECTION_COUNT];
	struct tocsin_bundle parsed;
	int err;

	if (bundle == NULL || data == NULL || (uintptr_t)data % TOCSIN_BUNDLE_ALIGN != 0) {
		return -EINVAL;
	}

	memset(&parsed, 0, sizeof(parsed));
	err = tocsin_bundle_open(&parsed, sections, data, size);
	if (err == 0) {
		err = tocsin_bundle_read_features(&parsed, sections);
	}
	if (err == 0) {
		err = tocsin_bundle_read_model(&parsed, sections);
	}
	if (err == 0) {
		err = tocsin_bundle_read_decision(&parsed, sections);
	}
	if (err == 0) {
		err = tocsin_bundle_read_duty(&parsed, sections);
	}
	if (err == 0) {
		err = tocsin_bundle_read_slide(&parsed, sections);
	}
	if (err != 0) {
		return err;
	}

	parsed.meta = (const char *)sections[SECTION_META].data;
	parsed.meta_size = sections[SECTION_META].size;
	*bundle = parsed;
	return 0;
}

const char *tocsin_bundle_strerror(int err)
{
	switch (err) {
	case 0:
		return "the bundle can be run";
	case -EINVAL:
		return "there is no data, or it is not aligned to 16 bytes";
	case -ENOEXEC:
		return "this is not a Tocsin bundle";
	case -ENODATA:
		return "the bundle is truncated";
	case -EBADMSG:
		return "the bundle is corrupt: a checksum does not match";
	case -ENOTSUP:
		return "the bundle is too new: its format, or a section of it, is not known";
	case -EPROTO:
		return "the bundle was trained with another version of the features";
	case -EILSEQ:
		return "the bundle is malformed: its checksums match, its contents do not";
	default:
		return "the bundle cannot be used, for a reason that the parser does not know";
	}
}
