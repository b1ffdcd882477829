/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that other threads, or the XDP program, read while it is written. */
#ifndef OFFLOAD_BASE_WORDS_H
#define OFFLOAD_BASE_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((may_alias)) shared_word;

/**
 * Copies `size` bytes, a multiple of 4, so that a reader sees each word of 4 bytes as it was or as it is to be. `to` is
 * aligned to 4 bytes. A reader that wants all words of one time needs a sequence besides. Any thread, but only one at a
 * time for the same memory.
 */
static inline void words_put(void *to, const void *from, size_t size)
{
	uint32_t word;

	for (size_t at = 0; at < size; at += sizeof(word)) {
		memcpy(&word, (const char *)from + at, sizeof(word));
		__atomic_store_n((shared_word *)((char *)to + at), word, __ATOMIC_RELAXED);
	}
}

#endif
