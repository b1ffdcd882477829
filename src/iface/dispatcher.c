/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/dispatcher.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "abi.h"
#include "base/library_log.h"

#define PROGRAM_NAME "turn"
#define PROGRAM_SECTION "xdp"

/*
 * The verifier's words since Linux 6.13, and in newer releases of older kernels: the dispatcher runs a program in place
 * of a function of its own, and that of libxdp before 1.5.5 does not change the packet (bpf_check_attach_target in the
 * kernel's verifier.c).
 */
#define VERIFIER_CHANGES_DATA "Extension program changes packet data, while original does not"

struct member {
	uint32_t ifindex; /* 0: this place is free */
	enum xdp_attach_mode mode;
	struct bpf_object *object;
	struct xdp_program *program;
};

static struct member members[ABI_ATTACHMENTS];

static struct member *find(uint32_t ifindex)
{
	for (unsigned int i = 0; i < ABI_ATTACHMENTS; i++) {
		if (members[i].ifindex == ifindex)
			return &members[i];
	}
	return NULL;
}

/* libxdp says what failed by return values too; its own lines are for the operator who asks for them. */
static int print_libxdp(enum libxdp_print_level level, const char *format, va_list args)
{
	return library_log_print((int)level, format, args);
}

static struct xdp_multiprog *open_dispatcher(uint32_t ifindex)
{
	struct xdp_multiprog *dispatcher;

	libxdp_set_print(print_libxdp);
	dispatcher = xdp_multiprog__get_from_ifindex((int)ifindex);
	if (libxdp_get_error(dispatcher))
		return NULL;
	if (!xdp_multiprog__is_legacy(dispatcher))
		return dispatcher;
	xdp_multiprog__close(dispatcher);
	return NULL;
}

bool dispatcher_is_there(uint32_t ifindex)
{
	struct xdp_multiprog *dispatcher = open_dispatcher(ifindex);

	if (dispatcher)
		xdp_multiprog__close(dispatcher);
	return dispatcher != NULL;
}

/* ---- programs of servers that have ended ---- */

#define PROGRAM_MAPS 32 /* more than the program of any version has */

/* What the kernel tells of a program, with the ids of its tables. 0 or -errno. */
static int info_get(int fd, struct bpf_prog_info *info, __u32 maps[PROGRAM_MAPS])
{
	__u32 size = sizeof(*info);

	*info = (struct bpf_prog_info){ .nr_map_ids = PROGRAM_MAPS, .map_ids = (uintptr_t)maps };
	if (bpf_obj_get_info_by_fd(fd, info, &size))
		return -errno;
	/* The kernel says how many there are, and writes no more than there is room for. */
	if (info->nr_map_ids > PROGRAM_MAPS)
		info->nr_map_ids = PROGRAM_MAPS;
	return 0;
}

/* The id of a program's table; 0 if it has none of this name. */
static __u32 find_map(const __u32 *ids, __u32 count, const char *name)
{
	for (__u32 i = 0; i < count; i++) {
		struct bpf_map_info info = { 0 };
		__u32 size = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);
		bool same = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, name);

		if (fd >= 0)
			close(fd);
		if (same)
			return ids[i];
	}
	return 0;
}

/* Whether this is an XDP program with that table. In doubt it is. */
static bool is_xdp_with(int fd, __u32 map)
{
	__u32 maps[PROGRAM_MAPS] = { 0 };
	struct bpf_prog_info info;

	if (info_get(fd, &info, maps))
		return true;
	for (__u32 i = 0; info.type == BPF_PROG_TYPE_XDP && i < info.nr_map_ids; i++) {
		if (maps[i] == map)
			return true;
	}
	return false;
}

/*
 * Whether the server with this table runs. It has loaded its program twice: what joined the dispatcher
 * is a copy, of the type BPF_PROG_TYPE_EXT, which libxdp has pinned. The first one is of type XDP
 * and not pinned, so the kernel frees it when the process ends, and nobody without the
 * capabilities for it can make another one. In doubt the server runs.
 */
