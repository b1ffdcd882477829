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

#endif
