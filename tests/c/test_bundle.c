/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/bundle.h>

#include "model_bundle.h"

static struct tocsin_bundle bundle;
static uint8_t *data;
static size_t size;

/* Write a valid bundle to `data`. Each test frees it at its end. */
static void emit(enum model model, int with_bands)
{
	struct draft draft;

	model_draft(&draft, model, with_bands);
	data = draft_emit(&draft, &size);
	draft_free(&draft);
}

/* Every float that a configuration points at, read once: a pointer astray meets the sanitizer. */
static void assert_ramp(const float *values, size_t n, float first, float step)
{
	assert_in_range((uintptr_t)values, (uintptr_t)data, (uintptr_t)data + size - 4 * n);
	for (size_t i = 0; i < n; i++) {
		assert_true(values[i] == first + step * (float)i);
	}
}

static void assert_common(void)
{
	assert_int_equal(bundle.format_major, 1);
	assert_int_equal(bundle.format_minor, 0);
	assert_int_equal(bundle.feature_version, TOCSIN_DSP_VERSION);
	assert_int_equal(bundle.size, size);
	assert_memory_equal(&bundle.crc, &data[24], 4);
	assert_int_equal(bundle.decide.smooth, 4);
	assert_int_equal(bundle.decide.min_windows, 2);
	assert_true(bundle.decide.threshold_on == 3.5f);
	assert_true(bundle.decide.threshold_off == 2.5f);
	assert_int_equal(bundle.meta_size, strlen(MODEL_META));
	assert_memory_equal(bundle.meta, MODEL_META, bundle.meta_size);
	assert_ramp(bundle.score.mean, bundle.score.dim, -30.0f, 0.5f);
	assert_ramp(bundle.score.inv_std, bundle.score.dim, 0.25f, 0.03125f);
}

static void assert_banded_features(void)
{
	const struct tocsin_dsp_config *dsp = &bundle.dsp;

	assert_int_equal(bundle.sensor, TOCSIN_BUNDLE_AUDIO);
	assert_int_equal(dsp->sample_rate, 16000);
	assert_int_equal(dsp->channels, 1);
	assert_true(dsp->scale == 1.0f / 32768.0f);
	assert_int_equal(dsp->frame_length, 33);
	assert_int_equal(dsp->hop, 16);
	assert_int_equal(dsp->stats, TOCSIN_DSP_RMS | TOCSIN_DSP_KURTOSIS);
	assert_int_equal(dsp->flags, TOCSIN_DSP_REMOVE_MEAN);
	assert_int_equal(dsp->n_fft, 256);
	assert_int_equal(dsp->n_bands, MODEL_BANDS);
	assert_true(dsp->log_floor == 1e-10f);
	assert_int_equal(dsp->pool, TOCSIN_DSP_MEAN | TOCSIN_DSP_MAX);
	assert_int_equal(dsp->window_frames, 6);
	assert_int_equal(dsp->window_hop, 3);
	assert_int_equal(dsp->n_weights, MODEL_WEIGHTS);
	assert_true(dsp->window[0] == 0.0f && dsp->window[16] > 0.99f);
	assert_true(dsp->sine[64] == 1.0f && dsp->sine[192] == -1.0f);
	assert_int_equal(dsp->bands[1].first, 2);
	assert_int_equal(dsp->bands[1].count, 3);
	assert_ramp(dsp->weights, MODEL_WEIGHTS, 0.125f, 0.25f);
	assert_int_equal(bundle.score.dim, MODEL_DIM);
}

static void assert_plain_features(void)
{
	assert_int_equal(bundle.sensor, TOCSIN_BUNDLE_VIBRATION);
	assert_int_equal(bundle.dsp.channels, 3);
	assert_int_equal(bundle.dsp.n_bands, 0);
	assert_null(bundle.dsp.window);
	assert_null(bundle.dsp.sine);
	assert_null(bundle.dsp.bands);
	assert_null(bundle.dsp.weights);
	assert_int_equal(bundle.score.dim, MODEL_PLAIN_DIM);
}

