/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/cpus.h"

#include <stdio.h>

/* A list such as "0-3,8-11": its last number is the highest. */
uint32_t cpus_online(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/online", "re");
	uint32_t last, cpus = 0;
	char separator;

	if (!file)
		return 0;
	while (fscanf(file, "%u%c", &last, &separator) >= 1)
		cpus = last + 1;
	fclose(file);
	return cpus;
}
