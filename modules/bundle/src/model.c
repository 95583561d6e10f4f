/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The sections of the model. As in sections.c: sizes are settled here, in 64 bits, values by the
 * stage's own check function.
 */

#include <errno.h>

#include "internal.h"

#define CLASSICAL_HEAD 16
#define NNBR_HEAD      32
#define AENC_SIZE      32
#define NETW_SIZE      48
#define CMBN_SIZE      48
#define CMBN_HEAD      16
#define CMBN_MEMBER    16

/* The model's sections, and which have been read: none may be left over. */
struct reader {
	const struct section *sections;
	uint32_t read; /* bit by enum section_id */
};

static const struct section *take(struct reader *reader, enum section_id id)
{
	reader->read |= 1u << id;
	return &reader->sections[id];
}

/* The first 16 bytes of a classical model's section: k, dim, one field of the kind's own, zero. */
static bool head_is(const struct section *section, uint32_t dim)
{
	return section_given(section) && section->size >= CLASSICAL_HEAD &&
	       get_u32(&section->data[4]) == dim && get_u32(&section->data[12]) == 0;
}

static int read_kmeans(struct tocsin_score_kmeans *model, const struct section *kmns, uint32_t dim)
{
	if (!head_is(kmns, dim) || get_u32(&kmns->data[8]) != 0) {
		return -EILSEQ;
	}
	model->k = get_u32(&kmns->data[0]);
	if (!section_has_size(kmns, CLASSICAL_HEAD + UINT64_C(4) * model->k * dim)) {
		return -EILSEQ;
	}
	model->centroids = get_floats(&kmns->data[CLASSICAL_HEAD]);
	return 0;
}

/* Floats of a whitening factor for `dim` values, or 0 where `covariance` is none. */
static uint64_t whiten_size(uint32_t covariance, uint64_t dim)
{
	if (covariance == TOCSIN_SCORE_FULL) {
		return dim * (dim + 1) / 2;
	}
	return covariance == TOCSIN_SCORE_DIAGONAL ? dim : 0;
}

/* GMMX, and MAHA, which is the same without log_const. */
static int read_gaussians(struct tocsin_score_gaussians *model, const struct section *section,
			  uint32_t dim, bool mixture)
{
	const float *values;
	uint32_t covariance;
	uint64_t whiten;

	if (!head_is(section, dim)) {
		return -EILSEQ;
	}
	model->k = get_u32(&section->data[0]);
	covariance = get_u32(&section->data[8]);
	whiten = whiten_size(covariance, dim);
	if (whiten == 0 || !section_has_size(section, CLASSICAL_HEAD + UINT64_C(4) * model->k *
									       ((mixture ? 1 : 0) +
										dim + whiten))) {
		return -EILSEQ;
	}

	values = get_floats(&section->data[CLASSICAL_HEAD]);
	model->covariance = (enum tocsin_score_covariance)covariance;
	model->log_const = mixture ? values : NULL;
	model->means = mixture ? &values[model->k] : values;
	model->whiten = &model->means[(size_t)model->k * dim];
	return 0;
}

static int read_neighbours(struct tocsin_score_neighbours *model, const struct section *nnbr,
			   uint32_t dim)
{
	const float *values;
	uint32_t covariance;
	uint64_t whiten;
	uint64_t k;

	if (!head_is(nnbr, dim) || nnbr->size < NNBR_HEAD || get_u32(&nnbr->data[20]) != 0 ||
	    get_u32(&nnbr->data[24]) != 0 || get_u32(&nnbr->data[28]) != 0) {
		return -EILSEQ;
	}
	k = get_u32(&nnbr->data[0]);
	covariance = get_u32(&nnbr->data[8]);
	whiten = whiten_size(covariance, dim);
	if (whiten == 0) {
		return -EILSEQ;
	}
	/* Diagonal means that the normalisation is all the whitening there is. */
	whiten = covariance == TOCSIN_SCORE_FULL ? whiten : 0;
	if (!section_has_size(nnbr, NNBR_HEAD + 4 * (whiten + k) + k * dim)) {
		return -EILSEQ;
	}

	values = get_floats(&nnbr->data[NNBR_HEAD]);
	model->k = (uint32_t)k;
	model->covariance = (enum tocsin_score_covariance)covariance;
	model->step = get_f32(&nnbr->data[16]);
	model->whiten = whiten != 0 ? values : NULL;
	model->gain = &values[whiten];
	model->references = (const int8_t *)(const void *)&values[whiten + k];
	return 0;
}