static void assert_gaussians(enum model model)
{
	const struct tocsin_score_gaussians *gaussians = &bundle.score.gaussians;
	const int mixture = model == MODEL_GMM_DIAGONAL || model == MODEL_GMM_FULL;
	const int full = model == MODEL_GMM_FULL || model == MODEL_MAHALANOBIS_FULL;
	const size_t dim = bundle.score.dim;
	const size_t k = mixture ? 2 : 1;

	assert_int_equal(bundle.score.kind, mixture ? TOCSIN_SCORE_GMM : TOCSIN_SCORE_MAHALANOBIS);
	assert_int_equal(gaussians->k, k);
	assert_int_equal(gaussians->covariance, full ? TOCSIN_SCORE_FULL : TOCSIN_SCORE_DIAGONAL);
	if (mixture) {
		assert_ramp(gaussians->log_const, k, -5.0f, 2.0f);
	} else {
		assert_null(gaussians->log_const);
	}
	assert_ramp(gaussians->means, k * dim, -2.0f, 0.25f);
	assert_ramp(gaussians->whiten, k * (full ? dim * (dim + 1) / 2 : dim), 0.5f, 0.0625f);
}

static void assert_neighbours(const struct tocsin_score_neighbours *neighbours, int full)
{
	const size_t dim = bundle.score.dim;

	assert_int_equal(neighbours->k, 4);
	assert_int_equal(neighbours->covariance, full ? TOCSIN_SCORE_FULL : TOCSIN_SCORE_DIAGONAL);
	assert_true(neighbours->step == 0.03125f);
	if (full) {
		assert_ramp(neighbours->whiten, dim * (dim + 1) / 2, -0.5f, 0.0625f);
	} else {
		assert_null(neighbours->whiten);
	}
	assert_ramp(neighbours->gain, 4, 0.5f, 0.25f);
	for (size_t i = 0; i < 4 * dim; i++) {
		assert_int_equal(neighbours->references[i], (int8_t)i);
	}
}

static void assert_quant(const struct tocsin_score_quant *quant)
{
	assert_true(quant->in_scale == 0.03125f);
	assert_int_equal(quant->in_zero, -5);
	assert_true(quant->out_scale == 0.0625f);
	assert_int_equal(quant->out_zero, 7);
	assert_int_equal(bundle.arena_size, 12345);
	assert_int_equal(bundle.model_size, 37);
	assert_int_equal((uintptr_t)bundle.model % 16, 0);
	assert_memory_equal(&bundle.model[4], "TFL3", 4);
}

static void assert_embedding(void)
{
	const struct tocsin_score_network *network = &bundle.score.network;
	const struct tocsin_score_gaussians *head = &network->head.gaussians;

	assert_int_equal(bundle.score.kind, TOCSIN_SCORE_NETWORK);
	assert_quant(&network->quant);
	assert_int_equal(network->use, TOCSIN_SCORE_EMBED);
	assert_int_equal(network->n_out, 6);
	assert_int_equal(network->first, 0);
	assert_int_equal(network->fold, 2);
	assert_int_equal(network->head.kind, TOCSIN_SCORE_MAHALANOBIS);
	assert_int_equal(head->k, 2);
	assert_int_equal(head->covariance, TOCSIN_SCORE_FULL);
	assert_ramp(head->means, 2 * 3, -2.0f, 0.25f);
	assert_ramp(head->whiten, 2 * 6, 0.5f, 0.0625f);
}

static void assert_combined(void)
{
	const struct tocsin_score_combined *combined = &bundle.score.combined;
	const struct tocsin_score_member *near = &combined->members[0];
	const struct tocsin_score_member *network = &combined->members[1];

	assert_int_equal(bundle.score.kind, TOCSIN_SCORE_COMBINED);
	assert_int_equal(combined->mode, TOCSIN_SCORE_MAX);
	assert_int_equal(near->kind, TOCSIN_SCORE_NEIGHBOURS);
	assert_true(near->offset == -1.5f && near->weight == 0.75f);
	assert_neighbours(&near->classical.neighbours, 0);
	assert_int_equal(network->kind, TOCSIN_SCORE_NETWORK);
	assert_true(network->offset == 4.0f && network->weight == 4.5f);
	assert_quant(&network->network.quant);
	assert_int_equal(network->network.use, TOCSIN_SCORE_PREDICT);
	assert_int_equal(network->network.n_out, 2);
	assert_int_equal(network->network.first, 5);
	assert_int_equal(network->network.fold, 1);
	assert_int_equal(network->network.head.kind, 0);
}

