/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "table/flow_table.h"
#include "harness.h"
#include "turn.skel.h"

/* What stands in the tables. */
static struct {
	struct world world;
	bool installed;
	struct flow_memory memory; /* of the table of flows */
	struct flow_note *notes;
	struct hop_entry *hops;
	struct egress *egresses;
	uint64_t seed[FLOW_SEEDS];
	struct flow_table flows;
	uint32_t row[FLOWS];
} table = {.flows = {.lock = PTHREAD_MUTEX_INITIALIZER}};

/* The table's memory, NULL with errno. */
static void *share(const struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unshare(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

int tables_open(struct turn_bpf *skel)
{
	table.installed = false;
	table.memory.slot = share(skel->maps.flows, TABLES_ROWS * sizeof(struct flow_slot));
	table.memory.words = share(skel->maps.words, TABLES_ROWS * sizeof(struct flow_words));
	table.memory.own6 = skel->data_own6->own6;
	memset(&table.world, 0, sizeof(table.world));
	memcpy(table.seed, (const void *)skel->rodata->flow_seed, sizeof(table.seed));
	table.hops = share(skel->maps.hops, HOPS * sizeof(struct hop_entry));
	table.egresses = skel->data_egress->egresses;
	table.notes = share(skel->maps.notes, TABLES_ROWS * sizeof(struct flow_note));
	return table.memory.slot && table.memory.words && table.hops && table.notes ? 0 : -errno;
}

void tables_close(void)
{
	flow_table_close(&table.flows);
	unshare(table.memory.slot, TABLES_ROWS * sizeof(struct flow_slot));
	unshare(table.memory.words, TABLES_ROWS * sizeof(struct flow_words));
	unshare(table.hops, HOPS * sizeof(struct hop_entry));
	unshare(table.notes, TABLES_ROWS * sizeof(struct flow_note));
	memset(&table.memory, 0, sizeof(table.memory));
	table.notes = NULL;
	table.hops = NULL;
}

const struct flow_slot *tables_slots(void)
{
	return table.memory.slot;
}

const struct flow_note *tables_notes(void)
{
	return table.notes;
}

int tables_row(int flow)
{
	return table.world.flow[flow].absent ? -1 : (int)table.row[flow];
}

void tables_flow_write(int flow, const struct flow *to)
{
	flow_table_write(&table.flows, table.row[flow], to);
}

struct flow_words *tables_words(int flow)
{
	return &table.memory.words[table.row[flow]];
}

struct flow_slot *tables_slot(int flow)
{
	return &table.memory.slot[table.row[flow]];
}

struct hop_entry *tables_hop(int hop)
{
	return &table.hops[hop];
}

struct egress *tables_egress(int hop)
{
	return &table.egresses[table.hops[hop].egress];
}

void tables_forget(void)
{
	table.installed = false;
}

static void map_put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		fail_msg("%s: update: %s", bpf_map__name(map), strerror(errno));
}

static uint64_t hash_of(const struct flow_entry *entry)
{
	return entry->family == 6 ? flow_hash6((__u64 *)table.seed, &entry->key.v6) :
				    flow_hash((__u64 *)table.seed, &entry->key.v4);
}

/* Rows where the flow may stand are left out as if others stood there. */
static void rows_take(const struct flow_entry *entry, uint32_t mark)
{
	uint64_t hash = hash_of(entry);

	for (uint32_t probe = 1; probe <= entry->behind; probe++) {
		table.flows.freed[flow_slot_index(hash, TABLES_ROWS)] = mark;
		hash = flow_step(hash, probe, flow_stride(TABLES_ROWS));
	}
}

/* The same in the rows before, but it has ended there. */
static void rows_end(const struct flow_entry *entry, uint32_t from)
{
	uint64_t hash = hash_of(entry);

	for (uint32_t probe = 1; probe <= entry->behind; probe++) {
		uint32_t row = flow_slot_index(hash, TABLES_ROWS);
		struct flow_slot *slot = &table.memory.slot[row];
		uint32_t passed = slot->passed;

		*slot = table.memory.slot[from];
		table.memory.words[row] = table.memory.words[from];
		slot->passed = passed;
		slot->seq++;
		hash = flow_step(hash, probe, flow_stride(TABLES_ROWS));
	}
}

static void flow_put(int which, const struct flow_entry *entry)
{
	int family = entry->family == 6 ? AF_INET6 : AF_INET;
	union flow_any_key key = {{0}};
	int error;

	if (entry->absent)
		return;
	if (entry->family == 6)
		key.v6 = entry->key.v6;
	else
		key.v4 = entry->key.v4;
	rows_take(entry, UINT32_MAX);
	error = flow_table_reserve(&table.flows, family, &key, &table.row[which]);
	if (error)
		fail_msg("flow %d: %s", which, strerror(-error));
	rows_take(entry, 0);
	table.notes[table.row[which]] = entry->note;
	error = flow_table_write(&table.flows, table.row[which], &entry->flow);
	if (error)
		fail_msg("flow %d: %s", which, strerror(-error));
	table.memory.slot[table.row[which]].gate = entry->gate;
	if (entry->before == BEFORE_ENDED)
		rows_end(entry, table.row[which]);
	if (entry->ended)
		flow_table_end(&table.flows, table.row[which]);
	if (entry->lost)
		table.memory.slot[flow_slot_index(hash_of(entry), TABLES_ROWS)].passed = 0;
}

/* Rows need no rest here: nothing is on its way. */
static void flows_put(const struct world *world)
{
	flow_table_close(&table.flows);
	memset(table.memory.slot, 0, TABLES_ROWS * sizeof(struct flow_slot));
	memset(table.memory.words, 0, TABLES_ROWS * sizeof(struct flow_words));
	memset(table.notes, 0, TABLES_ROWS * sizeof(struct flow_note));
	if (flow_table_open(&table.flows, &table.memory, TABLES_ROWS, FLOWS, table.seed))
		fail_msg("no memory");
	for (int i = 0; i < FLOWS; i++)
		flow_put(i, &world->flow[i]);
}

static void vlans_put(struct turn_bpf *skel, const struct world *world)
{
	struct bpf_map *map = skel->maps.vlans;

	for (int i = 0; i < VLANS; i++)
		bpf_map_delete_elem(bpf_map__fd(map), &table.world.vlan[i].key);
	for (int i = 0; i < VLANS; i++)
		if (world->vlan[i].key.ifindex)
			map_put(map, &world->vlan[i].key, &world->vlan[i].vlan);
}

static void devices_put(struct turn_bpf *skel, const struct world *world)
{
	struct bpf_map *map = skel->maps.devices;

	for (int i = 0; i < DEVICES; i++)
		if (table.world.device[i])
			bpf_map_delete_elem(bpf_map__fd(map), &table.world.device[i]);
	for (int i = 0; i < DEVICES; i++)
		if (world->device[i])
			map_put(map, &world->device[i], &world->device[i]);
}

/* The meters move with every packet. */
static void limits_put(struct turn_bpf *skel, const struct world *world)
{
	for (uint32_t i = FIRST; i <= SECOND; i++) {
		map_put(skel->maps.limits, &i, &world->limit[i]);
	}
}

void tables_limits(struct turn_bpf *skel, struct limit limit[2])
{
	for (uint32_t i = FIRST; i <= SECOND; i++)
		if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.limits), &i, &limit[i]))
			fail_msg("limits: lookup: %s", strerror(errno));
}

static void hops_put(const struct world *world)
{
	for (int i = 0; i < HOPS; i++) {
		table.hops[i] = world_hop_entry(&world->hop[i], i);
		*tables_egress(i) = world_egress(&world->hop[i]);
	}
}

void tables_put(struct turn_bpf *skel, const struct world *world)
{
	limits_put(skel, world);
	table.world.now = world->now;
	if (table.installed && !memcmp(&table.world, world, sizeof(*world)))
		return;
	flows_put(world);
	hops_put(world);
	memcpy(skel->bss->deadlines, world->deadline, sizeof(world->deadline));
	memcpy(skel->bss->attachments, world->port, sizeof(world->port));
	skel->bss->hairpin = world->hairpin;
	vlans_put(skel, world);
	devices_put(skel, world);
	table.world = *world;
	table.installed = true;
}
