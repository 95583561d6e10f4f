/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A bundle embedded in an image, parsed where it lies in flash and on as little stack as the
 * header promises. What every byte means is tested on the host: tests/c/test_bundle*.c.
 */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include <tocsin/bundle.h>

#define ERASED 64 /* bytes of a flash partition behind the bundle */

extern const uint8_t tocsin_default_bundle[];
extern const uint8_t tocsin_default_bundle_end[];

static uint8_t copy[BUNDLE_FILE_SIZE + ERASED] __aligned(TOCSIN_BUNDLE_ALIGN);
static struct tocsin_bundle bundle;

static size_t embedded_size(void)
{
	return (size_t)(tocsin_default_bundle_end - tocsin_default_bundle);
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	memcpy(copy, tocsin_default_bundle, BUNDLE_FILE_SIZE);
	memset(&copy[BUNDLE_FILE_SIZE], 0xff, ERASED);
	bundle = (struct tocsin_bundle){0};
}

ZTEST_SUITE(bundle, NULL, NULL, before, NULL, NULL);

ZTEST(bundle, test_the_embedded_file_is_whole_and_runs_in_place)
{
	const uint8_t *begin = tocsin_default_bundle;

	zassert_equal(embedded_size(), BUNDLE_FILE_SIZE);
	zassert_equal((uintptr_t)begin % TOCSIN_BUNDLE_ALIGN, 0);
	zassert_mem_equal(begin, "TOCSIN\r\n", 8);
	zassert_ok(tocsin_bundle_parse(&bundle, begin, embedded_size()));
	zassert_equal(bundle.size, BUNDLE_FILE_SIZE);
	zassert_equal(bundle.sensor, TOCSIN_BUNDLE_AUDIO);
	zassert_equal(bundle.score.kind, TOCSIN_SCORE_KMEANS);
	/* Nothing was copied: the tables lie in the image. */
	zassert_true((const uint8_t *)bundle.dsp.window > begin &&
		     (const uint8_t *)bundle.dsp.window < begin + embedded_size());
}

ZTEST(bundle, test_a_partition_may_be_longer)
{
	zassert_ok(tocsin_bundle_parse(&bundle, copy, sizeof(copy)));
	zassert_equal(bundle.size, BUNDLE_FILE_SIZE);
}

ZTEST(bundle, test_less_than_all_of_it_is_refused)
{
	for (size_t size = 0; size < BUNDLE_FILE_SIZE; size++) {
		zassert_not_ok(tocsin_bundle_parse(&bundle, copy, size), "%zu bytes", size);
	}
	zassert_equal(bundle.size, 0, "a refused bundle was taken in");
}

ZTEST(bundle, test_erased_flash_is_no_bundle)
{
	memset(copy, 0xff, sizeof(copy));
	zassert_equal(tocsin_bundle_parse(&bundle, copy, sizeof(copy)), -ENOEXEC);
	memset(copy, 0, sizeof(copy));
	zassert_equal(tocsin_bundle_parse(&bundle, copy, sizeof(copy)), -ENOEXEC);
}

/* As when power fails while flash is written: the beginning is new, the rest is erased. */
ZTEST(bundle, test_a_bundle_written_in_part_is_refused)
{
	for (size_t size = 0; size < BUNDLE_FILE_SIZE; size += 97) {
		memset(&copy[size], 0xff, sizeof(copy) - size);
		zassert_not_ok(tocsin_bundle_parse(&bundle, copy, sizeof(copy)), "%zu bytes", size);
		memcpy(copy, tocsin_default_bundle, BUNDLE_FILE_SIZE);
	}
}

ZTEST(bundle, test_a_flipped_bit_anywhere_is_refused)
{
	for (size_t bit = 0; bit < BUNDLE_FILE_SIZE * 8; bit += 41) {
		copy[bit / 8] ^= (uint8_t)BIT(bit % 8);
		zassert_not_ok(tocsin_bundle_parse(&bundle, copy, sizeof(copy)), "bit %zu", bit);
		copy[bit / 8] ^= (uint8_t)BIT(bit % 8);
	}
	zassert_ok(tocsin_bundle_parse(&bundle, copy, sizeof(copy)));
}

ZTEST(bundle, test_a_bundle_that_is_not_aligned_is_refused)
{
	memmove(&copy[4], copy, BUNDLE_FILE_SIZE);
	zassert_equal(tocsin_bundle_parse(&bundle, &copy[4], BUNDLE_FILE_SIZE), -EINVAL);
}

/* A native thread runs on the host's stack, and its own stays as it was. */
#if defined(CONFIG_ARM)
static K_THREAD_STACK_DEFINE(stack, 4096);
static struct k_thread parser;
static int answer;

static void parse(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	answer = tocsin_bundle_parse(&bundle, tocsin_default_bundle, embedded_size());
}

static size_t stack_used(k_thread_entry_t entry)
{
	size_t unused = 0;

	k_thread_create(&parser, stack, K_THREAD_STACK_SIZEOF(stack), entry, NULL, NULL, NULL, 0, 0,
			K_NO_WAIT);
	zassert_ok(k_thread_join(&parser, K_SECONDS(10)));
	zassert_ok(k_thread_stack_space_get(&parser, &unused));
	return K_THREAD_STACK_SIZEOF(stack) - unused;
}

static void nothing(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
}

ZTEST(bundle, test_the_stack_is_less_than_promised)
{
	size_t idle;
	size_t used;

	idle = stack_used(nothing);
	used = stack_used(parse);
	zassert_ok(answer);
	zassert_true(used > idle);
	zassert_true(used - idle < 1024, "%zu bytes", used - idle);
}
#endif /* CONFIG_ARM */
