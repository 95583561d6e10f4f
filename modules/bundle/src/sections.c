/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The sections' contents. Here the sizes are settled, so that a table which a configuration points
 * at is as long as its counts say; the ranges of the values are the stages' own business, asked of
 * their check functions. Sizes are compared in 64 bits: with counts of 32 bits each that have not
 * been checked yet, and a dim of at most 4096, no product here can wrap.
 */

#include <errno.h>

#include "internal.h"

_Static_assert(sizeof(struct tocsin_dsp_band) == 4 &&
		       offsetof(struct tocsin_dsp_band, first) == 0 &&
		       offsetof(struct tocsin_dsp_band, count) == 2,
	       "the BAND section is used as an array of these");

#define SENS_SIZE  16
#define FEAT_SIZE  48
#define MODEL_HEAD 16
#define NNBR_HEAD  32
#define AENC_SIZE  32
#define DECD_SIZE  16
#define DUTY_SIZE  8

static bool has(const struct section *section)
{
	return section->data != NULL;
}

static bool has_size(const struct section *section, uint64_t size)
{
	return section->data != NULL && section->size == size;
}

static int read_sensor(struct tocsin_bundle *bundle, const struct section *sens)
{
	uint32_t kind;

	if (!has_size(sens, SENS_SIZE)) {
		return -EILSEQ;
	}
	kind = get_u32(&sens->data[0]);
	if (kind != TOCSIN_BUNDLE_AUDIO && kind != TOCSIN_BUNDLE_VIBRATION) {
		return -EILSEQ;
	}
	bundle->sensor = (enum tocsin_bundle_sensor)kind;
	bundle->dsp.sample_rate = get_u32(&sens->data[4]);
	bundle->dsp.channels = get_u32(&sens->data[8]);
	bundle->dsp.scale = get_f32(&sens->data[12]);
	return 0;
}

/* WIND, SINE and BAND go with bands, and only with bands. */
static int read_tables(struct tocsin_dsp_config *dsp, const struct section *sections)
{
	const struct section *wind = &sections[SECTION_WIND];
	const struct section *sine = &sections[SECTION_SINE];
	const struct section *band = &sections[SECTION_BAND];

	if (dsp->n_bands == 0) {
		return has(wind) || has(sine) || has(band) || dsp->n_weights != 0 ? -EILSEQ : 0;
	}
	if (!has_size(wind, UINT64_C(4) * (dsp->frame_length / 2 + 1)) ||
	    !has_size(sine, UINT64_C(4) * dsp->n_fft) ||
	    !has_size(band, UINT64_C(4) * dsp->n_bands + UINT64_C(4) * dsp->n_weights)) {
		return -EILSEQ;
	}
	dsp->window = get_floats(wind->data);
	dsp->sine = get_floats(sine->data);
	dsp->bands = (const struct tocsin_dsp_band *)(const void *)band->data;
	dsp->weights = get_floats(&band->data[(size_t)dsp->n_bands * 4]);
	return 0;
}

int tocsin_bundle_read_features(struct tocsin_bundle *bundle, const struct section *sections)
{
	const struct section *feat = &sections[SECTION_FEAT];
	struct tocsin_dsp_config *dsp = &bundle->dsp;

	if (read_sensor(bundle, &sections[SECTION_SENS]) != 0 || !has_size(feat, FEAT_SIZE) ||
	    get_u32(&feat->data[44]) != 0) {
		return -EILSEQ;
	}
	dsp->frame_length = get_u32(&feat->data[0]);
	dsp->hop = get_u32(&feat->data[4]);
	dsp->stats = get_u32(&feat->data[8]);
	dsp->flags = get_u32(&feat->data[12]);
	dsp->n_fft = get_u32(&feat->data[16]);
	dsp->n_bands = get_u32(&feat->data[20]);
	dsp->log_floor = get_f32(&feat->data[24]);
	dsp->pool = get_u32(&feat->data[28]);
	dsp->window_frames = get_u32(&feat->data[32]);
	dsp->window_hop = get_u32(&feat->data[36]);
	dsp->n_weights = get_u32(&feat->data[40]);
	if (read_tables(dsp, sections) != 0 || tocsin_dsp_check(dsp) != 0) {
		return -EILSEQ;
	}
	return 0;
}