static void assert_model(enum model model)
{
	const struct tocsin_score_config *score = &bundle.score;

	if (model == MODEL_NETWORK) {
		assert_embedding();
		return;
	}
	if (model == MODEL_COMBINED) {
		assert_combined();
		return;
	}
	if (model == MODEL_AUTOENCODER) {
		assert_int_equal(score->kind, TOCSIN_SCORE_AUTOENCODER);
		assert_quant(&score->autoencoder);
		return;
	}
	assert_null(bundle.model);
	assert_int_equal(bundle.model_size, 0);
	assert_int_equal(bundle.arena_size, 0);
	if (model == MODEL_KMEANS) {
		assert_int_equal(score->kind, TOCSIN_SCORE_KMEANS);
		assert_int_equal(score->kmeans.k, 3);
		assert_ramp(score->kmeans.centroids, 3 * score->dim, -1.0f, 0.125f);
	} else if (model == MODEL_NEIGHBOURS_DIAGONAL || model == MODEL_NEIGHBOURS_FULL) {
		assert_int_equal(score->kind, TOCSIN_SCORE_NEIGHBOURS);
		assert_neighbours(&score->neighbours, model == MODEL_NEIGHBOURS_FULL);
	} else {
		assert_gaussians(model);
	}
}

static void test_each_model(void **state)
{
	(void)state;
	for (int model = 0; model < MODEL_COUNT; model++) {
		for (int with_bands = 0; with_bands < 2; with_bands++) {
			emit(model, with_bands);
			memset(&bundle, 0xA5, sizeof(bundle));
			assert_int_equal(tocsin_bundle_parse(&bundle, data, size), 0);
			assert_common();
			assert_model(model);
			if (with_bands) {
				assert_banded_features();
			} else {
				assert_plain_features();
			}
			free(data);
		}
	}
}

/* What parse answers, and that the bundle keeps its bytes where the answer is an error. */
static int answer(const void *bytes, size_t n)
{
	struct tocsin_bundle before;
	int err;

	memset(&bundle, 0xA5, sizeof(bundle));
	memset(&before, 0xA5, sizeof(before));
	err = tocsin_bundle_parse(&bundle, bytes, n);
	if (err != 0) {
		assert_memory_equal(&bundle, &before, sizeof(bundle));
	}
	return err;
}

static void test_arguments(void **state)
{
	(void)state;
	emit(MODEL_KMEANS, 0);
	assert_int_equal(tocsin_bundle_parse(NULL, data, size), -EINVAL);
	assert_int_equal(answer(NULL, size), -EINVAL);
	for (size_t shift = 1; shift < 16; shift++) {
		assert_int_equal(answer(&data[shift], size - shift), -EINVAL);
	}
	free(data);
}

static void test_longer_memory(void **state)
{
	static _Alignas(16) uint8_t partition[16384];

	(void)state;
	emit(MODEL_GMM_FULL, 0);
	assert_true(size < sizeof(partition));
	memset(partition, 0xFF, sizeof(partition));
	memcpy(partition, data, size);
	free(data);
	assert_int_equal(answer(partition, sizeof(partition)), 0);
	assert_int_equal(bundle.size, size);
}

static void test_cut_anywhere(void **state)
{
	(void)state;
	emit(MODEL_AUTOENCODER, 1);
	for (size_t n = 0; n < size; n++) {
		uint8_t *cut = aligned_copy(data, n);
		int err = answer(cut, n);

		free(cut);
		if (err != -ENODATA) {
			fail_msg("cut to %zu bytes: %d", n, err);
		}
	}
	free(data);
}

static void test_any_bit_flipped(void **state)
{
	(void)state;
	for (int with_bands = 0; with_bands < 2; with_bands++) {
		emit(MODEL_KMEANS, with_bands);
		for (size_t bit = 0; bit < 8 * size; bit++) {
			int expected = bit < 64 ? -ENOEXEC : -EBADMSG;
			int err;

			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			err = answer(data, size);
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (err != expected) {
				fail_msg("bit %zu flipped: %d", bit, err);
			}
		}
		assert_int_equal(answer(data, size), 0);
		free(data);
	}
}

