/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "map.h"
#include "variable.h"

/*
 * How often a slot is read until it was not rewritten meanwhile. One that changes more
 * often than that has had many flows, none of which is there to be seen.
 */
#define SEQ_TRIES 1000

uint32_t tables_version(const struct server *server)
{
	uint32_t version = 0;

	variable_read(server->map[TABLE_CONSTANTS], ".rodata", "abi_version", &version, sizeof(version));
	return version;
}

int tables_read_server(const struct server *server, bool *started, uint32_t *pid, uint64_t *pid_namespace)
{
	struct status status;
	int error = variable_read(server->map[TABLE_VARIABLES], ".bss", "status", &status, sizeof(status));

	if (error)
		return error;
	*started = status.started;
	*pid = status.pid;
	*pid_namespace = status.pid_namespace;
	return 0;
}

static int locate_variables(const struct bpf_map_info *info, struct tables *tables)
{
	const char *memory = tables->variables.memory;
	uint32_t deadlines, status;
	int error = variable_locate(info, ".bss", "deadlines", sizeof(uint64_t) * ABI_OWNERS, &deadlines);

	if (!error)
		error = variable_locate(info, ".bss", "status", sizeof(struct status), &status);
	if (error)
		return error;
	tables->deadlines = (const uint64_t *)(memory + deadlines);
	tables->status = (const struct status *)(memory + status);
	return 0;
}

static int open_table(const struct server *server, enum table which, struct tables *tables)
{
	struct map_view *const views[TABLES] = {
		[TABLE_FLOWS] = &tables->flows,
		[TABLE_WORDS] = &tables->words,
		[TABLE_OWN6] = &tables->own6,
		[TABLE_NOTES] = &tables->notes,
		[TABLE_HOPS] = &tables->hops,
		[TABLE_EGRESSES] = &tables->egresses,
		[TABLE_VERDICTS] = &tables->verdicts,
		[TABLE_LIMITS] = &tables->limits,
		[TABLE_VARIABLES] = &tables->variables,
	};
	struct bpf_map_info info;
	/* Where the kernel could not tell the program's tables of the sessions, everything else is shown. */
	bool optional = which == TABLE_SESSIONS && !server->map[which];
	/* The kernel maps no memory for a descriptor that cannot write. */
	int fd = optional ? -1 : map_open(server->map[which], views[which] ? 0 : BPF_F_RDONLY), error;

	if (optional)
		return 0;
	if (fd < 0)
		return fd;
	tables->fd[which] = fd;
	error = map_info_of(fd, &info);
	if (error)
		return error;
	tables->room[which] = info.max_entries;
	if (views[which])
		error = map_view_open(fd, &info, views[which]);
	if (!error && which == TABLE_VARIABLES)
		error = locate_variables(&info, tables);
	return error;
}

/*
 * The note and the words of a flow have the index of its slot, so there must be as many of them as slots. A slot has
 * the index of an own address, and an entry of the next hops that of an egress.
 */
static int check_sizes(struct tables *tables)
{
	uint32_t slots = tables->room[TABLE_FLOWS];

	tables->cpus = tables->room[TABLE_VERDICTS];
	return tables->room[TABLE_NOTES] < slots || tables->room[TABLE_WORDS] < slots ||
			       tables->own6.size < ABI_OWN6 * sizeof(union abi_addr) ||
			       tables->egresses.size < ABI_EGRESSES * sizeof(struct egress) ?
		       -EPROTO :
		       0;
}

int tables_open(const struct server *server, struct tables *tables)
{
	int error = 0;

	memset(tables, 0, sizeof(*tables));
	for (int i = 0; i < TABLES; i++)
		tables->fd[i] = -1;
	for (int i = 0; i < TABLES && !error; i++)
		error = open_table(server, i, tables);
	if (!error)
		error = check_sizes(tables);
	if (error)
		tables_close(tables);
	return error;
}

void tables_close(struct tables *tables)
{
	map_view_close(&tables->flows);
	map_view_close(&tables->words);
	map_view_close(&tables->own6);
	map_view_close(&tables->notes);
	map_view_close(&tables->hops);
	map_view_close(&tables->egresses);
	map_view_close(&tables->verdicts);
	map_view_close(&tables->limits);
	map_view_close(&tables->variables);
	for (int i = 0; i < TABLES; i++) {
		if (tables->fd[i] >= 0)
			close(tables->fd[i]);
		tables->fd[i] = -1;
	}
}

/* Copies of what the tables have of a flow. */
struct flow_copy {
	struct flow_slot slot;
	struct flow_words words;
	struct flow_note note;
};

/*
 * False if the slot has no flow. Its counters and its note change without its seq. The note comes first: it tells how
 * often the counters had passed half of their ranges, some time ago.
 */
static bool read_flow(const struct tables *tables, uint32_t index, struct flow_copy *copy)
{
	const struct flow_slot *slot = (const struct flow_slot *)tables->flows.memory + index;

	for (int i = 0; i < SEQ_TRIES; i++) {
		uint32_t seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);

		if (!(seq & 1))
			return false;
		memcpy(&copy->note, (const struct flow_note *)tables->notes.memory + index, sizeof(copy->note));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		memcpy(&copy->slot, slot, sizeof(copy->slot));
		memcpy(&copy->words, (const struct flow_words *)tables->words.memory + index, sizeof(copy->words));
		copy->slot.usage = __atomic_load_n(&slot->usage, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (seq == __atomic_load_n(&slot->seq, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

int tables_each_flow(const struct tables *tables, int (*each)(const struct flow_parts *parts, void *data), void *data)
{
	struct flow_copy copy;
	const struct flow_parts parts = { &copy.slot, &copy.words, tables->own6.memory, &copy.note };
	int error = 0;

	for (uint32_t i = 0; i < tables->room[TABLE_FLOWS] && !error; i++) {
		if (read_flow(tables, i, &copy))
			error = each(&parts, data);
	}
	return error;
}

/* As the XDP program does it: see struct hop_entry. */
static bool read_hop(const struct tables *tables, const struct hop_entry *entry, struct hop *hop)
{
	const struct egress *egresses = tables->egresses.memory;

	for (int i = 0; i < SEQ_TRIES; i++) {
		uint32_t seq = __atomic_load_n(&entry->seq, __ATOMIC_ACQUIRE);
		struct hop_entry copy = *entry;

		if (!(seq & 1))
			return false;
		hop_read(&copy, &egresses[copy.egress % ABI_EGRESSES], hop);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (seq == __atomic_load_n(&entry->seq, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

bool tables_hop(const struct tables *tables, uint32_t index, struct hop *hop)
{
	const struct hop_entry *entry = tables->hops.memory;

	return index < tables->room[TABLE_HOPS] && read_hop(tables, &entry[index], hop);
}

const struct limit *tables_limit(const struct tables *tables, uint32_t slot)
{
	return slot < tables->room[TABLE_LIMITS] ? (const struct limit *)tables->limits.memory + slot : NULL;
}

int tables_session(const struct tables *tables, uint32_t number, struct session_entry *session)
{
	int error;

	memset(session, 0, sizeof(*session));
	if (!number || tables->fd[TABLE_SESSIONS] < 0)
		return -ENOENT;
	error = map_read(tables->fd[TABLE_SESSIONS], &number, session);
	/* They are text only if they end. */
	session->user[SESSION_NAME - 1] = session->realm[SESSION_NAME - 1] = '\0';
	return error;
}

unsigned int tables_count(const struct tables *tables, enum table which)
{
	return map_count(tables->fd[which], tables->room[which]);
}
