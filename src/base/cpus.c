/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/cpus.h"

#include <stdlib.h>

#include "base/small_file.h"

/* A file of sysfs is no longer than a page. */
#define LIST_SIZE 4097

/* A list such as "0-3,8-11": its last number is the highest. */
uint32_t cpus_online(void)
{
	char list[LIST_SIZE], *at = list, *end;
	uint32_t cpus = 0;

	if (small_file_read("/sys/devices/system/cpu/online", list, sizeof(list)))
		return 0;
	for (uint32_t last = (uint32_t)strtoul(at, &end, 10); end != at; last = (uint32_t)strtoul(at, &end, 10)) {
		cpus = last + 1;
		at = *end == '-' || *end == ',' ? end + 1 : end;
	}
	return cpus;
}