/* One of the first four kinds; `parameters` is the kind's struct. */
static int read_classical(struct reader *reader, uint32_t kind, void *parameters, uint32_t dim)
{
	switch (kind) {
	case TOCSIN_SCORE_KMEANS:
		return read_kmeans(parameters, take(reader, SECTION_KMNS), dim);
	case TOCSIN_SCORE_GMM:
		return read_gaussians(parameters, take(reader, SECTION_GMMX), dim, true);
	case TOCSIN_SCORE_MAHALANOBIS:
		return read_gaussians(parameters, take(reader, SECTION_MAHA), dim, false);
	case TOCSIN_SCORE_NEIGHBOURS:
		return read_neighbours(parameters, take(reader, SECTION_NNBR), dim);
	default:
		return -EILSEQ;
	}
}

/* What AENC and NETW begin with, and the flatbuffer that goes with both. */
static int read_ends(struct tocsin_bundle *bundle, struct reader *reader,
		     const struct section *section, struct tocsin_score_quant *quant)
{
	const struct section *tflm = take(reader, SECTION_TFLM);

	if (get_u32(&section->data[16]) != bundle->score.dim) {
		return -EILSEQ;
	}
	/* A flatbuffer begins with the offset of its root and, in TFLite, this identifier. What
	 * lies behind is checked by whoever runs it. */
	if (!section_given(tflm) || tflm->size < 8 || memcmp(&tflm->data[4], "TFL3", 4) != 0) {
		return -EILSEQ;
	}
	quant->in_scale = get_f32(&section->data[0]);
	quant->in_zero = get_i32(&section->data[4]);
	quant->out_scale = get_f32(&section->data[8]);
	quant->out_zero = get_i32(&section->data[12]);
	bundle->arena_size = get_u32(&section->data[20]);
	bundle->model = tflm->data;
	bundle->model_size = tflm->size;
	return bundle->arena_size > 0 ? 0 : -EILSEQ;
}

static int read_autoencoder(struct tocsin_bundle *bundle, struct reader *reader)
{
	const struct section *aenc = take(reader, SECTION_AENC);

	if (!section_has_size(aenc, AENC_SIZE) || get_u32(&aenc->data[24]) != 0 ||
	    get_u32(&aenc->data[28]) != 0) {
		return -EILSEQ;
	}
	return read_ends(bundle, reader, aenc, &bundle->score.autoencoder);
}

static int read_network(struct tocsin_bundle *bundle, struct reader *reader,
			struct tocsin_score_network *network)
{
	const struct section *netw = take(reader, SECTION_NETW);
	int err;

	if (!section_has_size(netw, NETW_SIZE) || get_u32(&netw->data[44]) != 0) {
		return -EILSEQ;
	}
	err = read_ends(bundle, reader, netw, &network->quant);
	network->use = (enum tocsin_score_use)get_u32(&netw->data[24]);
	network->n_out = get_u32(&netw->data[28]);
	network->first = get_u32(&netw->data[32]);
	network->fold = get_u32(&netw->data[36]);
	network->head.kind = get_u32(&netw->data[40]);
	/* The head's tables are as long as n_out says: it must be settled before they are. */
	if (err != 0 || network->n_out < 1 || network->n_out > TOCSIN_SCORE_DIM_MAX ||
	    network->fold < 1 || network->n_out % network->fold != 0) {
		return -EILSEQ;
	}
	return network->head.kind == 0
		       ? 0
		       : read_classical(reader, network->head.kind, &network->head.kmeans,
					network->n_out / network->fold);
}

