/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* The outer layer of a bundle: header, checksums, section table. */

#include <errno.h>

#include "internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tables are used where they lie");
_Static_assert(sizeof(float) == 4, "f32 is IEEE 754 binary32");

#define HEADER_SIZE 32
#define ENTRY_SIZE  16

/* Offsets in the header. */
#define AT_MAJOR           8
#define AT_MINOR           10
#define AT_SIZE            12
#define AT_SECTIONS        16
#define AT_FEATURE_VERSION 20
#define AT_CONTENT_CRC     24
#define AT_HEADER_CRC      28

static const uint8_t magic[8] = {'T', 'O', 'C', 'S', 'I', 'N', '\r', '\n'};

static const char types[SECTION_COUNT][4] = {
	[SECTION_SENS] = {'S', 'E', 'N', 'S'}, [SECTION_FEAT] = {'F', 'E', 'A', 'T'},
	[SECTION_WIND] = {'W', 'I', 'N', 'D'}, [SECTION_SINE] = {'S', 'I', 'N', 'E'},
	[SECTION_BAND] = {'B', 'A', 'N', 'D'}, [SECTION_NORM] = {'N', 'O', 'R', 'M'},
	[SECTION_KMNS] = {'K', 'M', 'N', 'S'}, [SECTION_GMMX] = {'G', 'M', 'M', 'X'},
	[SECTION_MAHA] = {'M', 'A', 'H', 'A'}, [SECTION_NNBR] = {'N', 'N', 'B', 'R'},
	[SECTION_AENC] = {'A', 'E', 'N', 'C'}, [SECTION_NETW] = {'N', 'E', 'T', 'W'},
	[SECTION_CMBN] = {'C', 'M', 'B', 'N'}, [SECTION_TFLM] = {'T', 'F', 'L', 'M'},
	[SECTION_DECD] = {'D', 'E', 'C', 'D'}, [SECTION_DUTY] = {'d', 'u', 't', 'y'},
	[SECTION_SLID] = {'s', 'l', 'i', 'd'}, [SECTION_META] = {'m', 'e', 't', 'a'},
};

static uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static int check_header(struct tocsin_bundle *bundle, const uint8_t *data, size_t size)
{
	uint32_t content;

	if (memcmp(data, magic, size < sizeof(magic) ? size : sizeof(magic)) != 0) {
		return -ENOEXEC;
	}
	if (size < HEADER_SIZE) {
		return -ENODATA;
	}
	if (tocsin_bundle_crc32(0, data, AT_HEADER_CRC) != get_u32(&data[AT_HEADER_CRC])) {
		return -EBADMSG;
	}

	bundle->size = get_u32(&data[AT_SIZE]);
	if (bundle->size > size) {
		return -ENODATA;
	}
	bundle->format_major = get_u16(&data[AT_MAJOR]);
	bundle->format_minor = get_u16(&data[AT_MINOR]);
	if (bundle->format_major != TOCSIN_BUNDLE_FORMAT_MAJOR) {
		return -ENOTSUP;
	}

	/* A size below the header's own has no content; it is refused by check_table(). */
	content = bundle->size > HEADER_SIZE ? bundle->size - HEADER_SIZE : 0;
	bundle->crc = get_u32(&data[AT_CONTENT_CRC]);
	if (tocsin_bundle_crc32(0, &data[HEADER_SIZE], content) != bundle->crc) {
		return -EBADMSG;
	}
	bundle->feature_version = get_u32(&data[AT_FEATURE_VERSION]);
	return bundle->feature_version == TOCSIN_DSP_VERSION ? 0 : -EPROTO;
}

static bool is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_type(const uint8_t *type)
{
	for (int i = 0; i < 4; i++) {
		if (type[i] < 0x20 || type[i] > 0x7E) {
			return false;
		}
	}
	return is_upper(type[0]) || (type[0] >= 'a' && type[0] <= 'z');
}

static bool is_zero(const uint8_t *from, const uint8_t *to)
{
	while (from < to) {
		if (*from++ != 0) {
			return false;
		}
	}
	return true;
}

static bool occurs_before(const uint8_t *entry, const uint8_t *table)
{
	for (; table < entry; table += ENTRY_SIZE) {
		if (memcmp(table, entry, 4) == 0) {
			return true;
		}
	}
	return false;
}

/*
 * The structure of the table, whatever the types are: everything lies inside the bundle, in order,
 * with zeros between.
 */
static int check_table(const struct tocsin_bundle *bundle, const uint8_t *data)
{
	const uint8_t *table = &data[HEADER_SIZE];
	uint32_t n = 0;
	uint32_t end;

	if (bundle->size >= HEADER_SIZE + ENTRY_SIZE && bundle->size % TOCSIN_BUNDLE_ALIGN == 0) {
		n = get_u32(&data[AT_SECTIONS]);
	}
	if (n < 1 || n > TOCSIN_BUNDLE_SECTIONS_MAX ||
	    n > (bundle->size - HEADER_SIZE) / ENTRY_SIZE) {
		return -EILSEQ;
	}

	end = HEADER_SIZE + n * ENTRY_SIZE;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *entry = &table[(size_t)i * ENTRY_SIZE];
		uint32_t offset = get_u32(&entry[4]);
		uint32_t size = get_u32(&entry[8]);

		if (!is_type(entry) || occurs_before(entry, table) || get_u32(&entry[12]) != 0 ||
		    offset % TOCSIN_BUNDLE_ALIGN != 0 || offset < end || offset > bundle->size ||
		    size > bundle->size - offset || !is_zero(&data[end], &data[offset])) {
			return -EILSEQ;
		}
		end = offset + size;
	}
	return is_zero(&data[end], &data[bundle->size]) ? 0 : -EILSEQ;
}

static int find_sections(struct section sections[SECTION_COUNT], const uint8_t *data)
{
	uint32_t n = get_u32(&data[AT_SECTIONS]);

	memset(sections, 0, SECTION_COUNT * sizeof(sections[0]));
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *entry = &data[HEADER_SIZE + (size_t)i * ENTRY_SIZE];
		int id = 0;

		while (id < SECTION_COUNT && memcmp(entry, types[id], 4) != 0) {
			id++;
		}
		if (id < SECTION_COUNT) {
			sections[id].data = &data[get_u32(&entry[4])];
			sections[id].size = get_u32(&entry[8]);
		} else if (is_upper(entry[0])) {
			return -ENOTSUP;
		}
	}
	return 0;
}

int tocsin_bundle_open(struct tocsin_bundle *bundle, struct section sections[SECTION_COUNT],
		       const uint8_t *data, size_t size)
{
	int err = check_header(bundle, data, size);

	if (err == 0) {
		err = check_table(bundle, data);
	}
	return err == 0 ? find_sections(sections, data) : err;
}
