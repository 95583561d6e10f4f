/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Write what a desk says in a recording to the folder named: as messages, and as the wire has it.
 */

#include <stdio.h>
#include <string.h>

#include <tocsin/link_record.h>

struct script {
	uint8_t data[4096];
	size_t size;
	int wire; /* frames, not messages */
};

static void say(struct script *script, uint8_t type, const uint8_t *payload, size_t size)
{
	if (script->wire) {
		script->size += tocsin_link_encode(&script->data[script->size],
						   sizeof(script->data) - script->size, type, 0,
						   payload, size);
	} else {
		script->data[script->size++] = type;
		script->data[script->size++] = (uint8_t)size;
		memcpy(&script->data[script->size], payload, size);
		script->size += size;
	}
}

static void start(struct script *script, uint32_t id, uint32_t previous, uint64_t index)
{
	uint8_t payload[20] = {0};
	uint8_t *p = tocsin_link_put32(tocsin_link_put32(payload, id), previous);

	(void)tocsin_link_put64(p, index);
	say(script, TOCSIN_LINK_RECORD_START, payload, sizeof(payload));
}

static void acknowledge(struct script *script, uint32_t id, uint64_t index, uint32_t flags)
{
	uint8_t payload[16];
	uint8_t *p = tocsin_link_put64(tocsin_link_put32(payload, id), index);

	(void)tocsin_link_put32(p, flags);
	say(script, TOCSIN_LINK_RECORD_ACK, payload, sizeof(payload));
}

static int write_script(const char *folder, int wire)
{
	static const uint8_t stop[4] = {2};
	struct script script = {.size = 1, .wire = wire};
	char path[4096];
	FILE *file;
	int ok;

	script.data[0] = wire ? 0 : 1;
	start(&script, 1, 0, 0);
	for (int i = 0; i < 20; i++) {
		acknowledge(&script, 1, 32u * (uint32_t)i, i % 5 == 0);
	}
	start(&script, 2, 1, 640);
	acknowledge(&script, 2, 640, 1);
	say(&script, TOCSIN_LINK_RECORD_STOP, stop, sizeof(stop));

	snprintf(path, sizeof(path), "%s/%s", folder, wire ? "wire" : "messages");
	file = fopen(path, "wb");
	ok = file != NULL && fwrite(script.data, 1, script.size, file) == script.size;
	if (file != NULL && fclose(file) != 0) {
		ok = 0;
	}
	if (!ok) {
		perror(path);
	}
	return ok;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	return write_script(argv[1], 0) && write_script(argv[1], 1) ? 0 : 1;
}