/* The first 16 bytes of KMNS, GMMX and MAHA: k, dim, one field of the kind's own, zero. */
static bool head_is(const struct section *section, uint32_t dim)
{
	return section->size >= MODEL_HEAD && get_u32(&section->data[4]) == dim &&
	       get_u32(&section->data[12]) == 0;
}

static int read_kmeans(struct tocsin_score_config *score, const struct section *kmns)
{
	uint32_t k;

	if (!head_is(kmns, score->dim) || get_u32(&kmns->data[8]) != 0) {
		return -EILSEQ;
	}
	k = get_u32(&kmns->data[0]);
	if (!has_size(kmns, MODEL_HEAD + UINT64_C(4) * k * score->dim)) {
		return -EILSEQ;
	}
	score->kind = TOCSIN_SCORE_KMEANS;
	score->kmeans.k = k;
	score->kmeans.centroids = get_floats(&kmns->data[MODEL_HEAD]);
	return 0;
}

/* GMMX, and MAHA, which is the same with one component and without log_const. */
static int read_gaussians(struct tocsin_score_config *score, const struct section *section,
			  bool mixture)
{
	struct tocsin_score_gaussians *gaussians = &score->gaussians;
	uint64_t dim = score->dim;
	const float *values;
	uint32_t covariance;
	uint64_t whiten;
	uint32_t k;

	if (!head_is(section, score->dim)) {
		return -EILSEQ;
	}
	k = get_u32(&section->data[0]);
	covariance = get_u32(&section->data[8]);
	if (covariance != TOCSIN_SCORE_DIAGONAL && covariance != TOCSIN_SCORE_FULL) {
		return -EILSEQ;
	}
	whiten = covariance == TOCSIN_SCORE_FULL ? dim * (dim + 1) / 2 : dim;
	if (!has_size(section, MODEL_HEAD + UINT64_C(4) * k * ((mixture ? 1 : 0) + dim + whiten))) {
		return -EILSEQ;
	}

	values = get_floats(&section->data[MODEL_HEAD]);
	score->kind = mixture ? TOCSIN_SCORE_GMM : TOCSIN_SCORE_MAHALANOBIS;
	gaussians->k = k;
	gaussians->covariance = (enum tocsin_score_covariance)covariance;
	gaussians->log_const = mixture ? values : NULL;
	gaussians->means = mixture ? &values[k] : values;
	gaussians->whiten = &gaussians->means[(size_t)k * score->dim];
	return 0;
}

static int read_neighbours(struct tocsin_score_config *score, const struct section *nnbr)
{
	struct tocsin_score_neighbours *neighbours = &score->neighbours;
	const uint64_t dim = score->dim;
	const float *values;
	uint32_t covariance;
	uint64_t whiten;
	uint32_t k;

	if (!head_is(nnbr, score->dim) || nnbr->size < NNBR_HEAD || get_u32(&nnbr->data[20]) != 0 ||
	    get_u32(&nnbr->data[24]) != 0 || get_u32(&nnbr->data[28]) != 0) {
		return -EILSEQ;
	}
	k = get_u32(&nnbr->data[0]);
	covariance = get_u32(&nnbr->data[8]);
	if (covariance != TOCSIN_SCORE_DIAGONAL && covariance != TOCSIN_SCORE_FULL) {
		return -EILSEQ;
	}
	whiten = covariance == TOCSIN_SCORE_FULL ? dim * (dim + 1) / 2 : 0;
	if (!has_size(nnbr, NNBR_HEAD + 4 * (whiten + k) + k * dim)) {
		return -EILSEQ;
	}

	values = get_floats(&nnbr->data[NNBR_HEAD]);
	score->kind = TOCSIN_SCORE_NEIGHBOURS;
	neighbours->k = k;
	neighbours->covariance = (enum tocsin_score_covariance)covariance;
	neighbours->step = get_f32(&nnbr->data[16]);
	neighbours->whiten = whiten != 0 ? values : NULL;
	neighbours->gain = &values[whiten];
	neighbours->references = (const int8_t *)(const void *)&values[whiten + k];
	return 0;
}

