/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/dispatcher.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "abi.h"
#include "base/library_log.h"

#define PROGRAM_NAME "turn"
#define PROGRAM_SECTION "xdp"

struct member {
	uint32_t ifindex; /* 0: this place is free */
	enum xdp_attach_mode mode;
	struct bpf_object *object;
	struct xdp_program *program;
	int claim; /* the socket that says that the program's server runs, or -1 */
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

/*
 * Binds a socket to an abstract name (unix(7)) with the program's id, which nobody else can
 * have until the process ends. Returns the socket, or -errno: -EADDRINUSE while the program's
 * server runs.
 */
static int claim(uint32_t program)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int length, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "turnserver-xdp-%u", program);
	if (!bind(fd, (struct sockaddr *)&name,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static uint32_t id_of(const struct xdp_program *program, struct bpf_prog_info *info)
{
	__u32 size = sizeof(*info);

	return bpf_obj_get_info_by_fd(xdp_program__fd(program), info, &size) ? 0 : info->id;
}

static bool has_map(const __u32 *ids, __u32 count, const char *name)
{
	for (__u32 i = 0; i < count; i++) {
		struct bpf_map_info info = { 0 };
		__u32 size = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);
		bool same = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, name);

		if (fd >= 0)
			close(fd);
		if (same)
			return true;
	}
	return false;
}

/* Whether this is the program of some version, by its name and tables, and its server has ended. */
static bool is_left_behind(const struct xdp_program *program)
{
	__u32 maps[32] = { 0 };
	struct bpf_prog_info info = { .nr_map_ids = 32, .map_ids = (uintptr_t)maps };
	uint32_t id;
	int fd;

	if (!xdp_program__name(program) || strcmp(xdp_program__name(program), PROGRAM_NAME))
		return false;
	id = id_of(program, &info);
	if (!id || !has_map(maps, info.nr_map_ids, "flows") || !has_map(maps, info.nr_map_ids, "hops"))
		return false;
	fd = claim(id);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
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
	if (member->claim >= 0)
		close(member->claim);
	memset(member, 0, sizeof(*member));
}

static int explain(int error, char *why, size_t size)
{
	snprintf(why, size, "libxdp's dispatcher there does not take this program (%s) and stays in place",
		 strerror(-error));
	return error;
}

int dispatcher_join(uint32_t ifindex, dispatcher_copy copy, bool *generic, char *why, size_t size)
{
	struct xdp_multiprog *dispatcher = open_dispatcher(ifindex);
	struct member *member = find(0);
	struct member new = { .ifindex = ifindex, .claim = -1 };
	struct bpf_prog_info info = { 0 };
	int error;

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
	if (error) {
		new.program = NULL;
	} else {
		error = xdp_program__attach(new.program, (int)ifindex, new.mode, 0);
		if (!error)
			new.claim = claim(id_of(new.program, &info));
	}
	if (error) {
		let_go(&new);
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

	/* libxdp needs privileges that the server gives up with its change of user; this question does not. */
	return bpf_xdp_query_id((int)ifindex, 0, &id) || id;
}
