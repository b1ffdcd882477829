/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define TOPIC "memory"

uint64_t check_memory_available(void)
{
	char line[128];
	uint64_t bytes = UINT64_MAX;
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		return bytes;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "MemAvailable:", 13))
			bytes = strtoull(line + 13, NULL, 10) * 1024;
	}
	fclose(file);
	return bytes;
}

/* A limit of one group: UINT64_MAX if its file says "max", or if it has none, as the first group. */
static uint64_t limit_of(const char *group)
{
	char path[PATH_MAX + 16], line[64];
	uint64_t limit = UINT64_MAX;
	FILE *file;

	snprintf(path, sizeof(path), "%s/memory.max", group);
	file = fopen(path, "re");
	if (!file)
		return limit;
	if (fgets(line, sizeof(line), file) && line[0] != 'm')
		limit = strtoull(line, NULL, 10);
	fclose(file);
	return limit;
}

uint64_t check_memory_limit(const char *cgroups, const char *root)
{
	char group[PATH_MAX];
	size_t above = strlen(root);
	uint64_t least = UINT64_MAX, limit;
	/* "0::/PATH" is the group of the second version of control groups. */
	const char *own = strstr(cgroups, "0::/");

	if (!own || (own != cgroups && own[-1] != '\n'))
		return least;
	snprintf(group, sizeof(group), "%s%.*s", root, (int)strcspn(own + 3, "\n"), own + 3);
	while (strlen(group) > above) {
		limit = limit_of(group);
		if (limit < least)
			least = limit;
		*strrchr(group, '/') = '\0';
	}
	return least;
}

void check_memory_judge(unsigned int channels, uint64_t tables, uint64_t available, uint64_t limit,
			struct check_report *report)
{
	uint64_t room = limit < available ? limit : available;
	char known[160] = "";
	const char *what = limit < available ? "the server's control group may have (memory.max)" :
					       "this host has available";
	enum check_level level = tables > room ? CHECK_STOP : tables > room / 2 ? CHECK_NOTE :
										  CHECK_OK;

	if (room != UINT64_MAX)
		snprintf(known, sizeof(known), " of the %s that %s", unit_bytes(room).text, what);
	check_report_add(report, level, TOPIC, NULL, "the tables for %s channels take %s%s%s", unit_count(channels).text,
			 unit_bytes(tables).text, known, level == CHECK_OK ? "" : "; lower xdp-max-channels");
}
