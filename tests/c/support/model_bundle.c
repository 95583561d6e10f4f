/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <math.h>
#include <string.h>

#include "model_bundle.h"

#define N_FFT        256
#define FRAME_LENGTH 33

static const double pi = 3.14159265358979323846;

static void put_u32s(struct draft_section *section, size_t at, const uint32_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		draft_put_u32(section, at + 4 * i, values[i]);
	}
}

/* n values from `first` on in steps of `step`. */
static void put_ramp(struct draft_section *section, size_t at, size_t n, float first, float step)
{
	for (size_t i = 0; i < n; i++) {
		draft_put_f32(section, at + 4 * i, first + step * (float)i);
	}
}

static void add_sensor(struct draft *draft, int with_bands)
{
	struct draft_section *sens = draft_add(draft, "SENS", NULL, 16);

	put_u32s(sens, 0, with_bands ? (uint32_t[]){1, 16000, 1} : (uint32_t[]){2, 1600, 3}, 3);
	draft_put_f32(sens, 12, with_bands ? 1.0f / 32768.0f : 0.000061f);
}

static void add_features(struct draft *draft, int with_bands)
{
	static const uint32_t bands[] = {FRAME_LENGTH, 16, 9, 1, N_FFT, MODEL_BANDS, 0, 10, 6, 3,
					 MODEL_WEIGHTS};
	static const uint32_t plain[] = {64, 48, 15, 0, 0, 0, 0, 5, 2, 1, 0};
	struct draft_section *feat = draft_add(draft, "FEAT", NULL, 48);

	put_u32s(feat, 0, with_bands ? bands : plain, 11);
	draft_put_f32(feat, 24, 1e-10f);
}

static void add_tables(struct draft *draft)
{
	/* The last band ends with the last bin; one band is empty. */
	static const uint16_t bands[MODEL_BANDS][2] = {{1, 2}, {2, 3}, {5, 0}, {127, 2}};
	struct draft_section *wind = draft_add(draft, "WIND", NULL, 4 * (FRAME_LENGTH / 2 + 1));
	struct draft_section *sine = draft_add(draft, "SINE", NULL, 4 * N_FFT);
	struct draft_section *band =
		draft_add(draft, "BAND", NULL, 4 * MODEL_BANDS + 4 * MODEL_WEIGHTS);

	for (size_t i = 0; i <= FRAME_LENGTH / 2; i++) {
		draft_put_f32(wind, 4 * i,
			      (float)(0.5 - 0.5 * cos(2 * pi * (double)i / FRAME_LENGTH)));
	}
	for (size_t i = 0; i < N_FFT; i++) {
		draft_put_f32(sine, 4 * i, (float)sin(2 * pi * (double)i / N_FFT));
	}
	for (size_t i = 0; i < MODEL_BANDS; i++) {
		draft_put_u32(band, 4 * i, bands[i][0] | (uint32_t)bands[i][1] << 16);
	}
	put_ramp(band, 4 * MODEL_BANDS, MODEL_WEIGHTS, 0.125f, 0.25f);
}

static void add_kmeans(struct draft *draft, uint32_t dim)
{
	const uint32_t k = 3;
	struct draft_section *kmns = draft_add(draft, "KMNS", NULL, 16 + 4 * k * dim);

	put_u32s(kmns, 0, (uint32_t[]){k, dim}, 2);
	put_ramp(kmns, 16, k * dim, -1.0f, 0.125f);
}

static void add_gaussians(struct draft *draft, uint32_t dim, int mixture, int full, uint32_t k)
{
	const uint32_t whiten = full ? dim * (dim + 1) / 2 : dim;
	const uint32_t consts = mixture ? k : 0;
	struct draft_section *section = draft_add(draft, mixture ? "GMMX" : "MAHA", NULL,
						  16 + 4 * (consts + k * dim + k * whiten));

	put_u32s(section, 0, (uint32_t[]){k, dim, full ? 2 : 1}, 3);
	put_ramp(section, 16, consts, -5.0f, 2.0f);
	put_ramp(section, 16 + 4 * consts, k * dim, -2.0f, 0.25f);
	put_ramp(section, 16 + 4 * (consts + k * dim), k * whiten, 0.5f, 0.0625f);
}

