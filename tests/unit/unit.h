/* SPDX-License-Identifier: BSD-3-Clause */
/* What every unit test includes: cmocka, with the headers that it wants first. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The name since cmocka 2, which warns of the one before. */
#ifndef assert_uint_in_range
#define assert_uint_in_range assert_in_range
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The same numbers in every run (xorshift64), whatever else draws from random(3). */
static inline uint64_t unit_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
