/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <float.h>

#include "pipeline.h"

static int judge(struct tocsin_pipeline *pipeline, const struct tocsin_dsp_window *window,
		 const struct tocsin_pipeline_sink *sink)
{
	struct tocsin_decide_event event;
	float score;
	float smoothed;
	int err = tocsin_score_vector(&pipeline->score, pipeline->vector, &score);

	if (err == -ERANGE) {
		/* As the device does: what cannot be scored is strange. */
		pipeline->unscored++;
		score = FLT_MAX;
	} else if (err != 0) {
		return err;
	}

	err = tocsin_decide_push(&pipeline->decide, window->begin, window->end, score, &smoothed,
				 &event);
	if (err != 0) {
		return err;
	}

	sink->window(sink->ctx, window, pipeline->vector, score, smoothed);
	if (event.kind != TOCSIN_DECIDE_NONE) {
		sink->event(sink->ctx, &event);
	}

	return 0;
}

int tocsin_pipeline_drain(struct tocsin_pipeline *pipeline, const struct tocsin_pipeline_sink *sink)
{
	struct tocsin_dsp_window window;
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;

	for (;;) {
		int err = tocsin_ring_peek(&pipeline->ring, pipeline->frame_length, &view, &gap);

		if (err == -EAGAIN) {
			return 0;
		}
		if (err == -EPIPE) {
			err = tocsin_ring_cross_gap(&pipeline->ring, &gap);
			if (err != 0) {
				return err;
			}
			tocsin_decide_gap(&pipeline->decide);
			sink->gap(sink->ctx, &gap);
			continue;
		}
		if (err != 0) {
			return err;
		}

		int complete = tocsin_dsp_push(&pipeline->dsp, &view, pipeline->vector, &window);

		/* The frame is used up; let the producer have the room before the slow stages. */
		err = tocsin_ring_advance(&pipeline->ring, pipeline->hop);
		if (complete < 0 || err != 0) {
			return complete < 0 ? complete : err;
		}
		if (complete == 1) {
			err = judge(pipeline, &window, sink);
			if (err != 0) {
				return err;
			}
		}
	}
}
