/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/capability.h"

/* A table in shared memory. */
struct shared {
	void *memory;
	size_t size;
};

static struct map_set maps;
static struct shared flows, hops, begun, limits;
static struct flow_table flow_table = { .lock = PTHREAD_MUTEX_INITIALIZER };
static bool wants_bpf;

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
	flow_table_close(&flow_table);
	unshare_memory(&flows);
	unshare_memory(&hops);
	unshare_memory(&begun);
	unshare_memory(&limits);
	memset(&maps, 0, sizeof(maps));
}

/* Asks by taking away a VLAN that is not there: none is all zeros. */
static bool may_change(void)
{
	static const struct vlan_key none;

	return !bpf_map_delete_elem(bpf_map__fd(maps.vlans), &none) || errno != EPERM;
}

/* As the threads of a server are that has given up root. */
static bool may_change_without_bpf(void)
{
	bool may = !privilege_without_bpf(true) && may_change();

	privilege_without_bpf(false);
	return may;
}

int map_open(const struct map_set *set)
{
	int error;

	maps = *set;
	error = share(maps.flows, &flows);
	if (!error)
		error = share(maps.hops, &hops);
	if (!error)
		error = share(maps.begun, &begun);
	if (!error)
		error = share(maps.limits, &limits);
	if (!error)
		error = flow_table_open(&flow_table, flows.memory, maps.flow_rows, maps.flow_room,
					maps.flow_seed);
	if (error)
		map_close();
	else
		wants_bpf = !may_change_without_bpf();
	return error;
}

bool map_wants_bpf(void)
{
	return wants_bpf;
}

int map_vlan_put(const struct vlan_key *key, const struct vlan *vlan)
{
	int fd = bpf_map__fd(maps.vlans);

	return (vlan ? bpf_map_update_elem(fd, key, vlan, BPF_ANY) : bpf_map_delete_elem(fd, key)) ? -errno : 0;
}

int map_device_put(uint32_t ifindex)
{
	int fd = bpf_map__fd(maps.devices);
	uint32_t present;

	/* Replacing an entry would make redirects miss for a moment. */
	if (!bpf_map_lookup_elem(fd, &ifindex, &present))
		return 0;
	return bpf_map_update_elem(fd, &ifindex, &ifindex, BPF_ANY) ? -errno : 0;
}

void map_hop_put(uint32_t index, const struct hop *hop)
{
	static const struct hop nowhere;
	struct hop_row *row = (struct hop_row *)hops.memory + index;
	uint32_t next = !row->current;

	row->slot[next] = hop ? *hop : nowhere;
	__atomic_store_n(&row->current, next, __ATOMIC_RELEASE);
}

static uint64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int map_flow_put(int family, const union map_key *key, const struct flow *flow, uint32_t *row)
{
	int error = flow_table_reserve(&flow_table, family, key, row);

	if (error)
		return error;
	__atomic_store_n((uint64_t *)begun.memory + *row, boot_time(), __ATOMIC_RELAXED);
	flow_table_write(&flow_table, *row, flow);
	return 0;
}

void map_flow_replace(uint32_t row, const struct flow *flow)
{
	flow_table_write(&flow_table, row, flow);
}

void map_flow_end(uint32_t row)
{
	flow_table_end(&flow_table, row);
}

void map_flow_free(uint32_t row)
{
	flow_table_free(&flow_table, row);
}

void map_flow_read(uint32_t row, struct flow_count *count)
{
	const struct flow_slot *slot = &flow_table.slot[row];

	count->packets = __atomic_load_n(&slot->packets, __ATOMIC_RELAXED);
	count->data = __atomic_load_n(&slot->data, __ATOMIC_RELAXED);
	count->trimmed = __atomic_load_n(&slot->trimmed, __ATOMIC_RELAXED);
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

static void count(__u64 *counter, uint64_t more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

void map_total_count(uint64_t bytes_in, uint64_t bytes_out)
{
	if (!maps.state)
		return;
	count(&maps.state->bytes_in, bytes_in);
	count(&maps.state->bytes_out, bytes_out);
}

void map_overrun_count(void)
{
	if (maps.state)
		count(&maps.state->overruns, 1);
}

void map_refusal_count(unsigned int refusal)
{
	if (maps.state && refusal < STATE_REFUSALS)
		count(&maps.state->refused[refusal], 1);
}

void map_failure_count(int error)
{
	if (maps.state)
		count(error == -ENOSPC ? &maps.state->full : &maps.state->failed, 1);
}
