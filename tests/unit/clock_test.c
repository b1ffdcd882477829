/* SPDX-License-Identifier: BSD-3-Clause */
/* The clocks, compared with the kernel's, each in its unit. */
#include "unit.h"

#include <time.h>

#include "base/clock.h"

/* A clock has to agree with the kernel's to this part of a second. */
#define TOLERANCE_NS 500000000ull

static uint64_t monotonic_ns(void)
{
	return clock_monotonic_ns();
}

static uint64_t coarse_ns(void)
{
	return clock_coarse_ms() * 1000000;
}

static uint64_t boot_ns(void)
{
	return clock_boot_ns();
}

static void test_clocks(void **state)
{
	static const struct {
		const char *name;
		uint64_t (*read)(void);
		clockid_t clock;
	} table[] = {
		{ "monotonic", monotonic_ns, CLOCK_MONOTONIC },
		{ "coarse", coarse_ns, CLOCK_MONOTONIC },
		{ "boot", boot_ns, CLOCK_BOOTTIME },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		/* A delay between the two reads is no error, if another attempt succeeds. */
		uint64_t difference = UINT64_MAX;

		print_message("# %s\n", table[i].name);
		for (int attempt = 0; attempt < 10 && difference > TOLERANCE_NS; attempt++) {
			struct timespec kernel;
			uint64_t ns, ours;

			clock_gettime(table[i].clock, &kernel);
			ours = table[i].read();
			ns = (uint64_t)kernel.tv_sec * 1000000000 + (uint64_t)kernel.tv_nsec;
			difference = ours > ns ? ours - ns : ns - ours;
		}
		assert_true(difference <= TOLERANCE_NS);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
