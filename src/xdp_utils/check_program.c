/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void read_name(struct check_program *program)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(program->id);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		snprintf(program->name, sizeof(program->name), "%.15s", info.name);
	close(fd);
}

static bool link_holds(uint32_t id, uint32_t program, uint32_t ifindex)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_link_get_fd_by_id(id);
	bool told;

	if (fd < 0)
		return false;
	told = !bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	return told && info.type == BPF_LINK_TYPE_XDP && info.prog_id == program && info.xdp.ifindex == ifindex;
}

static void read_link(uint32_t ifindex, struct check_program *program)
{
	uint32_t id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		if (link_holds(id, program->id, ifindex)) {
			program->link = id;
			return;
		}
	}
}

void check_program_read(uint32_t ifindex, const struct server_list *servers, struct check_program *program)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, answer);

	memset(program, 0, sizeof(*program));
	if (bpf_xdp_query((int)ifindex, 0, &answer) || answer.attach_mode == XDP_ATTACHED_NONE)
		return;
	program->mode = answer.attach_mode == XDP_ATTACHED_SKB ? STATUS_MODE_GENERIC : STATUS_MODE_NATIVE;
	/* With programs in several modes there is no id for all. */
	program->id = answer.prog_id ? answer.prog_id : answer.drv_prog_id ? answer.drv_prog_id :
									     answer.skb_prog_id;
	for (unsigned int i = 0; i < servers->count; i++) {
		if (servers->server[i].program != program->id)
			continue;
		program->pid = servers->server[i].pid;
		program->pid_seen = servers->server[i].seen;
	}
	read_name(program);
	read_link(ifindex, program);
}
