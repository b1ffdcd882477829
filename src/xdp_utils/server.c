/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

#define PROGRAM_NAME "turn"
#define MAPS_MAX 32

static const char *const names[TABLES] = {
	[TABLE_FLOWS] = "flows",
	[TABLE_VLANS] = "vlans",
	[TABLE_HOPS] = "hops",
	[TABLE_BEGUN] = "begun",
	[TABLE_VERDICTS] = "verdicts",
	[TABLE_DEVICES] = "devices",
	[TABLE_LIMITS] = "limits",
	/* These have the object's name in front of them, as far as there is room. */
	[TABLE_CONSTANTS] = ".rodata",
	[TABLE_VARIABLES] = ".bss",
};

static bool is_named(const char *name, const char *wanted)
{
	size_t length = strlen(name), want = strlen(wanted);

	if (wanted[0] != '.')
		return !strcmp(name, wanted);
	return length >= want && !strcmp(name + length - want, wanted);
}

static void note_map(struct server *server, uint32_t id)
{
	struct bpf_map_info info;

	if (table_info(id, &info))
		return;
	for (int i = 0; i < TABLES; i++) {
		if (is_named(info.name, names[i]))
			server->map[i] = id;
	}
}

/* By its name and, to be sure, by its tables, of any version. */
static bool read_program(uint32_t id, struct server *server)
{
	uint32_t maps[MAPS_MAX] = { 0 };
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)maps };
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	bool told;

	if (fd < 0)
		return false;
	told = !bpf_obj_get_info_by_fd(fd, &info, &size);
	/* At once: whoever holds a program keeps it in the kernel when its server has ended. */
	close(fd);
	if (!told || strcmp(info.name, PROGRAM_NAME))
		return false;
	*server = (struct server){ .program = id, .programs = 1 };
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		note_map(server, maps[i]);
	return server->map[TABLE_FLOWS] && server->map[TABLE_HOPS] && server->map[TABLE_CONSTANTS] &&
	       server->map[TABLE_VARIABLES];
}

/* Copies of a program have the same tables. */
static void add(struct server_list *list, const struct server *server)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (list->server[i].map[TABLE_FLOWS] == server->map[TABLE_FLOWS]) {
			list->server[i].programs++;
			return;
		}
	}
	if (list->count < SERVERS_MAX)
		list->server[list->count++] = *server;
}

/*
 * Whether a server has the tables, and which process it is. What is of this
 * version and has not started is a program that is being loaded, or somebody's test.
 */
static bool is_started(struct server *server)
{
	uint64_t started;
	bool unknown;
	uint32_t owner;

	server->version = table_version(server);
	if (server->version == ABI_VERSION && (table_state_begun(server, &started, &server->pid) || !started))
		return false;
	owner = owner_find(server->map[TABLE_FLOWS], server->pid, &unknown);
	if (owner)
		server->pid = owner;
	/* Where processes cannot be asked, its own word has to do. */
	server->seen = owner || (unknown && server->pid);
	return true;
}

int servers_find(struct server_list *list)
{
	struct server server;
	uint32_t id = 0;
	unsigned int kept = 0;

	list->count = 0;
	while (!bpf_prog_get_next_id(id, &id)) {
		if (read_program(id, &server))
			add(list, &server);
	}
	if (errno != ENOENT)
		return -errno;
	for (unsigned int i = 0; i < list->count; i++) {
		if (is_started(&list->server[i]))
			list->server[kept++] = list->server[i];
	}
	list->count = kept;
	return 0;
}
