/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/words.h"
#include "table/egress.h"
#include "table/gates.h"
#include "table/status.h"

/* A table that is mapped into this process. */
struct shared {
	void *memory;
	size_t size;
};

static struct maps maps;
static struct shared flows, words, hops, notes, limits;
static struct flow_table flow_table = { .lock = PTHREAD_MUTEX_INITIALIZER };
static bool wants_bpf;

/*
 * The kernel rounds the size of an array's value up to a multiple of 8 bytes, also in a mapping of
 * it (array_map_alloc in kernel/bpf/arraymap.c).
 */
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

void maps_close(void)
{
	flow_table_close(&flow_table);
	unshare_memory(&flows);
	unshare_memory(&words);
	unshare_memory(&hops);
	unshare_memory(&notes);
	unshare_memory(&limits);
	status_close();
	gates_close();
	memset(&maps, 0, sizeof(maps));
}

/*
 * Finds out whether this thread may change a table, by removing a VLAN that does not exist: no VLAN has
 * a key of zeros.
 */
static bool may_change(void)
{
	static const struct vlan_key none;

	return !bpf_map_delete_elem(bpf_map__fd(maps.vlans), &none) || errno != EPERM;
}

/* The same for a thread of a server that has given up root, and CAP_BPF with it. */
static bool may_change_without_bpf(void)
{
	bool may = !capability_without_bpf(true) && may_change();
	int error = capability_without_bpf(false);

	if (error)
		log_line(LOG_LEVEL_ERROR,
			 "CAP_BPF cannot be put into effect again: %s; VLANs and devices may be missing in the kernel's "
			 "tables, whose channels are then relayed in userspace; restart the server",
			 strerror(-error));
	return may;
}

static int open_flows(void)
{
	const struct flow_memory memory = { .slot = flows.memory, .words = words.memory, .own6 = maps.own6 };

	return flow_table_open(&flow_table, &memory, maps.flow_slots, maps.flow_room, maps.flow_seed);
}

int maps_open(const struct maps *set)
{
	int error;

	maps = *set;
	status_open(maps.status);
	gates_open(maps.attachments, maps.hairpin);
	egress_open(maps.egresses);
	error = share(maps.flows, &flows);
	if (!error)
		error = share(maps.words, &words);
	if (!error)
		error = share(maps.hops, &hops);
	if (!error)
		error = share(maps.notes, &notes);
	if (!error)
		error = share(maps.limits, &limits);
	if (!error)
		error = open_flows();
	if (error)
		maps_close();
	else
		wants_bpf = !may_change_without_bpf();
	return error;
}

bool maps_want_bpf(void)
{
	return wants_bpf;
}

int maps_vlan_put(const struct vlan_key *key, const struct vlan *vlan)
{
	int fd = bpf_map__fd(maps.vlans);

	return (vlan ? bpf_map_update_elem(fd, key, vlan, BPF_ANY) : bpf_map_delete_elem(fd, key)) ? -errno : 0;
}

int maps_device_put(uint32_t ifindex)
{
	int fd = bpf_map__fd(maps.devices);
	uint32_t present;

	/* An entry is not replaced, because redirects to the device would fail for a moment. */
	if (!bpf_map_lookup_elem(fd, &ifindex, &present))
		return 0;
	return bpf_map_update_elem(fd, &ifindex, &ifindex, BPF_ANY) ? -errno : 0;
}

void maps_session_put(uint32_t number, const struct session_entry *session)
{
	int fd = bpf_map__fd(maps.sessions);

	if (session)
		bpf_map_update_elem(fd, &number, session, BPF_ANY);
	else
		bpf_map_delete_elem(fd, &number);
}

static struct hop_entry *hop_entry_at(uint32_t index)
{
	return (struct hop_entry *)hops.memory + index;
}

