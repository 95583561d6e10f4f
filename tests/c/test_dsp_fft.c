/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp_fixture.h"

static float data[TOCSIN_DSP_FFT_MAX];
static float sine[TOCSIN_DSP_FFT_MAX];

static void prepare(uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		sine[k] = (float)sin(2.0 * PI * k / n);
	}
}

static double re_of(uint32_t n, uint32_t k)
{
	return (double)(k == n / 2 ? data[1] : data[2 * k]);
}

static double im_of(uint32_t n, uint32_t k)
{
	return k == 0 || k == n / 2 ? 0.0 : (double)data[2 * k + 1];
}

static void matches_dft(void **state)
{
	struct rng rng = {1};

	(void)state;
	for (uint32_t n = TOCSIN_DSP_FFT_MIN; n <= TOCSIN_DSP_FFT_MAX; n *= 2) {
		static double x[TOCSIN_DSP_FFT_MAX];
		static double exact[TOCSIN_DSP_FFT_MAX];
		double error = 0.0;
		double energy = 0.0;

		prepare(n);
		for (uint32_t i = 0; i < n; i++) {
			data[i] = (float)(rng_unit(&rng) - 0.5);
			x[i] = (double)data[i];
			exact[i] = sin(2.0 * PI * i / n);
		}
		tocsin_dsp_rfft(data, n, sine);
		for (uint32_t k = 0; k <= n / 2; k++) {
			double re = 0.0;
			double im = 0.0;

			for (uint32_t i = 0; i < n; i++) {
				re += x[i] * exact[(i * k + n / 4) % n];
				im -= x[i] * exact[i * k % n];
			}
			error += pow(re - re_of(n, k), 2) + pow(im - im_of(n, k), 2);
			energy += re * re + im * im;
		}
		error = sqrt(error / energy);
		if (error > 2e-8 * log2(n)) {
			fail_msg("n = %u: relative RMS error %g", (unsigned int)n, error);
		}
	}
}

/* e^(-2πikj/n) for an impulse at j; exactly 1 for j = 0. */
static void impulses(void **state)
{
	(void)state;
	for (uint32_t n = TOCSIN_DSP_FFT_MIN; n <= TOCSIN_DSP_FFT_MAX; n *= 2) {
		prepare(n);
		for (uint32_t j = 0; j < n; j += j < 8 ? 1 : n / 16 - 1) {
			const double tolerance = j == 0 ? 0.0 : 4e-7;

			memset(data, 0, sizeof(data));
			data[j] = 1.0f;
			tocsin_dsp_rfft(data, n, sine);
			for (uint32_t k = 0; k <= n / 2; k++) {
				const double phase = 2.0 * PI * (double)(k * j % n) / n;

				if (!(fabs(re_of(n, k) - cos(phase)) <= tolerance &&
				      fabs(im_of(n, k) + sin(phase)) <= tolerance)) {
					fail_msg("n = %u, impulse at %u, bin %u", (unsigned int)n,
						 (unsigned int)j, (unsigned int)k);
				}
			}
		}
	}
}

static void tones(void **state)
{
	(void)state;
	for (uint32_t n = TOCSIN_DSP_FFT_MIN; n <= TOCSIN_DSP_FFT_MAX; n *= 2) {
		prepare(n);
		for (uint32_t tone = 0; tone <= n / 2; tone += tone < 4 ? 1 : n / 8 - 1) {
			const bool edge = tone == 0 || tone == n / 2;

			for (uint32_t i = 0; i < n; i++) {
				data[i] = (float)cos(2.0 * PI * (double)(tone * i % n) / n);
			}
			tocsin_dsp_rfft(data, n, sine);
			for (uint32_t k = 0; k <= n / 2; k++) {
				const double peak = k != tone ? 0.0 : edge ? n : n / 2;

				if (!(hypot(re_of(n, k) - peak, im_of(n, k)) < 1e-6 * n)) {
					fail_msg("n = %u, tone in bin %u, bin %u", (unsigned int)n,
						 (unsigned int)tone, (unsigned int)k);
				}
			}
		}
	}
}

static void parseval(void **state)
{
	struct rng rng = {2};

	(void)state;
	for (uint32_t n = TOCSIN_DSP_FFT_MIN; n <= TOCSIN_DSP_FFT_MAX; n *= 2) {
		double before = 0.0;
		double after = 0.0;

		prepare(n);
		for (uint32_t i = 0; i < n; i++) {
			data[i] = (float)(rng_unit(&rng) - 0.5);
			before += pow((double)data[i], 2);
		}
		tocsin_dsp_rfft(data, n, sine);
		for (uint32_t k = 0; k <= n / 2; k++) {
			const double both = k == 0 || k == n / 2 ? 1.0 : 2.0;

			after += both * (pow(re_of(n, k), 2) + pow(im_of(n, k), 2)) / n;
		}
		assert_true(fabs(after / before - 1.0) < 1e-6);
	}
}

static float from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static void check_db(float x)
{
	const double exact = 10.0 * log10((double)x);
	const float db = tocsin_dsp_db(x);
	const double ulp = (double)(nextafterf(fabsf(db), INFINITY) - fabsf(db));

	if (!(fabs((double)db - exact) <= 3e-7 + ulp)) {
		fail_msg("db(%a) = %.9g instead of %.12g", (double)x, (double)db, exact);
	}
}

/* All normal floats in steps of a prime, and each of those around 1 and √½ where e changes. */
static void decibels(void **state)
{
	(void)state;
	for (uint32_t bits = 0x00800000; bits < 0x7f800000; bits += 1009) {
		check_db(from_bits(bits));
	}
	for (uint32_t bits = 0x3f7f0000; bits < 0x3f810000; bits++) {
		check_db(from_bits(bits));
	}
	for (uint32_t bits = 0x3f3504f3 - 1000; bits < 0x3f3504f3 + 1000; bits++) {
		check_db(from_bits(bits));
	}
	check_db(FLT_MIN);
	check_db(FLT_MAX);
	assert_true(tocsin_dsp_db(1.0f) == 0.0f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_dft), cmocka_unit_test(impulses), cmocka_unit_test(tones),
		cmocka_unit_test(parseval),    cmocka_unit_test(decibels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
