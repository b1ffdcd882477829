/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "base/pid_namespace.h"
#include "map.h"
#include "owner.h"
#include "tables.h"

#define PROGRAM_NAME "turn"
#define MAPS_MAX 32

static const char *const names[TABLES] = {
	[TABLE_FLOWS] = "flows",
	[TABLE_WORDS] = "words",
	[TABLE_OWN6] = ".data.own6",
	[TABLE_VLANS] = "vlans",
	[TABLE_HOPS] = "hops",
	[TABLE_EGRESSES] = ".data.egress",
	[TABLE_NOTES] = "notes",
	[TABLE_VERDICTS] = "verdicts",
	[TABLE_DEVICES] = "devices",
	[TABLE_LIMITS] = "limits",
	[TABLE_SESSIONS] = "sessions",
	/* The names of these begin with that of the object, as far as there is room. */
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

	if (map_info(id, &info))
		return;
	for (int i = 0; i < TABLES; i++) {
		if (is_named(info.name, names[i]))
			server->map[i] = id;
	}
}

/* Whether a program is ours: by its name and by those tables that every ABI_VERSION has. */
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
	/* Closed at once: an open program stays in the kernel when its server ends. */
	close(fd);
	if (!told || strcmp(info.name, PROGRAM_NAME))
		return false;
	*server = (struct server){ .program = id, .programs = 1 };
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		note_map(server, maps[i]);
	return server->map[TABLE_FLOWS] && server->map[TABLE_HOPS] && server->map[TABLE_CONSTANTS] &&
	       server->map[TABLE_VARIABLES];
}

/* Adds a server. Copies of a program share its tables, and belong to the same server. */
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

/* Whether a process ID that a server wrote is that of a process here. */
static bool is_here(uint32_t pid, uint64_t pid_namespace)
{
	return pid && pid_namespace && pid_namespace == pid_namespace_own() && (!kill((pid_t)pid, 0) || errno != ESRCH);
}

/*
 * Whether a server has these tables, and which process it is. A program of this
 * ABI_VERSION that has not started is being loaded, or is run by a test.
 */
static bool is_started(struct server *server)
{
	uint64_t pid_namespace = 0;
	bool started, unknown;
	uint32_t owner;

	server->version = tables_version(server);
	if (server->version == ABI_VERSION &&
	    (tables_read_server(server, &started, &server->pid, &pid_namespace) || !started))
		return false;
	owner = owner_find(server->program, server->pid, &unknown);
	if (owner)
		server->pid = owner;
	/* Where the descriptors of processes cannot be read, the ID that the server wrote has to do. */
	server->seen = owner || (unknown && is_here(server->pid, pid_namespace));
	return true;
}

int server_find_all(struct server_list *list)
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

static unsigned int match(const struct server_list *list, uint32_t pid, bool seen, const struct server **first)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < list->count; i++) {
		const struct server *server = &list->server[i];

		if (server->seen == seen && (!pid || server->pid == pid) && !count++)
			*first = server;
	}
	return count;
}

unsigned int server_choose(const struct server_list *list, uint32_t pid, const struct server **first)
{
	unsigned int count = match(list, pid, true, first);

	return count || pid ? count : match(list, 0, false, first);
}

unsigned int server_programs(const struct server *server, uint32_t *ids, unsigned int room)
{
	unsigned int count = 0;
	struct server found;
	uint32_t id = 0;

	while (count < room && !bpf_prog_get_next_id(id, &id)) {
		if (read_program(id, &found) && found.map[TABLE_FLOWS] == server->map[TABLE_FLOWS])
			ids[count++] = id;
	}
	return count;
}
