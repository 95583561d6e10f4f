/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#define DT_DRV_COMPAT tocsin_source_replay

#include <errno.h>

#include <zephyr/sys/util.h>

#include <tocsin/ring.h>
#include <tocsin/source.h>
#include <tocsin/source_replay.h>

/* A window ring is just what is needed: one feeder, one reader, and holes at their exact place. */
struct replay_data {
	struct k_mutex lock; /* feeder against start and stop; the ring itself needs none */
	struct k_sem fed;
	struct tocsin_ring ring;
	uint32_t capacity; /* frames */
	uint32_t channels;
	bool running;
	volatile bool ended;
	uint64_t read;   /* index of the next frame to read */
	uint64_t holes;  /* frames missing that were fed, and not yet read; under the lock */
	size_t lent;     /* frames of the last block, not yet given back */
	uint64_t credit; /* last limit told */
	int64_t heard;   /* when the feeder said something; under the lock */
	tocsin_source_replay_credit_t tell;
	int16_t mem[CONFIG_TOCSIN_SOURCE_REPLAY_BUFFER / sizeof(int16_t)];
};

static int replay_check(const struct device *dev, const struct tocsin_source_format *format)
{
	ARG_UNUSED(dev);
	return format->channels >= 1 && format->channels <= 3 ? 0 : -ENOTSUP;
}

static int replay_start(const struct device *dev, const struct tocsin_source_format *format)
{
	struct replay_data *data = dev->data;
	uint32_t capacity = 2;
	int err;

	if (replay_check(dev, format) != 0) {
		return -ENOTSUP;
	}
	k_mutex_lock(&data->lock, K_FOREVER);
	if (data->running) {
		k_mutex_unlock(&data->lock);
		return -EALREADY;
	}
	while (tocsin_ring_needed_size(capacity * 2, format->channels) <= sizeof(data->mem)) {
		capacity *= 2;
	}
	err = tocsin_ring_init(&data->ring, capacity, format->channels, data->mem,
			       sizeof(data->mem));
	data->capacity = capacity;
	data->channels = format->channels;
	data->ended = false;
	data->read = 0;
	data->holes = 0;
	data->lent = 0;
	data->credit = 0;
	data->heard = k_uptime_get();
	data->running = err == 0;
	k_sem_reset(&data->fed);
	k_mutex_unlock(&data->lock);
	return err;
}

static void tell_credit(struct replay_data *data, bool again)
{
	uint64_t limit;

	/* A hole takes no room, and is not read before a sample follows it: it must not use up the
	 * credit for that sample. */
	k_mutex_lock(&data->lock, K_FOREVER);
	limit = data->read + data->holes + data->capacity;
	k_mutex_unlock(&data->lock);
	if (data->tell != NULL && !data->ended &&
	    (again || limit - data->credit >= data->capacity / 4)) {
		data->credit = limit;
		data->tell(limit);
	}
}

static void give_back(struct replay_data *data)
{
	if (data->lent > 0) {
		(void)tocsin_ring_advance(&data->ring, data->lent);
		data->lent = 0;
	}
}

static void cross(struct replay_data *data, uint64_t count)
{
	k_mutex_lock(&data->lock, K_FOREVER);
	data->read += count;
	data->holes -= MIN(count, data->holes);
	k_mutex_unlock(&data->lock);
}

/* What stands at the front of the ring, if anything. */
static int take(struct replay_data *data, size_t max_frames, struct tocsin_source_block *block)
{
	struct tocsin_ring_view view;
	struct tocsin_ring_gap gap;
	size_t want = MIN(tocsin_ring_fill(&data->ring), max_frames);

	*block = (struct tocsin_source_block){0};
	/* At a hole, and at its very beginning: peek one frame, which answers for what is next. */
	int ret = tocsin_ring_peek(&data->ring, MAX(want, 1), &view, &gap);

	if (ret == -EPIPE && gap.index == data->read) {
		(void)tocsin_ring_cross_gap(&data->ring, &gap);
		cross(data, gap.count);
		block->lost = gap.count;
		return 0;
	}
	if (ret == -EPIPE) {
		ret = tocsin_ring_peek(&data->ring, (size_t)(gap.index - data->read), &view, &gap);
	}
	if (ret != 0) {
		return -EAGAIN;
	}
	block->samples = view.part[0];
	block->frames = view.count[0];
	data->lent = view.count[0];
	data->read += view.count[0];
	return 0;
}

/* Frames that the recording has but never came, after the last that did. Only once it has ended:
 * then the feeder's index stands still. */