static int read_combined(struct tocsin_bundle *bundle, struct reader *reader)
{
	const struct section *cmbn = take(reader, SECTION_CMBN);
	struct tocsin_score_combined *model = &bundle->score.combined;
	int err = 0;

	if (!section_has_size(cmbn, CMBN_SIZE) || get_u32(&cmbn->data[4]) != 0 ||
	    get_u32(&cmbn->data[8]) != 0 || get_u32(&cmbn->data[12]) != 0) {
		return -EILSEQ;
	}
	model->mode = (enum tocsin_score_mode)get_u32(&cmbn->data[0]);
	for (int i = 0; i < 2 && err == 0; i++) {
		const uint8_t *entry = &cmbn->data[CMBN_HEAD + i * CMBN_MEMBER];
		struct tocsin_score_member *member = &model->members[i];

		member->kind = get_u32(&entry[0]);
		member->offset = get_f32(&entry[4]);
		member->weight = get_f32(&entry[8]);
		if (get_u32(&entry[12]) != 0) {
			err = -EILSEQ;
		} else if (member->kind == TOCSIN_SCORE_NETWORK) {
			err = read_network(bundle, reader, &member->network);
		} else {
			err = read_classical(reader, member->kind, &member->classical.kmeans,
					     bundle->score.dim);
		}
	}
	return err;
}

/* The kind of the whole: that of the one section which is no part of another's. */
static enum tocsin_score_kind kind_of(const struct section *sections)
{
	static const struct {
		enum section_id section;
		enum tocsin_score_kind kind;
	} kinds[] = {
		{SECTION_CMBN, TOCSIN_SCORE_COMBINED},    {SECTION_NETW, TOCSIN_SCORE_NETWORK},
		{SECTION_AENC, TOCSIN_SCORE_AUTOENCODER}, {SECTION_KMNS, TOCSIN_SCORE_KMEANS},
		{SECTION_GMMX, TOCSIN_SCORE_GMM},         {SECTION_MAHA, TOCSIN_SCORE_MAHALANOBIS},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (section_given(&sections[kinds[i].section])) {
			return kinds[i].kind;
		}
	}
	return TOCSIN_SCORE_NEIGHBOURS;
}

static int read_model(struct tocsin_bundle *bundle, struct reader *reader)
{
	struct tocsin_score_config *score = &bundle->score;

	score->kind = kind_of(reader->sections);
	switch (score->kind) {
	case TOCSIN_SCORE_COMBINED:
		return read_combined(bundle, reader);
	case TOCSIN_SCORE_NETWORK:
		return read_network(bundle, reader, &score->network);
	case TOCSIN_SCORE_AUTOENCODER:
		return read_autoencoder(bundle, reader);
	default:
		return read_classical(reader, score->kind, &score->kmeans, score->dim);
	}
}

int tocsin_bundle_read_model(struct tocsin_bundle *bundle, const struct section *sections)
{
	const struct section *norm = &sections[SECTION_NORM];
	struct tocsin_score_config *score = &bundle->score;
	struct reader reader = {.sections = sections};

	score->dim = (uint32_t)tocsin_dsp_vector_size(&bundle->dsp);
	if (!section_has_size(norm, UINT64_C(8) * score->dim)) {
		return -EILSEQ;
	}
	score->mean = get_floats(norm->data);
	score->inv_std = &score->mean[score->dim];
	if (read_model(bundle, &reader) != 0) {
		return -EILSEQ;
	}
	for (int id = SECTION_KMNS; id <= SECTION_TFLM; id++) {
		if (section_given(&sections[id]) && (reader.read & (1u << id)) == 0) {
			return -EILSEQ;
		}
	}
	return tocsin_score_check(score) == 0 ? 0 : -EILSEQ;
}
