/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Write one valid bundle of each model, with and without bands, to the folder named. */

#include <stdio.h>
#include <stdlib.h>

#include "model_bundle.h"

static int write_seed(const char *folder, int model, int with_bands)
{
	struct draft draft;
	char path[4096];
	uint8_t *data;
	size_t size;
	FILE *file;
	int ok;

	model_draft(&draft, model, with_bands);
	data = draft_emit(&draft, &size);
	draft_free(&draft);
	snprintf(path, sizeof(path), "%s/%d-%s.tocsin", folder, model,
		 with_bands ? "bands" : "plain");
	file = fopen(path, "wb");
	ok = file != NULL && fwrite(data, 1, size, file) == size;
	if (file != NULL && fclose(file) != 0) {
		ok = 0;
	}
	free(data);
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
	for (int model = 0; model < MODEL_COUNT; model++) {
		if (!write_seed(argv[1], model, 0) || !write_seed(argv[1], model, 1)) {
			return 1;
		}
	}
	return 0;
}
