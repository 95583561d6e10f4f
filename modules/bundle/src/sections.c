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

#define SENS_SIZE 16
#define FEAT_SIZE 48
#define DECD_SIZE 16
#define DUTY_SIZE 8
#define SLID_SIZE 4

static int read_sensor(struct tocsin_bundle *bundle, const struct section *sens)
{
	uint32_t kind;

	if (!section_has_size(sens, SENS_SIZE)) {
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
		return section_given(wind) || section_given(sine) || section_given(band) ||
				       dsp->n_weights != 0
			       ? -EILSEQ
			       : 0;
	}
	if (!section_has_size(wind, UINT64_C(4) * (dsp->frame_length / 2 + 1)) ||
	    !section_has_size(sine, UINT64_C(4) * dsp->n_fft) ||
	    !section_has_size(band, UINT64_C(4) * dsp->n_bands + UINT64_C(4) * dsp->n_weights)) {
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

	if (read_sensor(bundle, &sections[SECTION_SENS]) != 0 ||
	    !section_has_size(feat, FEAT_SIZE) || get_u32(&feat->data[44]) != 0) {
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
	/* A microphone's offset is nobody's feature, and not the same tomorrow. */
	if (bundle->sensor == TOCSIN_BUNDLE_AUDIO && (dsp->flags & TOCSIN_DSP_REMOVE_MEAN) == 0) {
		return -EILSEQ;
	}
	return 0;
}

int tocsin_bundle_read_decision(struct tocsin_bundle *bundle, const struct section *sections)
{
	const struct section *decd = &sections[SECTION_DECD];

	if (!section_has_size(decd, DECD_SIZE)) {
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

	if (!section_given(duty)) {
		return 0;
	}
	if (!section_has_size(duty, DUTY_SIZE)) {
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

/* Only a network on stacks that overlap is given a frame twice. */
int tocsin_bundle_read_slide(struct tocsin_bundle *bundle, const struct section *sections)
{
	const struct section *slid = &sections[SECTION_SLID];
	const struct tocsin_dsp_config *dsp = &bundle->dsp;

	if (!section_given(slid)) {
		return 0;
	}
	if (!section_has_size(slid, SLID_SIZE) || bundle->model == NULL ||
	    dsp->pool != TOCSIN_DSP_STACK || dsp->window_hop >= dsp->window_frames ||
	    get_u32(slid->data) != dsp->window_hop) {
		return -EILSEQ;
	}
	bundle->slide = dsp->window_hop;
	return 0;
}
