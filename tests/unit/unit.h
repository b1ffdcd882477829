/* SPDX-License-Identifier: BSD-3-Clause */
/* Every unit test includes this first: cmocka, and the headers that have to come before it. */
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

/* Fails the test if two numbers differ, and names the entry of the test's table. */
static inline void unit_entry_equal(const char *entry, long long is, long long wanted, const char *file, int line)
{
	if (is == wanted)
		return;
	print_error("%s: %lld (0x%llx), not %lld (0x%llx)\n", entry, is, (unsigned long long)is, wanted,
		    (unsigned long long)wanted);
	_fail(file, line);
}
#define assert_entry_equal(entry, is, wanted) \
	unit_entry_equal(entry, (long long)(is), (long long)(wanted), __FILE__, __LINE__)

/* Returns the next number of a sequence that is the same in every run (xorshift64). `state` must not be 0. */
static inline uint64_t unit_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
