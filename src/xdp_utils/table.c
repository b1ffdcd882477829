/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A row that changes so often is one of many flows, none of which is there to be seen. */
#define EDITION_TRIES 1000

static int open_map(uint32_t id, uint32_t flags)
{
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, options, .open_flags = flags);
	int fd = bpf_map_get_fd_by_id_opts(id, &options);

	return fd < 0 ? -errno : fd;
}

static int info_of(int fd, struct bpf_map_info *info)
{
	uint32_t size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

int table_info(uint32_t map, struct bpf_map_info *info)
{
	int fd = open_map(map, BPF_F_RDONLY), error;

	if (fd < 0)
		return fd;
	error = info_of(fd, info);
	close(fd);
	return error;
}

/* ---- variables of the program: where the compiler has put them is in the map's BTF ---- */

static int find_variable(const struct btf *btf, const char *section, const char *name, uint32_t *offset,
			 uint32_t *size)
{
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	const struct btf_var_secinfo *variable;

	if (!type)
		return -ENOENT;
	variable = btf_var_secinfos(type);
	for (unsigned int i = 0; i < btf_vlen(type); i++, variable++) {
		const struct btf_type *one = btf__type_by_id(btf, variable->type);

		if (one && !strcmp(btf__name_by_offset(btf, one->name_off), name)) {
			*offset = variable->offset;
			*size = variable->size;
			return 0;
		}
	}
	return -ENOENT;
}

/* A variable's place in a map of one value. -ENOENT if there is none of that size. */
static int locate(const struct bpf_map_info *info, const char *section, const char *name, size_t want,
		  uint32_t *offset)
{
	struct btf *btf = btf__load_from_kernel_by_id(info->btf_id);
	uint32_t size = 0, at = 0;
	int error = btf ? find_variable(btf, section, name, &at, &size) : -errno;

	btf__free(btf);
	if (error)
		return error;
	if (size != want || at + size > info->value_size)
		return -ENOENT;
	*offset = at;
	return 0;
}

/* Copies a variable. 0 or -errno. */
static int read_variable(uint32_t map, const char *section, const char *name, void *value, size_t size)
{
	struct bpf_map_info info;
	uint32_t offset, zero = 0;
	int fd = open_map(map, BPF_F_RDONLY), error;
	char *all = NULL;

	if (fd < 0)
		return fd;
	error = info_of(fd, &info);
	if (!error)
		error = locate(&info, section, name, size, &offset);
	if (!error) {
		all = malloc(info.value_size);
		error = all ? 0 : -ENOMEM;
	}
	if (!error && bpf_map_lookup_elem(fd, &zero, all))
		error = -errno;
	if (!error)
		memcpy(value, all + offset, size);
	free(all);
	close(fd);
	return error;
}

uint32_t table_version(const struct server *server)
{
	uint32_t version = 0;

	read_variable(server->map[TABLE_CONSTANTS], ".rodata", "abi_version", &version, sizeof(version));
	return version;
}

int table_state_begun(const struct server *server, uint64_t *started, uint32_t *pid)
{
	struct status status;
	int error = read_variable(server->map[TABLE_VARIABLES], ".bss", "status", &status, sizeof(status));

	if (error)
		return error;
	*started = status.started;
	*pid = status.pid;
	return 0;
}

/* ---- all tables ---- */

static int look_at(int fd, const struct bpf_map_info *info, struct view *view)
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

static int locate_variables(const struct bpf_map_info *info, struct tables *tables)
{
	const char *memory = tables->variables.memory;
	uint32_t attachments, deadlines, status;
	int error = locate(info, ".bss", "attachments", sizeof(struct attachment) * ABI_ATTACHMENTS, &attachments);

	if (!error)
		error = locate(info, ".bss", "deadlines", sizeof(uint64_t) * ABI_OWNERS, &deadlines);
	if (!error)
		error = locate(info, ".bss", "status", sizeof(struct status), &status);
	if (error)
		return error;
	tables->attachments = (const struct attachment *)(memory + attachments);
	tables->deadlines = (const uint64_t *)(memory + deadlines);
	tables->status = (const struct status *)(memory + status);
	return 0;
}

static int open_table(const struct server *server, enum table which, struct tables *tables)
{
	struct view *const views[TABLES] = {
		[TABLE_FLOWS] = &tables->flows,
		[TABLE_BEGUN] = &tables->begun,
		[TABLE_HOPS] = &tables->hops,
		[TABLE_VERDICTS] = &tables->verdicts,
		[TABLE_LIMITS] = &tables->limits,
		[TABLE_VARIABLES] = &tables->variables,
	};
	struct bpf_map_info info;
	/* The kernel lets no map be seen in memory whose descriptor cannot write. */
	int fd = open_map(server->map[which], views[which] ? 0 : BPF_F_RDONLY), error;

	if (fd < 0)
		return fd;
	tables->fd[which] = fd;
	error = info_of(fd, &info);
	if (error)
		return error;
	tables->room[which] = info.max_entries;
	if (views[which])
		error = look_at(fd, &info, views[which]);
	if (!error && which == TABLE_VARIABLES)
		error = locate_variables(&info, tables);
	return error;
}

/* What is read by number is in the tables. */
static int check_sizes(struct tables *tables)
{
	tables->cpus = tables->room[TABLE_VERDICTS];
	return tables->room[TABLE_BEGUN] < tables->room[TABLE_FLOWS] ? -EPROTO : 0;
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

static void close_view(struct view *view)
{
	if (view->memory)
		munmap((void *)(uintptr_t)view->memory, view->size);
}

void tables_close(struct tables *tables)
{
	close_view(&tables->flows);
	close_view(&tables->begun);
	close_view(&tables->hops);
	close_view(&tables->verdicts);
	close_view(&tables->limits);
	close_view(&tables->variables);
	for (int i = 0; i < TABLES; i++) {
		if (tables->fd[i] >= 0)
			close(tables->fd[i]);
	}
}

/* ---- rows ---- */

/* False if there is no flow. Counters move all the time, and need not be of one moment. */
static bool read_slot(const struct flow_slot *slot, struct flow_slot *copy)
{
	for (int i = 0; i < EDITION_TRIES; i++) {
		uint32_t seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);

		if (!(seq & 1))
			return false;
		memcpy(copy, slot, sizeof(*copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (seq == __atomic_load_n(&slot->seq, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

int tables_each_flow(const struct tables *tables,
		     int (*each)(const struct flow_slot *slot, uint64_t since, void *data), void *data)
{
	const struct flow_slot *slot = tables->flows.memory;
	const uint64_t *begun = tables->begun.memory;
	struct flow_slot copy;
	int error = 0;

	for (uint32_t row = 0; row < tables->room[TABLE_FLOWS] && !error; row++) {
		if (read_slot(&slot[row], &copy))
			error = each(&copy, __atomic_load_n(&begun[row], __ATOMIC_RELAXED), data);
	}
	return error;
}

const struct limit *tables_limit(const struct tables *tables, uint32_t row)
{
	return row < tables->room[TABLE_LIMITS] ? (const struct limit *)tables->limits.memory + row : NULL;
}

unsigned int tables_count(const struct tables *tables, enum table which)
{
	uint64_t key = 0, next;
	unsigned int count = 0;
	bool begun = false;

	while (count < tables->room[which] && !bpf_map_get_next_key(tables->fd[which], begun ? &key : NULL, &next)) {
		key = next;
		begun = true;
		count++;
	}
	return count;
}