static void hop_entry_end(struct hop_entry *entry)
{
	if (!(entry->seq & 1))
		return;
	__atomic_store_n(&entry->seq, entry->seq + 1, __ATOMIC_RELAXED);
	/* A reader that sees any later change of the entry or of its egress sees the sequence before it, too. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	egress_give(entry->egress);
}

/* Packets to such a next hop are relayed by coturn. */
static void log_no_egress(void)
{
	static bool told;

	if (!told)
		log_line(LOG_LEVEL_WARNING,
			 "channels leave this host by more than %u devices and VLANs, for which the XDP program has room: channels "
			 "over the others are relayed in userspace",
			 ABI_EGRESSES);
	told = true;
}

int maps_hop_put(uint32_t index, const struct hop *hop)
{
	struct hop_entry *entry = hop_entry_at(index), made = { 0 };
	uint16_t egress;
	int error = hop ? egress_take(hop, &egress) : 0;

	hop_entry_end(entry);
	if (!hop)
		return 0;
	/* The egress that the entry had may be free now. */
	if (error)
		error = egress_take(hop, &egress);
	if (error) {
		log_no_egress();
		return error;
	}
	made.egress = egress;
	hop_entry_write(&made, hop);
	words_put(&entry->seq + 1, &made.seq + 1, sizeof(made) - sizeof(made.seq));
	__atomic_store_n(&entry->seq, entry->seq + 1, __ATOMIC_RELEASE);
	return 0;
}

int maps_flow_put(int family, const union flow_any_key *key, const struct flow *flow, uint32_t *index)
{
	int error = flow_table_reserve(&flow_table, family, key, index);

	if (error)
		return error;
	*maps_note(*index) = (struct flow_note){ .begun = (uint32_t)(clock_boot_ns() / FLOW_BEGUN_NS) };
	maps_gate_put(*index, 0);
	error = flow_table_write(&flow_table, *index, flow);
	if (error) {
		flow_table_end(&flow_table, *index);
		flow_table_free(&flow_table, *index);
	}
	return error;
}

int maps_flow_replace(uint32_t index, const struct flow *flow)
{
	return flow_table_write(&flow_table, index, flow);
}

void maps_flow_end(uint32_t index)
{
	flow_table_end(&flow_table, index);
}

void maps_flow_free(uint32_t index)
{
	flow_table_free(&flow_table, index);
}

bool maps_flows_crowded(void)
{
	return __atomic_load_n(&flow_table.room, __ATOMIC_RELAXED) < maps.flow_room / 8;
}

void maps_flow_read(uint32_t index, struct flow_count *count)
{
	uint64_t usage = maps_flow_usage(index);
	uint32_t before = flow_table_halves(&count->total), now;

	flow_table_add(count->usage, usage, &count->total);
	count->usage = usage;
	now = flow_table_halves(&count->total);
	if (now != before)
		__atomic_store_n(&maps_note(index)->halves, now, __ATOMIC_RELAXED);
}

uint64_t maps_flow_usage(uint32_t index)
{
	return __atomic_load_n(&flow_table.memory.slot[index].usage, __ATOMIC_RELAXED);
}

uint32_t maps_flow_trimmed(uint32_t index)
{
	return __atomic_load_n(&maps_note(index)->trimmed, __ATOMIC_RELAXED);
}

void maps_flow_fetch(uint32_t index)
{
	__builtin_prefetch(&flow_table.memory.slot[index]);
}

void maps_note_fetch(uint32_t index)
{
	__builtin_prefetch(maps_note(index));
}

struct flow_note *maps_note(uint32_t index)
{
	return (struct flow_note *)notes.memory + index;
}

void maps_gate_put(uint32_t index, uint32_t gate)
{
	__atomic_store_n(&flow_table.memory.slot[index].gate, gate, __ATOMIC_RELEASE);
}

uint32_t maps_gate(uint32_t index)
{
	return __atomic_load_n(&flow_table.memory.slot[index].gate, __ATOMIC_RELAXED);
}

void maps_hop_facts(uint32_t index, struct hop_facts *facts)
{
	const struct hop_entry *entry = hop_entry_at(index);
	uint32_t seq = __atomic_load_n(&entry->seq, __ATOMIC_ACQUIRE);
	bool local = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED) & HOP_LOCAL;
	uint16_t egress = __atomic_load_n(&entry->egress, __ATOMIC_RELAXED);
	uint32_t ifindex = __atomic_load_n(&maps.egresses[egress].ifindex, __ATOMIC_RELAXED);
	bool known;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	known = seq & 1 && __atomic_load_n(&entry->seq, __ATOMIC_RELAXED) == seq;
	facts->local = known && local;
	facts->ifindex = known && !local ? ifindex : 0;
}

struct limit *maps_limit(uint32_t index)
{
	return (struct limit *)limits.memory + index;
}

void maps_deadline_put(uint16_t owner, uint64_t nanoseconds)
{
	__atomic_store_n(&maps.deadlines[owner], nanoseconds, __ATOMIC_RELAXED);
}
