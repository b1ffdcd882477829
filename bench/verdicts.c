// SPDX-License-Identifier: BSD-3-Clause
#include "verdicts.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "netns.h"

#define PROGRAM_MAPS 32

int verdicts_open(const char *netns, const char *ifname)
{
	__u32 id = 0, ids[PROGRAM_MAPS];
	struct bpf_prog_info program = { .nr_map_ids = PROGRAM_MAPS, .map_ids = (__u64)(unsigned long)ids };
	__u32 size = sizeof(program);
	int fd, error, map = -ENOENT;

	error = netns_enter(netns);
	if (error)
		return error;
	error = bpf_xdp_query_id(if_nametoindex(ifname), 0, &id);
	if (error || !id)
		return error ? error : -ENOENT;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return fd;
	error = bpf_obj_get_info_by_fd(fd, &program, &size);
	close(fd);
	if (error)
		return error;

	for (__u32 i = 0; i < program.nr_map_ids && i < PROGRAM_MAPS; i++) {
		struct bpf_map_info info = {};

		fd = bpf_map_get_fd_by_id(ids[i]);
		if (fd < 0)
			continue;
		size = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, "verdicts") &&
		    info.value_size == VERDICT_SLOTS * sizeof(__u64)) {
			map = fd;
			break;
		}
		close(fd);
	}
	return map;
}

int verdicts_read(int fd, unsigned long long sums[VERDICT_SLOTS])
{
	__u64 row[VERDICT_SLOTS];
	int error = -ENOENT;

	memset(sums, 0, VERDICT_SLOTS * sizeof(*sums));
	for (__u32 cpu = 0; !bpf_map_lookup_elem(fd, &cpu, row); cpu++) {
		for (int i = 0; i < VERDICT_SLOTS; i++)
			sums[i] += row[i];
		error = 0;
	}
	return error;
}
