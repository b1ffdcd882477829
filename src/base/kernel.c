/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/kernel.h"

#include <linux/version.h>
#include <stdio.h>
#include <sys/utsname.h>

uint32_t kernel_version(void)
{
	unsigned int major, minor;
	struct utsname kernel;

	if (uname(&kernel) || sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return KERNEL_VERSION(major, minor, 0);
}
