/* SPDX-License-Identifier: BSD-3-Clause */
/* The version of the kernel, from its name. */
#include "unit.h"

#include <errno.h>
#include <linux/version.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/kernel.h"

static const char *release; /* NULL: uname fails */

int uname(struct utsname *kernel)
{
	if (!release)
		return -1;
	snprintf(kernel->release, sizeof(kernel->release), "%s", release);
	return 0;
}

static uint32_t version_of(const char *name)
{
	release = name;
	return kernel_version();
}

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(version_of("6.1.0-44-amd64"), KERNEL_VERSION(6, 1, 0));
	assert_int_equal(version_of("5.10"), KERNEL_VERSION(5, 10, 0));
	assert_int_equal(version_of("unknown"), 0);
	assert_int_equal(version_of(NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
