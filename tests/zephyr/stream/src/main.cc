/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Networks at random (make_networks.py) whose first layer frames share, on windows that slide and
 * on windows that do not: what is kept changes no byte. That something is kept is shown by changing
 * the weights behind the network's back.
 */

#include <zephyr/ztest.h>

#include <tocsin/tflm.h>

#include "kept.h"
#include "random.h"

extern "C" const uint8_t networks[];

namespace
{

constexpr uint32_t kWindows = 60;
constexpr uint32_t kFrames = 100;
constexpr uint32_t kValues = 600; /* of a window, at most */

/* As make_networks.py packs one; the model follows. */
struct Head {
	uint32_t model;
	uint32_t frames;
	uint32_t values;
	uint32_t slide;
	uint32_t weights;
	uint32_t weights_size;
	uint32_t outputs;
	uint32_t zero;
	struct tocsin_score_quant quant;
};

static_assert(sizeof(Head) == 48, "as packed");

/* A network that keeps what it may, and one that does not. */
struct tocsin_tflm streamed;
struct tocsin_tflm anew;
alignas(TOCSIN_TFLM_ALIGN) uint8_t streamed_arena[32 * 1024];
alignas(TOCSIN_TFLM_ALIGN) uint8_t anew_arena[32 * 1024];
alignas(TOCSIN_TFLM_ALIGN) uint8_t model[192 * 1024];
int8_t stream[kFrames * kValues];
int8_t window[kValues];
int8_t answer[TOCSIN_SCORE_DIM_MAX];
int8_t expected[TOCSIN_SCORE_DIM_MAX];

struct {
	uint32_t networks;
	uint32_t slid;
	uint32_t others;
	uint32_t altered;
	uint32_t holes;
	uint32_t varied;
} seen;

/* Any score that takes the window and leaves the output as it is. */
struct tocsin_score_config config_of(const Head &head)
{
	struct tocsin_score_config config = {};

	config.kind = TOCSIN_SCORE_NETWORK;
	config.dim = head.frames * head.values;
	config.network.quant = head.quant;
	config.network.use = TOCSIN_SCORE_EMBED;
	config.network.n_out = head.outputs;
	config.network.fold = 1;
	return config;
}

void fill(int8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = static_cast<int8_t>(random_bits());
	}
}

/* The window that begins with a frame of the stream, without one of its frames where there is a
 * hole, as an interpolating network is shown it. */
void take_window(const Head &head, uint32_t begin, uint32_t hole)
{
	for (uint32_t row = 0; row < head.frames; row++) {
		const uint32_t frame = begin + row + (row >= hole ? 1 : 0);

		memcpy(window + row * head.values, stream + frame * head.values, head.values);
	}
}

void prepare(const Head &head, const uint8_t *bytes)
{
	const struct tocsin_score_config config = config_of(head);

	zassert_true(head.model <= sizeof(model));
	memcpy(model, bytes, head.model);
	memset(streamed_arena, 0x5a, sizeof(streamed_arena));
	memset(anew_arena, 0x5a, sizeof(anew_arena));
	zassert_ok(tocsin_tflm_init(&streamed, model, head.model, streamed_arena,
				    sizeof(streamed_arena), &config, head.slide));
	zassert_ok(tocsin_tflm_init(&anew, model, head.model, anew_arena, sizeof(anew_arena),
				    &config, 0));
}

/* Both networks' answers to the window. */
void run(const Head &head)
{
	const size_t n_in = head.frames * head.values;

	zassert_ok(tocsin_tflm_invoke(&streamed, window, n_in, answer, head.outputs));
	zassert_ok(tocsin_tflm_invoke(&anew, window, n_in, expected, head.outputs));
}

bool vary(const int8_t *values, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (values[i] != values[0]) {
			return true;
		}
	}
	return false;
}

/* Where the next window begins: mostly where a window that slides does. */
uint32_t next_begin(const Head &head, uint32_t begin)
{
	const uint32_t last = kFrames - head.frames - 1;

	if (!one_in(3) && begin + head.slide <= last) {
		seen.slid++;
		return begin + head.slide;
	}
	seen.others++;
	return one_in(4) ? begin : static_cast<uint32_t>(between(0, static_cast<int32_t>(last)));
}

void try_network(const Head &head, uint32_t number)
{
	const uint32_t hole =
		one_in(3) ? static_cast<uint32_t>(between(1, static_cast<int32_t>(head.frames) - 1))
			  : head.frames;
	uint32_t begin = 0;

	fill(stream, kFrames * head.values);
	seen.holes += hole < head.frames;
	for (uint32_t i = 0; i < kWindows; i++) {
		take_window(head, begin, hole);
		if (one_in(8)) {
			/* A value of some frame, in this window alone. */
			window[between(0, static_cast<int32_t>(head.frames * head.values) - 1)] ^=
				1;
			seen.altered++;
		}
		run(head);
		zassert_mem_equal(answer, expected, head.outputs,
				  "network %u (%u frames of %u, slide %u), window %u", number,
				  head.frames, head.values, head.slide, i);
		seen.varied += vary(answer, head.outputs);
		begin = next_begin(head, begin);
	}
	seen.networks++;
}

} /* namespace */

/* Call `visit` for every network, prepared. */
template <typename Visit> void for_each_network(Visit visit)
{
	const uint8_t *at = networks;
	uint32_t number = 0;

	for (Head head; memcpy(&head, at, sizeof(head)), head.model != 0; number++) {
		state = (number + 1) * 2654435761u;
		prepare(head, at + sizeof(head));
		visit(head, number);
		at += sizeof(head) + ROUND_UP(head.model, TOCSIN_TFLM_ALIGN);
	}
}

ZTEST(stream, test_what_is_kept_changes_nothing)
{
	seen = {};
	for_each_network(try_network);
	TC_PRINT("%u networks, %u windows slid, %u did not, %u altered, %u networks with a hole\n",
		 seen.networks, seen.slid, seen.others, seen.altered, seen.holes);
	zassert_true(seen.networks >= 40 && seen.holes > 5);
	zassert_true(seen.slid > 1000 && seen.others > 400 && seen.altered > 100);
	zassert_true(seen.varied > 1500, "outputs of one value show little: %u", seen.varied);
}

/* A frame's row is computed once, and takes memory only where it is to be kept. */
ZTEST(stream, test_rows_are_kept)
{
	uint32_t told = 0;

	for_each_network([&told](const Head &head, uint32_t number) {
		const size_t more =
			tocsin_tflm_arena_used(&streamed) - tocsin_tflm_arena_used(&anew);
		const size_t needed = tocsin_kept_needed_size(head.frames, head.values,
							      head.weights_size / head.values);

		zassert_between_inclusive(more, needed, needed + 2 * TOCSIN_TFLM_ALIGN,
					  "network %u", number);
		fill(stream, kFrames * head.values);
		take_window(head, 0, head.frames);
		run(head);
		fill(reinterpret_cast<int8_t *>(model) + head.weights, head.weights_size);
		take_window(head, head.slide, head.frames);
		run(head);
		told += memcmp(answer, expected, head.outputs) != 0;
		/* Once no row is left of before, all is as the weights are now. */
		take_window(head, 50, head.frames);
		run(head);
		zassert_mem_equal(answer, expected, head.outputs, "network %u", number);
	});
	/* Others saturate, whatever the first layer says. */
	zassert_true(told > 20, "%u", told);
}

ZTEST_SUITE(stream, NULL, NULL, NULL, NULL, NULL);