static bool server_runs(__u32 map)
{
	__u32 id = 0;
	bool found = false;

	while (!found && !bpf_prog_get_next_id(id, &id)) {
		int fd = bpf_prog_get_fd_by_id(id);

		/* ENOENT: it has been freed since. */
		found = fd < 0 ? errno != ENOENT : is_xdp_with(fd, map);
		if (fd >= 0)
			close(fd);
	}
	return found || errno != ENOENT;
}

/* Whether this is the program of some version, by its name and tables, and its server has ended. */
static bool is_left_behind(const struct xdp_program *program)
{
	__u32 maps[PROGRAM_MAPS] = { 0 }, flows;
	struct bpf_prog_info info;

	if (!xdp_program__name(program) || strcmp(xdp_program__name(program), PROGRAM_NAME) ||
	    info_get(xdp_program__fd(program), &info, maps))
		return false;
	flows = find_map(maps, info.nr_map_ids, "flows");
	return flows && find_map(maps, info.nr_map_ids, "hops") && !server_runs(flows);
}

void dispatcher_clean(uint32_t ifindex)
{
	struct xdp_multiprog *dispatcher;
	struct xdp_program *program;
	bool removed = true;

	/* After each removal libxdp attaches another dispatcher with the programs that are left. */
	while (removed && (dispatcher = open_dispatcher(ifindex))) {
		removed = false;
		for (program = xdp_multiprog__next_prog(NULL, dispatcher); program && !removed;
		     program = removed ? program : xdp_multiprog__next_prog(program, dispatcher))
			removed = is_left_behind(program) &&
				  !xdp_program__detach(program, (int)ifindex,
						       xdp_multiprog__attach_mode(dispatcher), 0);
		xdp_multiprog__close(dispatcher);
	}
}

/* ---- joining and leaving ---- */

static void let_go(struct member *member)
{
	xdp_program__close(member->program);
	bpf_object__close(member->object);
	memset(member, 0, sizeof(*member));
}

static int explain(int error, char *why, size_t size)
{
	if (library_log_verifier_said(VERIFIER_CHANGES_DATA))
		snprintf(why, size,
			 "this kernel lets no program that changes packets run through the dispatcher of a libxdp before 1.5.5; update "
			 "libxdp and restart the server, or unload the dispatcher");
	else
		snprintf(why, size, "libxdp's dispatcher there does not take this program (%s) and stays in place",
			 strerror(-error));
	return error;
}

int dispatcher_join(uint32_t ifindex, dispatcher_copy copy, bool *generic, char *why, size_t size)
{
	struct member new = { .ifindex = ifindex };
	struct member *member = find(0);
	struct xdp_multiprog *dispatcher;
	int error;

	library_log_forget();
	dispatcher = open_dispatcher(ifindex);
	if (!dispatcher)
		return explain(-ENOENT, why, size);
	new.mode = xdp_multiprog__attach_mode(dispatcher);
	xdp_multiprog__close(dispatcher);
	if (!member)
		return explain(-ENOSPC, why, size);
	new.object = copy();
	if (!new.object)
		return explain(-ENOMEM, why, size);
	new.program = xdp_program__from_bpf_obj(new.object, PROGRAM_SECTION);
	error = (int)libxdp_get_error(new.program);
	if (error)
		new.program = NULL;
	else
		error = xdp_program__attach(new.program, (int)ifindex, new.mode, 0);
	if (error) {
		let_go(&new);
		library_log_verifier_debug();
		return explain(error, why, size);
	}
	*generic = new.mode == XDP_MODE_SKB;
	*member = new;
	return 0;
}

void dispatcher_leave(uint32_t ifindex)
{
	struct member *member = find(ifindex);

	if (!member)
		return;
	xdp_program__detach(member->program, (int)ifindex, member->mode, 0);
	let_go(member);
}

bool dispatcher_holds(uint32_t ifindex)
{
	__u32 id = 0;

	/* libxdp needs privileges that the server gives up after the start; this question does not. */
	return bpf_xdp_query_id((int)ifindex, 0, &id) || id;
}
