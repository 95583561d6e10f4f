/*
 * Copyright (c) 2026 The Tocsin Authors
 * SPDX-License-Identifier: Apache-2.0
 */

/* Random numbers of property tests: a generator whose state is the seed, the same on every target.
 */

#ifndef TOCSIN_TESTS_ZEPHYR_RANDOM_H_
#define TOCSIN_TESTS_ZEPHYR_RANDOM_H_

#include <cstdint>

namespace
{

uint32_t state; /* not 0 */

uint32_t random_bits()
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

int32_t between(int32_t low, int32_t high)
{
	return low + static_cast<int32_t>(random_bits() % static_cast<uint32_t>(high - low + 1));
}

bool one_in(int32_t n)
{
	return between(1, n) == 1;
}

} // namespace

#endif /* TOCSIN_TESTS_ZEPHYR_RANDOM_H_ */