/* The checks' order: each fault is repaired in turn, and the next one shows. */
static void test_order_of_checks(void **state)
{
	struct draft draft;

	(void)state;
	model_draft(&draft, MODEL_KMEANS, 0);
	draft.major = 2;
	draft.feature_version = 7;
	draft_put_u32(draft_find(&draft, "SENS"), 0, 3); /* malformed */
	draft_add(&draft, "NEWS", NULL, 0);              /* must be understood */
	data = draft_emit(&draft, &size);

	data[0] = 't';
	data[30] ^= 1;
	assert_int_equal(answer(data, 3), -ENOEXEC);
	assert_int_equal(answer(data, size - 1), -ENOEXEC);
	data[0] = 'T';
	assert_int_equal(answer(data, 31), -ENODATA);
	assert_int_equal(answer(data, size - 1), -EBADMSG);
	data[30] ^= 1;
	assert_int_equal(answer(data, size - 1), -ENODATA);
	data[size - 1] ^= 1;
	assert_int_equal(answer(data, size), -ENOTSUP);
	free(data);

	draft.major = 1;
	draft.minor = 9;
	data = draft_emit(&draft, &size);
	data[size - 1] ^= 1;
	assert_int_equal(answer(data, size), -EBADMSG);
	data[size - 1] ^= 1;
	assert_int_equal(answer(data, size), -EPROTO);
	free(data);

	draft.feature_version = TOCSIN_DSP_VERSION;
	data = draft_emit(&draft, &size);
	assert_int_equal(answer(data, size), -ENOTSUP);
	free(data);

	memcpy(draft_find(&draft, "NEWS")->type, "news", 4);
	data = draft_emit(&draft, &size);
	assert_int_equal(answer(data, size), -EILSEQ);
	free(data);

	draft_put_u32(draft_find(&draft, "SENS"), 0, 2);
	data = draft_emit(&draft, &size);
	assert_int_equal(answer(data, size), 0);
	assert_int_equal(bundle.format_minor, 9);
	free(data);
	draft_free(&draft);
}

static void test_without_meta(void **state)
{
	struct draft draft;

	(void)state;
	model_draft(&draft, MODEL_MAHALANOBIS_FULL, 1);
	draft_remove(&draft, "meta");
	data = draft_emit(&draft, &size);
	assert_int_equal(answer(data, size), 0);
	assert_null(bundle.meta);
	assert_int_equal(bundle.meta_size, 0);
	free(data);
	draft_free(&draft);
}

/* At 1600 Hz an alarm takes 4 steps of 48 samples and a window of 112: 190 ms. */
static void test_duty_cycle(void **state)
{
	static const struct {
		uint32_t listen;
		uint32_t period;
		size_t size;
		int answer;
	} cases[] = {
		{190, 60000, 8, 0},
		{190, 191, 8, 0},
		{190, TOCSIN_BUNDLE_PERIOD_MAX, 8, 0},
		{189, 60000, 8, -EILSEQ}, /* could never raise an alarm */
		{0, 0, 8, -EILSEQ},
		{60000, 60000, 8, -EILSEQ},
		{UINT32_MAX, 60000, 8, -EILSEQ},
		{190, TOCSIN_BUNDLE_PERIOD_MAX + 1, 8, -EILSEQ},
		{190, 60000, 4, -EILSEQ},
		{190, 60000, 12, -EILSEQ},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct draft draft;
		struct draft_section *duty;

		model_draft(&draft, MODEL_KMEANS, 0);
		duty = draft_add(&draft, "duty", NULL, 16);
		draft_put_u32(duty, 0, cases[i].listen);
		draft_put_u32(duty, 4, cases[i].period);
		draft_resize(duty, cases[i].size);
		data = draft_emit(&draft, &size);
		assert_int_equal(answer(data, size), cases[i].answer);
		if (cases[i].answer == 0) {
			assert_int_equal(bundle.listen_ms, cases[i].listen);
			assert_int_equal(bundle.period_ms, cases[i].period);
		}
		free(data);
		draft_free(&draft);
	}

	emit(MODEL_KMEANS, 0);
	assert_int_equal(answer(data, size), 0);
	assert_int_equal(bundle.listen_ms, 0);
	assert_int_equal(bundle.period_ms, 0);
	free(data);
}

