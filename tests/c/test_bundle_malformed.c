/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Bundles whose checksums are right and whose contents are not. Each case breaks one rule of
 * docs/reference/bundle.md in a bundle that is valid otherwise, so a rule that is not checked fails
 * its case. A case is one line of a table; to add one is to add a line.
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

#define BITS_NAN       0x7FC00000
#define BITS_INF       0x7F800000
#define BITS_SUBNORMAL 0x00000001
#define BITS_MINUS_1   0xBF800000
#define BITS_4         0x40800000

enum operation {
	KEEP,   /* nothing: the case must be accepted */
	PUT,    /* value at an offset of the section */
	RESIZE, /* the section to `at` bytes */
	REMOVE, /* the section */
	ADD,    /* a section of `at` zero bytes at the end */
};

struct content_case {
	const char *name;
	enum model model;
	int with_bands;
	enum operation operation;
	const char *section;
	uint32_t at;
	uint32_t value;
};

/* Sizes: WIND 68, SINE 1024, BAND 44, NORM 96 (288 without bands), KMNS 160, GMMX diagonal 216,
 * GMMX full 744, MAHA diagonal 112. */
static const struct content_case content_cases[] = {
	{"control, plain", MODEL_KMEANS, 0, KEEP, NULL, 0, 0},
	{"control, bands", MODEL_AUTOENCODER, 1, KEEP, NULL, 0, 0},

	{"no SENS", MODEL_KMEANS, 0, REMOVE, "SENS", 0, 0},
	{"SENS too short", MODEL_KMEANS, 0, RESIZE, "SENS", 12, 0},
	{"SENS too long", MODEL_KMEANS, 0, RESIZE, "SENS", 20, 0},
	{"sensor 0", MODEL_KMEANS, 0, PUT, "SENS", 0, 0},
	{"sensor 3", MODEL_KMEANS, 0, PUT, "SENS", 0, 3},
	{"rate 0", MODEL_KMEANS, 0, PUT, "SENS", 4, 0},
	{"no channel", MODEL_KMEANS, 0, PUT, "SENS", 8, 0},
	{"four channels", MODEL_KMEANS, 0, PUT, "SENS", 8, 4},
	{"channels that change dim", MODEL_KMEANS, 0, PUT, "SENS", 8, 2},
	{"scale 0", MODEL_KMEANS, 0, PUT, "SENS", 12, 0},
	{"scale negative", MODEL_KMEANS, 0, PUT, "SENS", 12, BITS_MINUS_1},
	{"scale infinite", MODEL_KMEANS, 0, PUT, "SENS", 12, BITS_INF},

	{"no FEAT", MODEL_KMEANS, 0, REMOVE, "FEAT", 0, 0},
	{"FEAT too short", MODEL_KMEANS, 0, RESIZE, "FEAT", 44, 0},
	{"FEAT too long", MODEL_KMEANS, 0, RESIZE, "FEAT", 52, 0},
	{"frame of 15", MODEL_KMEANS, 0, PUT, "FEAT", 0, 15},
	{"frame of 4097", MODEL_KMEANS, 0, PUT, "FEAT", 0, 4097},
	{"frame of 2^32 - 1", MODEL_KMEANS, 1, PUT, "FEAT", 0, UINT32_MAX},
	{"frame that changes WIND", MODEL_KMEANS, 1, PUT, "FEAT", 0, 34},
	{"hop 0", MODEL_KMEANS, 0, PUT, "FEAT", 4, 0},
	{"hop longer than the frame", MODEL_KMEANS, 0, PUT, "FEAT", 4, 65},
	{"unknown statistic", MODEL_KMEANS, 0, PUT, "FEAT", 8, 0x17},
	{"unknown flag", MODEL_KMEANS, 0, PUT, "FEAT", 12, 2},
	{"sound with its offset", MODEL_KMEANS, 1, PUT, "FEAT", 12, 0},
	{"n_fft without bands", MODEL_KMEANS, 0, PUT, "FEAT", 16, 256},
	{"n_fft that changes SINE", MODEL_KMEANS, 1, PUT, "FEAT", 16, 512},
	{"n_fft 2^30: SINE wraps 32 bits", MODEL_KMEANS, 1, PUT, "FEAT", 16, 0x40000100},
	{"bands without tables", MODEL_KMEANS, 0, PUT, "FEAT", 20, 1},
	{"tables without bands", MODEL_KMEANS, 1, PUT, "FEAT", 20, 0},
	{"bands 2^30: BAND wraps 32 bits", MODEL_KMEANS, 1, PUT, "FEAT", 20, 0x40000004},
	{"floor 0", MODEL_KMEANS, 1, PUT, "FEAT", 24, 0},
	{"floor subnormal", MODEL_KMEANS, 1, PUT, "FEAT", 24, BITS_SUBNORMAL},
	{"floor NaN", MODEL_KMEANS, 1, PUT, "FEAT", 24, BITS_NAN},
	{"no pool", MODEL_KMEANS, 1, PUT, "FEAT", 28, 0},
	{"unknown pool", MODEL_KMEANS, 1, PUT, "FEAT", 28, 0x1A},
	{"window of 0 frames", MODEL_KMEANS, 1, PUT, "FEAT", 32, 0},
	{"window of 1026 frames", MODEL_KMEANS, 1, PUT, "FEAT", 32, 1026},
	{"window hop 0", MODEL_KMEANS, 1, PUT, "FEAT", 36, 0},
	{"window hop longer than the window", MODEL_KMEANS, 1, PUT, "FEAT", 36, 12},
	{"window hop no divisor", MODEL_KMEANS, 1, PUT, "FEAT", 36, 4},
	{"weights without bands", MODEL_KMEANS, 0, PUT, "FEAT", 40, 1},
	{"weights more than BAND holds", MODEL_KMEANS, 1, PUT, "FEAT", 40, 8},
	{"weights 2^30: BAND wraps 32 bits", MODEL_KMEANS, 1, PUT, "FEAT", 40, 0x40000007},
	{"FEAT's zero is not", MODEL_KMEANS, 1, PUT, "FEAT", 44, 1},

	{"no WIND", MODEL_KMEANS, 1, REMOVE, "WIND", 0, 0},
	{"no SINE", MODEL_KMEANS, 1, REMOVE, "SINE", 0, 0},
	{"no BAND", MODEL_KMEANS, 1, REMOVE, "BAND", 0, 0},
	{"WIND without bands", MODEL_KMEANS, 0, ADD, "WIND", 0, 0},
	{"SINE without bands", MODEL_KMEANS, 0, ADD, "SINE", 0, 0},
	{"BAND without bands", MODEL_KMEANS, 0, ADD, "BAND", 0, 0},
	{"WIND too short", MODEL_KMEANS, 1, RESIZE, "WIND", 64, 0},
	{"WIND too long", MODEL_KMEANS, 1, RESIZE, "WIND", 72, 0},
	{"SINE too short", MODEL_KMEANS, 1, RESIZE, "SINE", 1020, 0},
	{"BAND too short", MODEL_KMEANS, 1, RESIZE, "BAND", 40, 0},
	{"BAND too long", MODEL_KMEANS, 1, RESIZE, "BAND", 48, 0},
	{"WIND holds NaN", MODEL_KMEANS, 1, PUT, "WIND", 64, BITS_NAN},
	{"SINE holds infinity", MODEL_KMEANS, 1, PUT, "SINE", 1020, BITS_INF},
	{"a weight is NaN", MODEL_KMEANS, 1, PUT, "BAND", 40, BITS_NAN},
	{"band past the last bin", MODEL_KMEANS, 1, PUT, "BAND", 12, 128 | 2 << 16},
	{"band at bin 65535", MODEL_KMEANS, 1, PUT, "BAND", 12, 65535 | 2 << 16},
	{"counts sum to more than n_weights", MODEL_KMEANS, 1, PUT, "BAND", 8, 5 | 1 << 16},
	{"counts sum to less than n_weights", MODEL_KMEANS, 1, PUT, "BAND", 12, 127 | 1 << 16},

	{"no NORM", MODEL_KMEANS, 1, REMOVE, "NORM", 0, 0},
	{"NORM too short", MODEL_KMEANS, 1, RESIZE, "NORM", 92, 0},
	{"NORM too long", MODEL_KMEANS, 1, RESIZE, "NORM", 104, 0},
	{"a mean is NaN", MODEL_KMEANS, 1, PUT, "NORM", 0, BITS_NAN},
	{"an inv_std is infinite", MODEL_KMEANS, 1, PUT, "NORM", 92, BITS_INF},

	{"no model", MODEL_KMEANS, 1, REMOVE, "KMNS", 0, 0},
	{"two models", MODEL_KMEANS, 1, ADD, "GMMX", 16, 0},
	{"three models", MODEL_AUTOENCODER, 1, ADD, "MAHA", 16, 0},
	{"a network without its ends", MODEL_KMEANS, 1, ADD, "TFLM", 16, 0},
	{"ends without a network", MODEL_AUTOENCODER, 1, REMOVE, "TFLM", 0, 0},
	{"a network alone", MODEL_AUTOENCODER, 1, REMOVE, "AENC", 0, 0},

	{"KMNS without a head", MODEL_KMEANS, 1, RESIZE, "KMNS", 12, 0},
	{"KMNS empty", MODEL_KMEANS, 1, RESIZE, "KMNS", 0, 0},
	{"KMNS too short", MODEL_KMEANS, 1, RESIZE, "KMNS", 156, 0},
	{"KMNS too long", MODEL_KMEANS, 1, RESIZE, "KMNS", 164, 0},
	{"k-means, k 0", MODEL_KMEANS, 1, PUT, "KMNS", 0, 0},
	{"k-means, k more than there are", MODEL_KMEANS, 1, PUT, "KMNS", 0, 4},
	{"k-means, k that wraps 32 bits", MODEL_KMEANS, 1, PUT, "KMNS", 0, 0x40000003},
	{"k-means, other dim", MODEL_KMEANS, 1, PUT, "KMNS", 4, 13},
	{"k-means, first zero is not", MODEL_KMEANS, 1, PUT, "KMNS", 8, 1},
	{"k-means, second zero is not", MODEL_KMEANS, 1, PUT, "KMNS", 12, 1},
	{"a centroid is NaN", MODEL_KMEANS, 1, PUT, "KMNS", 156, BITS_NAN},

	{"GMMX without a head", MODEL_GMM_DIAGONAL, 1, RESIZE, "GMMX", 12, 0},
	{"GMMX too short", MODEL_GMM_DIAGONAL, 1, RESIZE, "GMMX", 212, 0},
	{"GMMX too long", MODEL_GMM_FULL, 1, RESIZE, "GMMX", 752, 0},
	{"mixture, k 0", MODEL_GMM_FULL, 1, PUT, "GMMX", 0, 0},
	{"mixture, k 257", MODEL_GMM_FULL, 1, PUT, "GMMX", 0, 257},
	{"mixture, k that wraps 32 bits", MODEL_GMM_FULL, 1, PUT, "GMMX", 0, 0x80000002},
	{"mixture, other dim", MODEL_GMM_FULL, 1, PUT, "GMMX", 4, 11},
	{"mixture, covariance 0", MODEL_GMM_FULL, 1, PUT, "GMMX", 8, 0},
	{"mixture, covariance 3", MODEL_GMM_DIAGONAL, 1, PUT, "GMMX", 8, 3},
	{"mixture, diagonal said to be full", MODEL_GMM_DIAGONAL, 1, PUT, "GMMX", 8, 2},
	{"mixture, full said to be diagonal", MODEL_GMM_FULL, 1, PUT, "GMMX", 8, 1},
	{"mixture, zero is not", MODEL_GMM_FULL, 1, PUT, "GMMX", 12, 1},
	{"a log constant is NaN", MODEL_GMM_FULL, 1, PUT, "GMMX", 20, BITS_NAN},
	{"a component's mean is NaN", MODEL_GMM_FULL, 1, PUT, "GMMX", 24, BITS_NAN},
	{"a whitening factor is NaN", MODEL_GMM_FULL, 1, PUT, "GMMX", 740, BITS_NAN},

	{"MAHA with k 2", MODEL_MAHALANOBIS_DIAGONAL, 1, PUT, "MAHA", 0, 2},
	{"MAHA with k 0", MODEL_MAHALANOBIS_DIAGONAL, 1, PUT, "MAHA", 0, 0},
	{"MAHA too short", MODEL_MAHALANOBIS_DIAGONAL, 1, RESIZE, "MAHA", 108, 0},
	{"MAHA too long", MODEL_MAHALANOBIS_FULL, 1, RESIZE, "MAHA", 380, 0},
	{"MAHA, zero is not", MODEL_MAHALANOBIS_FULL, 1, PUT, "MAHA", 12, 1},
	{"MAHA, a mean is infinite", MODEL_MAHALANOBIS_FULL, 1, PUT, "MAHA", 16, BITS_INF},

	{"NNBR without a head", MODEL_NEIGHBOURS_DIAGONAL, 1, RESIZE, "NNBR", 28, 0},
	{"NNBR too short", MODEL_NEIGHBOURS_DIAGONAL, 1, RESIZE, "NNBR", 95, 0},
	{"NNBR too long", MODEL_NEIGHBOURS_FULL, 1, RESIZE, "NNBR", 412, 0},
	{"neighbours, k 0", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 0, 0},
	{"neighbours, k more than there are", MODEL_NEIGHBOURS_DIAGONAL, 1, PUT, "NNBR", 0, 5},
	{"neighbours, k that wraps 32 bits", MODEL_NEIGHBOURS_DIAGONAL, 1, PUT, "NNBR", 0,
	 0x10000004},
	{"neighbours, other dim", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 4, 11},
	{"neighbours, covariance 0", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 8, 0},
	{"neighbours, covariance 3", MODEL_NEIGHBOURS_DIAGONAL, 1, PUT, "NNBR", 8, 3},
	{"neighbours, diagonal said to be full", MODEL_NEIGHBOURS_DIAGONAL, 1, PUT, "NNBR", 8, 2},
	{"neighbours, full said to be diagonal", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 8, 1},
	{"neighbours, first zero is not", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 12, 1},
	{"neighbours, second zero is not", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 20, 1},
	{"neighbours, third zero is not", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 24, 1},
	{"neighbours, fourth zero is not", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 28, 1},
	{"neighbours, step 0", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 16, 0},
	{"neighbours, a whitening factor is NaN", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 340,
	 BITS_NAN},
	{"neighbours, a gain is negative", MODEL_NEIGHBOURS_FULL, 1, PUT, "NNBR", 344,
	 BITS_MINUS_1},

	{"AENC too short", MODEL_AUTOENCODER, 1, RESIZE, "AENC", 28, 0},
	{"AENC too long", MODEL_AUTOENCODER, 1, RESIZE, "AENC", 36, 0},
	{"network, input scale 0", MODEL_AUTOENCODER, 1, PUT, "AENC", 0, 0},
	{"network, input scale NaN", MODEL_AUTOENCODER, 1, PUT, "AENC", 0, BITS_NAN},
	{"network, input zero point 128", MODEL_AUTOENCODER, 1, PUT, "AENC", 4, 128},
	{"network, output scale negative", MODEL_AUTOENCODER, 1, PUT, "AENC", 8, BITS_MINUS_1},
	{"network, output zero point -129", MODEL_AUTOENCODER, 1, PUT, "AENC", 12, 0xFFFFFF7F},
	{"network, other dim", MODEL_AUTOENCODER, 1, PUT, "AENC", 16, 11},
	{"network, no arena", MODEL_AUTOENCODER, 1, PUT, "AENC", 20, 0},
	{"network, first zero is not", MODEL_AUTOENCODER, 1, PUT, "AENC", 24, 1},
	{"network, second zero is not", MODEL_AUTOENCODER, 1, PUT, "AENC", 28, 1},

	{"NETW too short", MODEL_NETWORK, 1, RESIZE, "NETW", 44, 0},
	{"NETW too long", MODEL_NETWORK, 1, RESIZE, "NETW", 52, 0},
	{"NETW without its network", MODEL_NETWORK, 1, REMOVE, "TFLM", 0, 0},
	{"NETW without its head", MODEL_NETWORK, 1, REMOVE, "MAHA", 0, 0},
	{"NETW beside AENC", MODEL_NETWORK, 1, ADD, "AENC", 32, 0},
	{"a head that nobody asked for", MODEL_NETWORK, 1, ADD, "KMNS", 16, 0},
	{"an embedding's input scale 0", MODEL_NETWORK, 1, PUT, "NETW", 0, 0},
	{"an embedding of another dim", MODEL_NETWORK, 1, PUT, "NETW", 16, 11},
	{"an embedding without arena", MODEL_NETWORK, 1, PUT, "NETW", 20, 0},
	{"a network of no use", MODEL_NETWORK, 1, PUT, "NETW", 24, 0},
	{"a network of a fourth use", MODEL_NETWORK, 1, PUT, "NETW", 24, 4},
	{"a reconstruction of 6 of 12 values", MODEL_NETWORK, 1, PUT, "NETW", 24, 1},
	{"an embedding of no values", MODEL_NETWORK, 1, PUT, "NETW", 28, 0},
	{"an embedding of more values than the head", MODEL_NETWORK, 1, PUT, "NETW", 28, 8},
	{"an embedding with a first value", MODEL_NETWORK, 1, PUT, "NETW", 32, 1},
	{"an embedding in no parts", MODEL_NETWORK, 1, PUT, "NETW", 36, 0},
	{"an embedding in parts that do not divide it", MODEL_NETWORK, 1, PUT, "NETW", 36, 4},
	{"an embedding without a head", MODEL_NETWORK, 1, PUT, "NETW", 40, 0},
	{"a head of another kind", MODEL_NETWORK, 1, PUT, "NETW", 40, 1},
	{"a head that is a network", MODEL_NETWORK, 1, PUT, "NETW", 40, 6},
	{"NETW's zero is not", MODEL_NETWORK, 1, PUT, "NETW", 44, 1},
	{"the head's mean is NaN", MODEL_NETWORK, 1, PUT, "MAHA", 16, BITS_NAN},
	{"the head has another dim", MODEL_NETWORK, 1, PUT, "MAHA", 4, 6},

	{"CMBN too short", MODEL_COMBINED, 1, RESIZE, "CMBN", 32, 0},
	{"CMBN too long", MODEL_COMBINED, 1, RESIZE, "CMBN", 52, 0},
	{"CMBN without a member", MODEL_COMBINED, 1, REMOVE, "NNBR", 0, 0},
	{"CMBN without a network", MODEL_COMBINED, 1, REMOVE, "NETW", 0, 0},
	{"a third member", MODEL_COMBINED, 1, ADD, "KMNS", 16, 0},
	{"combined in no way", MODEL_COMBINED, 1, PUT, "CMBN", 0, 0},
	{"combined in a third way", MODEL_COMBINED, 1, PUT, "CMBN", 0, 3},
	{"CMBN's first zero is not", MODEL_COMBINED, 1, PUT, "CMBN", 4, 1},
	{"CMBN's second zero is not", MODEL_COMBINED, 1, PUT, "CMBN", 8, 1},
	{"CMBN's third zero is not", MODEL_COMBINED, 1, PUT, "CMBN", 12, 1},
	{"a member of no kind", MODEL_COMBINED, 1, PUT, "CMBN", 16, 0},
	{"a member that is an autoencoder", MODEL_COMBINED, 1, PUT, "CMBN", 32, 4},
	{"a member that is a combination", MODEL_COMBINED, 1, PUT, "CMBN", 32, 7},
	{"the same member twice", MODEL_COMBINED, 1, PUT, "CMBN", 32, 5},
	{"a member's offset is NaN", MODEL_COMBINED, 1, PUT, "CMBN", 20, BITS_NAN},
	{"a member's weight is 0", MODEL_COMBINED, 1, PUT, "CMBN", 24, 0},
	{"a member's weight is negative", MODEL_COMBINED, 1, PUT, "CMBN", 40, BITS_MINUS_1},
	{"a member's zero is not", MODEL_COMBINED, 1, PUT, "CMBN", 28, 1},
	{"the last member's zero is not", MODEL_COMBINED, 1, PUT, "CMBN", 44, 1},
	{"a prediction of more than there is", MODEL_COMBINED, 1, PUT, "NETW", 32, 11},
	{"a prediction of everything", MODEL_COMBINED, 1, PUT, "NETW", 28, 12},
	{"TFLM too short", MODEL_AUTOENCODER, 1, RESIZE, "TFLM", 7, 0},
	{"TFLM is no TFLite model", MODEL_AUTOENCODER, 1, PUT, "TFLM", 4, 0x324C4654},

	{"no DECD", MODEL_KMEANS, 1, REMOVE, "DECD", 0, 0},
	{"DECD too short", MODEL_KMEANS, 1, RESIZE, "DECD", 12, 0},
	{"DECD too long", MODEL_KMEANS, 1, RESIZE, "DECD", 20, 0},
	{"smooth 0", MODEL_KMEANS, 1, PUT, "DECD", 0, 0},
	{"smooth 1025", MODEL_KMEANS, 1, PUT, "DECD", 0, 1025},
	{"min_windows 0", MODEL_KMEANS, 1, PUT, "DECD", 4, 0},
	{"threshold_on NaN", MODEL_KMEANS, 1, PUT, "DECD", 8, BITS_NAN},
	{"threshold_on infinite", MODEL_KMEANS, 1, PUT, "DECD", 8, BITS_INF},
	{"threshold_off NaN", MODEL_KMEANS, 1, PUT, "DECD", 12, BITS_NAN},
	{"threshold_off above threshold_on", MODEL_KMEANS, 1, PUT, "DECD", 12, BITS_4},

	{"a type that begins with a digit", MODEL_KMEANS, 1, ADD, "1234", 0, 0},
	{"a type with a control character", MODEL_KMEANS, 1, ADD, "abc\n", 0, 0},
	{"a type beyond ASCII", MODEL_KMEANS, 1, ADD, "abc\x80", 0, 0},
	{"DECD twice", MODEL_KMEANS, 1, ADD, "DECD", 16, 0},
	{"meta twice", MODEL_KMEANS, 1, ADD, "meta", 4, 0},
};

