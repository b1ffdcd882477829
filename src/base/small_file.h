/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of the kernel with a short text, such as those of proc(5) and sysfs(5). */
#ifndef OFFLOAD_BASE_SMALL_FILE_H
#define OFFLOAD_BASE_SMALL_FILE_H

#include <stddef.h>

/**
 * Reads a file as a string: as much of it as one read(2) gives, and at most `size` - 1 bytes. This takes half of the system
 * calls that stdio takes. 0 or -errno; after an error `text` is the empty string. Any thread.
 */
int small_file_read(const char *path, char *text, size_t size);

/**
 * As small_file_read, and leaves the file open in `file`, which is less than 0 at first: to read it again takes one
 * system call, and no privilege to open it. A file that can no longer be read is opened anew. One thread for each `file`.
 */
int small_file_read_again(int *file, const char *path, char *text, size_t size);

/** Closes such a file, if it is open. */
void small_file_close(int *file);

#endif