static int read_autoencoder(struct tocsin_bundle *bundle, const struct section *aenc,
			    const struct section *tflm)
{
	struct tocsin_score_autoencoder *ends = &bundle->score.autoencoder;

	if (!has_size(aenc, AENC_SIZE) || get_u32(&aenc->data[16]) != bundle->score.dim ||
	    get_u32(&aenc->data[24]) != 0 || get_u32(&aenc->data[28]) != 0) {
		return -EILSEQ;
	}
	/* A flatbuffer begins with the offset of its root and, in TFLite, this identifier. What
	 * lies behind is checked by whoever runs it. */
	if (!has(tflm) || tflm->size < 8 || memcmp(&tflm->data[4], "TFL3", 4) != 0) {
		return -EILSEQ;
	}
	bundle->score.kind = TOCSIN_SCORE_AUTOENCODER;
	ends->in_scale = get_f32(&aenc->data[0]);
	ends->in_zero = get_i32(&aenc->data[4]);
	ends->out_scale = get_f32(&aenc->data[8]);
	ends->out_zero = get_i32(&aenc->data[12]);
	bundle->arena_size = get_u32(&aenc->data[20]);
	bundle->model = tflm->data;
	bundle->model_size = tflm->size;
	return bundle->arena_size > 0 ? 0 : -EILSEQ;
}

int tocsin_bundle_read_model(struct tocsin_bundle *bundle, const struct section *sections)
{
	const struct section *norm = &sections[SECTION_NORM];
	const struct section *kmns = &sections[SECTION_KMNS];
	const struct section *gmmx = &sections[SECTION_GMMX];
	const struct section *maha = &sections[SECTION_MAHA];
	const struct section *nnbr = &sections[SECTION_NNBR];
	const struct section *aenc = &sections[SECTION_AENC];
	const struct section *tflm = &sections[SECTION_TFLM];
	struct tocsin_score_config *score = &bundle->score;
	int err;

	if (has(kmns) + has(gmmx) + has(maha) + has(nnbr) + has(aenc) != 1 ||
	    has(tflm) != has(aenc)) {
		return -EILSEQ;
	}
	score->dim = (uint32_t)tocsin_dsp_vector_size(&bundle->dsp);
	if (!has_size(norm, UINT64_C(8) * score->dim)) {
		return -EILSEQ;
	}
	score->mean = get_floats(norm->data);
	score->inv_std = &score->mean[score->dim];

	if (has(kmns)) {
		err = read_kmeans(score, kmns);
	} else if (has(nnbr)) {
		err = read_neighbours(score, nnbr);
	} else if (has(aenc)) {
		err = read_autoencoder(bundle, aenc, tflm);
	} else {
		err = read_gaussians(score, has(gmmx) ? gmmx : maha, has(gmmx));
	}
	return err == 0 && tocsin_score_check(score) == 0 ? 0 : -EILSEQ;
}

int tocsin_bundle_read_decision(struct tocsin_bundle *bundle, const struct section *sections)
{
	const struct section *decd = &sections[SECTION_DECD];

	if (!has_size(decd, DECD_SIZE)) {
		return -EILSEQ;
	}
	bundle->decide.smooth = get_u32(&decd->data[0]);
	bundle->decide.min_windows = get_u32(&decd->data[4]);
	bundle->decide.threshold_on = get_f32(&decd->data[8]);
	bundle->decide.threshold_off = get_f32(&decd->data[12]);
	return tocsin_decide_check(&bundle->decide) == 0 ? 0 : -EILSEQ;
}

/* Samples that the decision must hear in one piece before it can raise an alarm. */
static uint64_t alarm_span(const struct tocsin_bundle *bundle)
{
	const struct tocsin_dsp_config *dsp = &bundle->dsp;
	const uint64_t windows = (uint64_t)bundle->decide.smooth - 1 + bundle->decide.min_windows;

	return (windows - 1) * dsp->window_hop * dsp->hop +
	       (uint64_t)(dsp->window_frames - 1) * dsp->hop + dsp->frame_length;
}

/* A detector that never listens long enough to decide would be silent for ever. */
int tocsin_bundle_read_duty(struct tocsin_bundle *bundle, const struct section *sections)
{
	const struct section *duty = &sections[SECTION_DUTY];

	if (!has(duty)) {
		return 0;
	}
	if (!has_size(duty, DUTY_SIZE)) {
		return -EILSEQ;
	}
	bundle->listen_ms = get_u32(&duty->data[0]);
	bundle->period_ms = get_u32(&duty->data[4]);
	if (bundle->listen_ms >= bundle->period_ms ||
	    bundle->period_ms > TOCSIN_BUNDLE_PERIOD_MAX ||
	    (uint64_t)bundle->listen_ms * bundle->dsp.sample_rate / 1000 < alarm_span(bundle)) {
		return -EILSEQ;
	}
	return 0;
}
