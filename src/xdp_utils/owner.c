/* SPDX-License-Identifier: BSD-3-Clause */
#include "owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a descriptor is one of that program, or of a link with it: 1; 0: it is not, or it is closed by now. */
static int is_of_program(int folder, const char *entry, uint32_t program)
{
	char line[128];
	unsigned long id = 0;
	int fd = openat(folder, entry, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "prog_id:", 8))
			id = strtoul(line + 8, NULL, 10);
	}
	fclose(file);
	return id == program;
}

/* Whether a process has the program open: 1 or 0; or -errno if its descriptors cannot be read. */
static int holds(uint32_t pid, uint32_t program)
{
	char path[64];
	const struct dirent *entry;
	int found = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo", pid);
	folder = opendir(path);
	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	while (!found && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.')
			found = is_of_program(dirfd(folder), entry->d_name, program);
	}
	closedir(folder);
	return found;
}

uint32_t owner_find(uint32_t program, uint32_t hint, bool *unknown)
{
	const struct dirent *entry;
	uint32_t found = 0;
	DIR *folder;

	*unknown = false;
	if (hint && holds(hint, program) > 0)
		return hint;
	folder = opendir("/proc");
	if (!folder) {
		*unknown = true;
		return 0;
	}
	while (!found && (entry = readdir(folder))) {
		uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);
		int holding = pid ? holds(pid, program) : 0;

		if (holding > 0)
			found = pid;
		else if (holding < 0)
			*unknown = true;
	}
	closedir(folder);
	return found;
}