static int missing_end(struct replay_data *data, struct tocsin_source_block *block)
{
	block->lost = tocsin_ring_write_index(&data->ring) - data->read;
	data->read += block->lost;
	return block->lost > 0 ? 0 : -ENODATA;
}

static int replay_read(const struct device *dev, size_t max_frames, k_timeout_t timeout,
		       struct tocsin_source_block *block)
{
	const k_timepoint_t end = sys_timepoint_calc(timeout);
	struct replay_data *data = dev->data;

	if (!data->running) {
		return -ENODATA;
	}
	give_back(data);
	tell_credit(data, false);
	while (true) {
		/* Read before looking, or an end that comes in between would hide the last samples.
		 */
		const bool ended = data->ended;

		if (take(data, max_frames, block) == 0) {
			return 0;
		}
		if (ended) {
			return missing_end(data, block);
		}
		/* Being told of what is known is no reason to wait longer. */
		if (k_sem_take(&data->fed, sys_timepoint_timeout(end)) != 0) {
			tell_credit(data, true);
			return -EAGAIN;
		}
		tell_credit(data, false);
	}
}

static void replay_stop(const struct device *dev)
{
	struct replay_data *data = dev->data;

	k_mutex_lock(&data->lock, K_FOREVER);
	data->running = false;
	k_mutex_unlock(&data->lock);
}

void tocsin_source_replay_set_credit(const struct device *dev, tocsin_source_replay_credit_t credit)
{
	struct replay_data *data = dev->data;

	data->tell = credit;
}

/* With the lock held: bring the stream to @p index. */
static void skip_to(struct replay_data *data, uint64_t index)
{
	const uint64_t next = tocsin_ring_write_index(&data->ring);

	if (index > next) {
		tocsin_ring_skip(&data->ring, index - next);
		data->holes += index - next;
	}
}

/* With the lock held. */
static int take_in(struct replay_data *data, uint64_t index, const int16_t *samples, size_t frames)
{
	uint64_t known;
	size_t fresh;
	size_t stored;

	skip_to(data, index);
	known = tocsin_ring_write_index(&data->ring) - index;
	if (known >= frames) {
		return 0;
	}
	fresh = frames - (size_t)known;
	stored = tocsin_ring_write(&data->ring, samples + known * data->channels, fresh);
	data->holes += fresh - stored;
	return stored < fresh ? -ENOBUFS : 0;
}

int tocsin_source_replay_feed(const struct device *dev, uint64_t index, const int16_t *samples,
			      size_t frames)
{
	struct replay_data *data = dev->data;
	int err;

	if (index > TOCSIN_SOURCE_REPLAY_FRAMES_MAX ||
	    frames > TOCSIN_SOURCE_REPLAY_FRAMES_MAX - index) {
		return -ERANGE;
	}
	k_mutex_lock(&data->lock, K_FOREVER);
	data->heard = k_uptime_get();
	if (!data->running) {
		err = -EPIPE;
	} else if (data->ended) {
		err = index + frames <= tocsin_ring_write_index(&data->ring) ? 0 : -EPIPE;
	} else {
		err = take_in(data, index, samples, frames);
	}
	k_mutex_unlock(&data->lock);
	k_sem_give(&data->fed);
	return err;
}

int tocsin_source_replay_gap(const struct device *dev, uint64_t index)
{
	return tocsin_source_replay_feed(dev, index, NULL, 0);
}

int tocsin_source_replay_end(const struct device *dev, uint64_t total)
{
	struct replay_data *data = dev->data;
	int err = tocsin_source_replay_feed(dev, total, NULL, 0);

	if (err == 0) {
		data->ended = true;
		k_sem_give(&data->fed);
	}
	return err;
}

int64_t tocsin_source_replay_heard(const struct device *dev)
{
	struct replay_data *data = dev->data;
	int64_t heard;

	k_mutex_lock(&data->lock, K_FOREVER);
	heard = data->heard;
	k_mutex_unlock(&data->lock);
	return heard;
}

static int replay_init(const struct device *dev)
{
	struct replay_data *data = dev->data;

	k_mutex_init(&data->lock);
	return k_sem_init(&data->fed, 0, 1);
}

static const struct tocsin_source_api replay_api = {
	.paced = true,
	.check = replay_check,
	.start = replay_start,
	.read = replay_read,
	.stop = replay_stop,
};

#define REPLAY_DEFINE(n)                                                                           \
	static struct replay_data replay_data_##n;                                                 \
	DEVICE_DT_INST_DEFINE(n, replay_init, NULL, &replay_data_##n, NULL, POST_KERNEL,           \
			      CONFIG_KERNEL_INIT_PRIORITY_DEVICE, &replay_api);

DT_INST_FOREACH_STATUS_OKAY(REPLAY_DEFINE)
