/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int read_open(int file, char *text, size_t size)
{
	ssize_t length = pread(file, text, size - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return length < 0 ? -errno : 0;
}

void small_file_close(int *file)
{
	if (*file >= 0)
		close(*file);
	*file = -1;
}

int small_file_read_again(int *file, const char *path, char *text, size_t size)
{
	int error = *file >= 0 ? read_open(*file, text, size) : -EBADF;

	if (!error)
		return 0;
	small_file_close(file);
	*file = open(path, O_RDONLY | O_CLOEXEC);
	if (*file >= 0)
		return read_open(*file, text, size);
	text[0] = '\0';
	return -errno;
}

int small_file_read(const char *path, char *text, size_t size)
{
	int file = -1, error = small_file_read_again(&file, path, text, size);

	small_file_close(&file);
	return error;
}
