/* SPDX-License-Identifier: BSD-3-Clause */
#include "map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "deputy.h"

/* A table in shared memory. */
struct shared {
	void *memory;
	size_t size;
};

static struct map_set maps;
static struct shared hops, usage_rows, limited, limits;

/* The kernel has the values of an array so far apart, or a multiple of it. */
#define STRIDE 8

static int share(const struct bpf_map *map, struct shared *shared)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t value = ((size_t)bpf_map__value_size(map) + STRIDE - 1) / STRIDE * STRIDE;
	size_t size = value * bpf_map__max_entries(map);
	void *memory;

	size = (size + page - 1) / page * page;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (memory == MAP_FAILED)
		return -errno;
	shared->memory = memory;
	shared->size = size;
	return 0;
}

static void unshare_memory(struct shared *shared)
{
	if (shared->memory)
		munmap(shared->memory, shared->size);
	shared->memory = NULL;
}

void map_close(void)
{
	deputy_stop();
	unshare_memory(&hops);
	unshare_memory(&usage_rows);
	unshare_memory(&limited);
	unshare_memory(&limits);
	memset(&maps, 0, sizeof(maps));
}

static int flows_of(int family)
{
	return bpf_map__fd(family == AF_INET6 ? maps.flows6 : maps.flows);
}

/* A change of a table. */
struct change {
	int fd;
	const void *key;
	const void *value; /* NULL: the element is deleted */
	uint64_t flags;
};

static int change_try(const void *what)
{
	const struct change *change = what;
	int failed = change->value ?
			     bpf_map_update_elem(change->fd, change->key, change->value, change->flags) :
			     bpf_map_delete_elem(change->fd, change->key);

	return failed ? -errno : 0;
}

/* By the deputy, if this thread may not. */
static int change_make(const struct change *change)
{
	int error = change_try(change);

	return error == -EPERM && deputy_present() ? deputy_do(change_try, change) : error;
}

/* Asks by taking away a flow that is not there: no key is all zeros. */
static bool may_change(void)
{
	static const union map_key none;

	return change_try(&(struct change){ flows_of(AF_INET), &none, NULL, 0 }) != -EPERM;
}

int map_open(const struct map_set *set)
{
	int error;

	maps = *set;
	error = share(maps.hops, &hops);
	if (!error)
		error = share(maps.usage, &usage_rows);
	if (!error)
		error = share(maps.limited, &limited);
	if (!error)
		error = share(maps.limits, &limits);
	if (!error)
		error = deputy_start(may_change);
	if (error)
		map_close();
	return error;
}

int map_flow_put(int family, const union map_key *key, const struct flow *flow)
{
	return change_make(&(struct change){ flows_of(family), key, flow, BPF_NOEXIST });
}

int map_flow_replace(int family, const union map_key *key, const struct flow *flow)
{
	return change_make(&(struct change){ flows_of(family), key, flow, BPF_EXIST });
}

int map_flow_delete(int family, const union map_key *key)
{
	return change_make(&(struct change){ flows_of(family), key, NULL, 0 });
}

int map_vlan_put(const struct vlan_key *key, const struct vlan *vlan)
{
	return change_make(&(struct change){ bpf_map__fd(maps.vlans), key, vlan, BPF_ANY });
}

int map_device_put(uint32_t ifindex)
{
	int fd = bpf_map__fd(maps.devices);
	uint32_t present;

	/* Replacing an entry would make redirects miss for a moment. */
	if (!bpf_map_lookup_elem(fd, &ifindex, &present))
		return 0;
	return change_make(&(struct change){ fd, &ifindex, &ifindex, BPF_ANY });
}

void map_hop_put(uint32_t index, const struct hop *hop)
{
	static const struct hop nowhere;
	struct hop_row *row = (struct hop_row *)hops.memory + index;
	uint32_t next = !row->current;

	row->slot[next] = hop ? *hop : nowhere;
	__atomic_store_n(&row->current, next, __ATOMIC_RELEASE);
}

void map_usage_read(uint32_t index, struct usage *usage)
{
	const struct usage_row *row = (const struct usage_row *)usage_rows.memory + index;

	memset(usage, 0, sizeof(*usage));
	for (unsigned int cpu = 0; cpu < maps.cpus; cpu++, row += maps.usage_rows) {
		usage->packets += __atomic_load_n(&row->packets, __ATOMIC_RELAXED);
		usage->bytes_in += __atomic_load_n(&row->bytes_in, __ATOMIC_RELAXED);
		usage->bytes_out += __atomic_load_n(&row->bytes_out, __ATOMIC_RELAXED);
	}
}

static uint64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void map_usage_begin(uint32_t index, struct usage *usage)
{
	struct usage_row *row = (struct usage_row *)usage_rows.memory + index;

	map_usage_read(index, usage);
	row += (size_t)maps.cpus * maps.usage_rows;
	__atomic_store_n(&row->packets, usage->packets, __ATOMIC_RELAXED);
	__atomic_store_n(&row->bytes_in, usage->bytes_in, __ATOMIC_RELAXED);
	__atomic_store_n(&row->bytes_out, usage->bytes_out, __ATOMIC_RELAXED);
	__atomic_store_n(&row->since, boot_time(), __ATOMIC_RELEASE);
}

void map_limited_put(uint32_t usage, uint32_t limit)
{
	__atomic_store_n((uint32_t *)((char *)limited.memory + (size_t)usage * STRIDE), limit, __ATOMIC_RELEASE);
}

struct limit *map_limit(uint32_t row)
{
	return (struct limit *)limits.memory + row;
}

void map_deadline_put(uint16_t owner, uint64_t nanoseconds)
{
	__atomic_store_n(&maps.deadlines[owner], nanoseconds, __ATOMIC_RELAXED);
}

/* ---- for onlookers ---- */

void map_state_begin(unsigned int channels, unsigned int mode)
{
	if (!maps.state)
		return;
	maps.state->pid = (uint32_t)getpid();
	maps.state->channels = channels;
	maps.state->mode = (uint8_t)mode;
	__atomic_store_n(&maps.state->started, boot_time(), __ATOMIC_RELEASE);
}

/* Odd editions are not for reading. */
static void turn_edition(void)
{
	__atomic_add_fetch(&maps.state->edition, 1, __ATOMIC_SEQ_CST);
}

void map_interface_put(unsigned int index, const struct state_interface *interface)
{
	struct state *state = maps.state;

	if (!state || index >= ABI_PORTS)
		return;
	if (index < state->interfaces && !memcmp(&state->interface[index], interface, sizeof(*interface)))
		return;
	turn_edition();
	state->interface[index] = *interface;
	if (state->interfaces <= index)
		state->interfaces = index + 1;
	turn_edition();
}

void map_barred_put(bool barred)
{
	if (maps.state)
		__atomic_store_n(&maps.state->barred, barred, __ATOMIC_RELAXED);
}

static void count(__u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

void map_overrun_count(void)
{
	if (maps.state)
		count(&maps.state->overruns);
}

void map_refusal_count(unsigned int refusal)
{
	if (maps.state && refusal < STATE_REFUSALS)
		count(&maps.state->refused[refusal]);
}

void map_failure_count(int error)
{
	if (maps.state)
		count(error == -ENOSPC ? &maps.state->full : &maps.state->failed);
}