static void add_neighbours(struct draft *draft, uint32_t dim, int full)
{
	const uint32_t k = 4;
	const uint32_t whiten = full ? dim * (dim + 1) / 2 : 0;
	struct draft_section *nnbr =
		draft_add(draft, "NNBR", NULL, 32 + 4 * (whiten + k) + k * dim);

	put_u32s(nnbr, 0, (uint32_t[]){k, dim, full ? 2 : 1}, 3);
	draft_put_f32(nnbr, 16, 0.03125f);
	put_ramp(nnbr, 32, whiten, -0.5f, 0.0625f);
	put_ramp(nnbr, 32 + 4 * whiten, k, 0.5f, 0.25f);
	for (uint32_t i = 0; i < k * dim; i += 4) {
		draft_put_u32(nnbr, 32 + 4 * (whiten + k) + i, 0x03020100u + i * 0x01010101u);
	}
}

/* AENC or NETW with what both begin with, and the network that goes with it. */
static struct draft_section *add_network(struct draft *draft, const char *type, size_t size,
					 uint32_t dim)
{
	struct draft_section *section;
	uint8_t network[37] = {0x1C, 0, 0, 0, 'T', 'F', 'L', '3'};

	memset(&network[8], 0x5A, sizeof(network) - 8);
	draft_add(draft, "TFLM", network, sizeof(network));
	section = draft_add(draft, type, NULL, size);
	draft_put_f32(section, 0, 0.03125f);
	draft_put_u32(section, 4, (uint32_t)-5);
	draft_put_f32(section, 8, 0.0625f);
	draft_put_u32(section, 12, 7);
	draft_put_u32(section, 16, dim);
	draft_put_u32(section, 20, 12345);
	return section;
}

static void add_embedding(struct draft *draft, uint32_t dim)
{
	struct draft_section *netw = add_network(draft, "NETW", 48, dim);

	put_u32s(netw, 24, (uint32_t[]){3, 6, 0, 2, 3, 0}, 6);
	add_gaussians(draft, 3, 0, 1, 2);
}

static void add_combined(struct draft *draft, uint32_t dim)
{
	struct draft_section *cmbn = draft_add(draft, "CMBN", NULL, 48);
	struct draft_section *netw;

	put_u32s(cmbn, 0, (uint32_t[]){2}, 1);
	put_u32s(cmbn, 16, (uint32_t[]){5}, 1);
	put_ramp(cmbn, 20, 2, -1.5f, 2.25f);
	put_u32s(cmbn, 32, (uint32_t[]){6}, 1);
	put_ramp(cmbn, 36, 2, 4.0f, 0.5f);
	add_neighbours(draft, dim, 0);
	netw = add_network(draft, "NETW", 48, dim);
	put_u32s(netw, 24, (uint32_t[]){2, 2, 5, 1, 0, 0}, 6);
}

void model_draft(struct draft *draft, enum model model, int with_bands)
{
	const uint32_t dim = with_bands ? MODEL_DIM : MODEL_PLAIN_DIM;
	struct draft_section *section;

	draft_init(draft);
	add_sensor(draft, with_bands);
	add_features(draft, with_bands);
	if (with_bands) {
		add_tables(draft);
	}
	section = draft_add(draft, "NORM", NULL, 8 * dim);
	put_ramp(section, 0, dim, -30.0f, 0.5f);
	put_ramp(section, 4 * dim, dim, 0.25f, 0.03125f);

	switch (model) {
	case MODEL_KMEANS:
		add_kmeans(draft, dim);
		break;
	case MODEL_NEIGHBOURS_DIAGONAL:
	case MODEL_NEIGHBOURS_FULL:
		add_neighbours(draft, dim, model == MODEL_NEIGHBOURS_FULL);
		break;
	case MODEL_AUTOENCODER:
		add_network(draft, "AENC", 32, dim);
		break;
	case MODEL_NETWORK:
		add_embedding(draft, dim);
		break;
	case MODEL_COMBINED:
		add_combined(draft, dim);
		break;
	default:
		add_gaussians(draft, dim, model == MODEL_GMM_DIAGONAL || model == MODEL_GMM_FULL,
			      model == MODEL_GMM_FULL || model == MODEL_MAHALANOBIS_FULL,
			      model == MODEL_GMM_DIAGONAL || model == MODEL_GMM_FULL ? 2 : 1);
		break;
	}

	section = draft_add(draft, "DECD", NULL, 16);
	put_u32s(section, 0, (uint32_t[]){4, 2}, 2);
	draft_put_f32(section, 8, 3.5f);
	draft_put_f32(section, 12, 2.5f);
	draft_add(draft, "meta", MODEL_META, strlen(MODEL_META));
}
