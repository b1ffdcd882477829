/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BPF maps, which are found by their ids and only read. This is the one file of the
 * tool that calls bpf_map_*; it never writes, and maps memory without the right to.
 */
#ifndef OFFLOAD_XDP_UTILS_MAP_H
#define OFFLOAD_XDP_UTILS_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>

/* The memory of a map. */
struct map_view {
	const void *memory;
	size_t size;
};

/** Opens a map; `flags` is 0 or BPF_F_RDONLY. The descriptor, which the caller closes, or -errno. */
int map_open(uint32_t id, uint32_t flags);

/** What the kernel says of an open map. 0 or -errno. */
int map_info_of(int fd, struct bpf_map_info *info);

/** The same of a map that is not open. 0 or -errno. */
int map_info(uint32_t id, struct bpf_map_info *info);

/**
 * Maps an array that was made with BPF_F_MMAPABLE. The kernel wants a descriptor
 * that could write for it. 0, to be closed, or -errno.
 */
int map_view_open(int fd, const struct bpf_map_info *info, struct map_view *view);

/** Unmaps it; one that is not open is left as it is. */
void map_view_close(struct map_view *view);

/** Copies the first value of an array. 0 or -errno. */
int map_read_first(int fd, void *value);

/** Copies the value of a key. 0 or -errno. */
int map_read(int fd, const void *key, void *value);

/** Counts the entries of a hash table with keys of up to 8 bytes, one by one, up to `most`. */
unsigned int map_count(int fd, unsigned int most);

#endif