static void apply(const struct content_case *c, struct draft *draft)
{
	switch (c->operation) {
	case KEEP:
		break;
	case PUT:
		draft_put_u32(draft_find(draft, c->section), c->at, c->value);
		break;
	case RESIZE:
		assert_int_not_equal(draft_find(draft, c->section)->size, c->at);
		draft_resize(draft_find(draft, c->section), c->at);
		break;
	case REMOVE:
		assert_non_null(draft_find(draft, c->section));
		draft_remove(draft, c->section);
		break;
	case ADD:
		draft_add(draft, c->section, NULL, c->at);
		break;
	}
}

static int parse(const uint8_t *data, size_t size)
{
	struct tocsin_bundle bundle;

	return tocsin_bundle_parse(&bundle, data, size);
}

static void test_contents(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(content_cases) / sizeof(content_cases[0]); i++) {
		const struct content_case *c = &content_cases[i];
		struct draft draft;
		uint8_t *data;
		size_t size;
		int err;

		model_draft(&draft, c->model, c->with_bands);
		apply(c, &draft);
		data = draft_emit(&draft, &size);
		draft_free(&draft);
		err = parse(data, size);
		free(data);
		if (err != (c->operation == KEEP ? 0 : -EILSEQ)) {
			print_error("%s: %s\n", c->name, tocsin_bundle_strerror(err));
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* In a k-means bundle without bands: six sections, so the table ends at 128, where SENS begins (16
 * bytes), FEAT at 144 (48), NORM at 192 (288), KMNS at 480 (448), DECD at 928 (16) and meta at 944
 * (18); 976 bytes in all. */
#define ENTRY(i) (32 + 16 * (i))
#define TYPE     0
#define OFFSET   4
#define SIZE     8
#define ZERO     12

struct container_case {
	const char *name;
	uint32_t at;
	uint32_t value;
	int expected;
};

static const struct container_case container_cases[] = {
	{"control", 16, 6, 0},
	{"size 0", 12, 0, -EILSEQ},
	{"size below the header's", 12, 16, -EILSEQ},
	{"size of the header alone", 12, 32, -EILSEQ},
	{"size no multiple of 16", 12, 968, -EILSEQ},
	{"size inside the table", 12, 112, -EILSEQ},
	{"size inside the last section", 12, 960, -EILSEQ},
	{"no section", 16, 0, -EILSEQ},
	{"33 sections", 16, 33, -EILSEQ},
	{"2^32 - 1 sections", 16, UINT32_MAX, -EILSEQ},
	{"fewer sections: the rest is no padding", 16, 5, -EILSEQ},
	{"more sections: the table covers SENS", 16, 7, -EILSEQ},
	{"major 0", 8, 0, -ENOTSUP},
	{"major 2", 8, 2, -ENOTSUP},
	{"minor 65535", 8, 0xFFFF0001, 0},
	{"feature version 0", 20, 0, -EPROTO},
	{"feature version 1", 20, 1, -EPROTO},
	{"feature version 3", 20, 3, -EPROTO},
	{"unknown section", ENTRY(5) + TYPE, 0x6174654D, -ENOTSUP},
	{"unknown section that may be ignored", ENTRY(5) + TYPE, 0x5854454D | 0x20, 0},
	{"offset inside the table", ENTRY(0) + OFFSET, 112, -EILSEQ},
	{"offset of 0", ENTRY(0) + OFFSET, 0, -EILSEQ},
	{"offset no multiple of 16", ENTRY(5) + OFFSET, 948, -EILSEQ},
	{"offset of the section before", ENTRY(2) + OFFSET, 144, -EILSEQ},
	{"offset inside the section before", ENTRY(2) + OFFSET, 176, -EILSEQ},
	{"offset past the end", ENTRY(5) + OFFSET, 992, -EILSEQ},
	{"offset near 2^32", ENTRY(5) + OFFSET, 0xFFFFFFF0, -EILSEQ},
	{"size past the end", ENTRY(5) + SIZE, 33, -EILSEQ},
	{"size that wraps 32 bits", ENTRY(5) + SIZE, 0xFFFFFFF0, -EILSEQ},
	{"size into the next section", ENTRY(1) + SIZE, 49, -EILSEQ},
	{"size to the very end", ENTRY(5) + SIZE, 32, 0},
	{"size that leaves bytes behind", ENTRY(5) + SIZE, 17, -EILSEQ},
	{"entry's zero is not", ENTRY(5) + ZERO, 1, -EILSEQ},
	{"last padding byte is not zero", 972, 0x01000000, -EILSEQ},
	{"first padding byte is not zero", 960, 0x00017D22, -EILSEQ},
};

/* The same with a meta of 17 zeros: what is left where a section was moved away from is padding, so
 * no other rule helps. */
static const struct container_case zero_cases[] = {
	{"control", 16, 6, 0},
	{"offset no multiple of 16", ENTRY(5) + OFFSET, 948, -EILSEQ},
	{"offset of the section before", ENTRY(5) + OFFSET, 928, -EILSEQ},
	{"offset at the end", ENTRY(5) + OFFSET, 976, -EILSEQ},
	{"offset past the end", ENTRY(5) + OFFSET, 992, -EILSEQ},
	{"offset near 2^32", ENTRY(5) + OFFSET, 0xFFFFFFF0, -EILSEQ},
	{"size to the very end", ENTRY(5) + SIZE, 32, 0},
	{"size past the end", ENTRY(5) + SIZE, 33, -EILSEQ},
	{"size that wraps 32 bits", ENTRY(5) + SIZE, 0xFFFFFC60, -EILSEQ},
};

static int check_container(const struct container_case *c, const uint8_t *good, size_t size)
{
	uint8_t *bad = aligned_copy(good, size);
	int err;

	memcpy(&bad[c->at], &c->value, 4);
	bundle_fix_crcs(bad, size);
	err = parse(bad, size);
	free(bad);
	if (err != c->expected) {
		print_error("%s: %s\n", c->name, tocsin_bundle_strerror(err));
	}
	return err != c->expected;
}

static void run_container(const struct container_case *cases, size_t n, const char *meta,
			  size_t meta_size)
{
	struct draft draft;
	uint8_t *good;
	size_t size;
	int failed = 0;

	model_draft(&draft, MODEL_KMEANS, 0);
	draft_remove(&draft, "meta");
	draft_add(&draft, "meta", meta, meta_size);
	good = draft_emit(&draft, &size);
	draft_free(&draft);
	assert_int_equal(size, 976);
	for (size_t i = 0; i < n; i++) {
		failed += check_container(&cases[i], good, size);
	}
	free(good);
	assert_int_equal(failed, 0);
}

static void test_container(void **state)
{
	(void)state;
	run_container(container_cases, sizeof(container_cases) / sizeof(container_cases[0]),
		      MODEL_META, strlen(MODEL_META));
}

static void test_container_of_zeros(void **state)
{
	(void)state;
	run_container(zero_cases, sizeof(zero_cases) / sizeof(zero_cases[0]), NULL, 17);
}

/* Each section in turn is empty and stands at the very end: whoever reads its fields before its
 * size reads past the bundle, where a sanitizer waits. */
static void test_empty_at_the_end(void **state)
{
	static const struct {
		enum model model;
		const char *section;
	} last[] = {
		{MODEL_KMEANS, "SENS"},      {MODEL_KMEANS, "FEAT"},
		{MODEL_KMEANS, "WIND"},      {MODEL_KMEANS, "SINE"},
		{MODEL_KMEANS, "BAND"},      {MODEL_KMEANS, "NORM"},
		{MODEL_KMEANS, "KMNS"},      {MODEL_GMM_FULL, "GMMX"},
		{MODEL_AUTOENCODER, "AENC"}, {MODEL_AUTOENCODER, "TFLM"},
		{MODEL_NETWORK, "NETW"},     {MODEL_COMBINED, "CMBN"},
		{MODEL_KMEANS, "DECD"},      {MODEL_MAHALANOBIS_FULL, "MAHA"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		struct draft draft;
		uint8_t *data;
		size_t size;

		model_draft(&draft, last[i].model, 1);
		draft_remove(&draft, last[i].section);
		draft_add(&draft, last[i].section, NULL, 0);
		data = draft_emit(&draft, &size);
		draft_free(&draft);
		assert_int_equal(parse(data, size), -EILSEQ);
		free(data);
	}
}

/* Every byte that belongs to nothing must be zero. */
static void test_padding(void **state)
{
	struct draft draft;
	uint8_t *data;
	size_t size;
	size_t offset;
	size_t tried = 0;

	(void)state;
	model_draft(&draft, MODEL_AUTOENCODER, 1);
	data = draft_emit(&draft, &size);
	offset = 32 + 16 * draft.n;
	for (size_t i = 0; i < draft.n; i++) {
		offset += draft.sections[i].size;
		for (; offset % 16 != 0; offset++) {
			data[offset] = 1;
			bundle_fix_crcs(data, size);
			assert_int_equal(parse(data, size), -EILSEQ);
			data[offset] = 0;
			tried++;
		}
	}
	assert_int_equal(offset, size);
	assert_true(tried > 16);
	bundle_fix_crcs(data, size);
	assert_int_equal(parse(data, size), 0);
	free(data);
	draft_free(&draft);
}

/* The greatest table there may be, and one entry more. */
static void test_many_sections(void **state)
{
	char type[5] = "opt?";
	struct draft draft;
	uint8_t *data;
	size_t size;

	(void)state;
	model_draft(&draft, MODEL_KMEANS, 0);
	while (draft.n < 33) {
		type[3] = (char)('A' + draft.n);
		draft_add(&draft, type, "x", 1);
		data = draft_emit(&draft, &size);
		assert_int_equal(parse(data, size), draft.n <= 32 ? 0 : -EILSEQ);
		free(data);
	}
	draft_free(&draft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_container_of_zeros),
		cmocka_unit_test(test_empty_at_the_end),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_many_sections),
	};

	return cmocka_run_group_tests_name("bundle_malformed", tests, NULL, NULL);
}