/* A model without bands: three channels of four statistics, stacked over three frames, unless told
 * otherwise; all windows have 36 values. */
static void test_slide(void **state)
{
	static const struct {
		enum model model;
		uint32_t pool;
		uint32_t frames;
		uint32_t hop;
		uint32_t slide;
		size_t size;
		int answer;
	} cases[] = {
		{MODEL_AUTOENCODER, 1, 3, 1, 1, 4, 0},
		{MODEL_AUTOENCODER, 1, 3, 2, 2, 4, 0},
		{MODEL_NETWORK, 1, 3, 1, 1, 4, 0},
		{MODEL_COMBINED, 1, 3, 1, 1, 4, 0},
		{MODEL_AUTOENCODER, 1, 3, 3, 3, 4, -EILSEQ}, /* no frame is met twice */
		{MODEL_AUTOENCODER, 1, 3, 2, 1, 4, -EILSEQ}, /* not how windows slide */
		{MODEL_AUTOENCODER, 1, 3, 1, 0, 4, -EILSEQ},
		{MODEL_AUTOENCODER, 5, 2, 1, 1, 4, -EILSEQ}, /* not frames alone */
		{MODEL_KMEANS, 1, 3, 1, 1, 4, -EILSEQ},      /* no network */
		{MODEL_AUTOENCODER, 1, 3, 1, 1, 0, -EILSEQ},
		{MODEL_AUTOENCODER, 1, 3, 1, 1, 8, -EILSEQ},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct draft draft;
		struct draft_section *section;

		model_draft(&draft, cases[i].model, 0);
		section = draft_find(&draft, "FEAT");
		draft_put_u32(section, 28, cases[i].pool);
		draft_put_u32(section, 32, cases[i].frames);
		draft_put_u32(section, 36, cases[i].hop);
		section = draft_add(&draft, "slid", NULL, 8);
		draft_put_u32(section, 0, cases[i].slide);
		draft_resize(section, cases[i].size);
		data = draft_emit(&draft, &size);
		assert_int_equal(answer(data, size), cases[i].answer);
		if (cases[i].answer == 0) {
			assert_int_equal(bundle.slide, cases[i].slide);
		}
		free(data);
		draft_free(&draft);
	}

	emit(MODEL_AUTOENCODER, 0);
	assert_int_equal(answer(data, size), 0);
	assert_int_equal(bundle.slide, 0);
	free(data);
}

static void test_crc32(void **state)
{
	uint32_t crc = 0;

	(void)state;
	/* The check value of the CRC catalogues, and what Python's zlib.crc32() says. */
	assert_int_equal(tocsin_bundle_crc32(0, "123456789", 9), 0xCBF43926);
	assert_int_equal(tocsin_bundle_crc32(0, "", 0), 0);
	assert_int_equal(tocsin_bundle_crc32(0, "\0", 1), 0xD202EF8D);
	assert_int_equal(tocsin_bundle_crc32(0, "\xFF\xFF\xFF\xFF", 4), 0xFFFFFFFF);
	for (int i = 0; i < 9; i++) {
		crc = tocsin_bundle_crc32(crc, &"123456789"[i], 1);
	}
	assert_int_equal(crc, 0xCBF43926);
}

static void test_strerror(void **state)
{
	static const int errors[] = {0,        -EINVAL, -ENOEXEC, -ENODATA, -EBADMSG,
				     -ENOTSUP, -EPROTO, -EILSEQ,  -ENOENT};
	const size_t n = sizeof(errors) / sizeof(errors[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(tocsin_bundle_strerror(errors[i]),
						tocsin_bundle_strerror(errors[j]));
		}
	}
	assert_non_null(tocsin_bundle_strerror(12345));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_model),      cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_longer_memory),   cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_any_bit_flipped), cmocka_unit_test(test_order_of_checks),
		cmocka_unit_test(test_without_meta),    cmocka_unit_test(test_duty_cycle),
		cmocka_unit_test(test_slide),           cmocka_unit_test(test_crc32),
		cmocka_unit_test(test_strerror),
	};

	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
