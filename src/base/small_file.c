/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int small_file_read(const char *path, char *text, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = file >= 0 ? read(file, text, size - 1) : -1;
	int error = length < 0 ? -errno : 0;

	if (file >= 0)
		close(file);
	text[length > 0 ? length : 0] = '\0';
	return error;
}
