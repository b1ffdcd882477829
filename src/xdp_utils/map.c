/* SPDX-License-Identifier: BSD-3-Clause */
#include "map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int map_open(uint32_t id, uint32_t flags)
{
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, options, .open_flags = flags);
	int fd = bpf_map_get_fd_by_id_opts(id, &options);

	return fd < 0 ? -errno : fd;
}

int map_info_of(int fd, struct bpf_map_info *info)
{
	uint32_t size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

int map_info(uint32_t id, struct bpf_map_info *info)
{
	int fd = map_open(id, BPF_F_RDONLY), error;

	if (fd < 0)
		return fd;
	error = map_info_of(fd, info);
	close(fd);
	return error;
}

int map_view_open(int fd, const struct bpf_map_info *info, struct map_view *view)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	/* The kernel rounds elements of arrays up to 8 bytes. */
	size_t size = ((size_t)info->value_size + 7) / 8 * 8 * info->max_entries;
	void *memory;

	size = (size + page - 1) / page * page;
	memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	view->memory = memory;
	view->size = size;
	return 0;
}

void map_view_close(struct map_view *view)
{
	if (view->memory)
		munmap((void *)(uintptr_t)view->memory, view->size);
	*view = (struct map_view){ 0 };
}

int map_read_first(int fd, void *value)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(fd, &zero, value) ? -errno : 0;
}

int map_read(int fd, const void *key, void *value)
{
	return bpf_map_lookup_elem(fd, key, value) ? -errno : 0;
}

unsigned int map_count(int fd, unsigned int most)
{
	uint64_t key = 0, next;
	unsigned int count = 0;

	while (count < most && !bpf_map_get_next_key(fd, count ? &key : NULL, &next)) {
		key = next;
		count++;
	}
	return count;
}
