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
	struct flow_slot *slots; /* the table of flows */
	struct flow_note *notes;
	struct hop_entry *hops;
	uint64_t seed[FLOW_SEEDS];
	struct flow_table flows;
	uint32_t row[FLOWS];
} table = {.flows = {.lock = PTHREAD_MUTEX_INITIALIZER}};

int tables_open(struct turn_bpf *skel)
{
	table.installed = false;
	table.slots = mmap(NULL, TABLES_ROWS * sizeof(struct flow_slot), PROT_READ | PROT_WRITE, MAP_SHARED,
			   bpf_map__fd(skel->maps.flows), 0);
	memset(&table.world, 0, sizeof(table.world));
	memcpy(table.seed, (const void *)skel->rodata->flow_seed, sizeof(table.seed));
	table.hops = mmap(NULL, HOPS * sizeof(struct hop_entry), PROT_READ | PROT_WRITE, MAP_SHARED,
			  bpf_map__fd(skel->maps.hops), 0);
	table.notes = mmap(NULL, TABLES_ROWS * sizeof(struct flow_note), PROT_READ | PROT_WRITE, MAP_SHARED,
			   bpf_map__fd(skel->maps.notes), 0);
	return table.slots == MAP_FAILED || table.hops == MAP_FAILED || table.notes == MAP_FAILED ? -errno : 0;
}

void tables_close(void)
{
	flow_table_close(&table.flows);
	if (table.slots && table.slots != MAP_FAILED)
		munmap(table.slots, TABLES_ROWS * sizeof(struct flow_slot));
	if (table.hops && table.hops != MAP_FAILED)
		munmap(table.hops, HOPS * sizeof(struct hop_entry));
	if (table.notes && table.notes != MAP_FAILED)
		munmap(table.notes, TABLES_ROWS * sizeof(struct flow_note));
	table.slots = NULL;
	table.notes = NULL;
	table.hops = NULL;
}

const struct flow_slot *tables_slots(void)
{
	return table.slots;
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

struct flow_slot *tables_slot(int flow)
{
	return &table.slots[table.row[flow]];
}

struct hop_entry *tables_hop(int hop)
{
	return &table.hops[hop];
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
static void rows_end(const struct flow_entry *entry, const struct flow_slot *from)
{
	uint64_t hash = hash_of(entry);

	for (uint32_t probe = 1; probe <= entry->behind; probe++) {
		struct flow_slot *slot = &table.slots[flow_slot_index(hash, TABLES_ROWS)];
		uint32_t passed = slot->passed;

		*slot = *from;
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
	table.slots[table.row[which]].gate = entry->gate;
	flow_table_write(&table.flows, table.row[which], &entry->flow);
	if (entry->before == BEFORE_ENDED)
		rows_end(entry, &table.slots[table.row[which]]);
	if (entry->ended)
		flow_table_end(&table.flows, table.row[which]);
	if (entry->lost)
		table.slots[flow_slot_index(hash_of(entry), TABLES_ROWS)].passed = 0;
}

/* Rows need no rest here: nothing is on its way. */
static void flows_put(const struct world *world)
{
	flow_table_close(&table.flows);
	memset(table.slots, 0, TABLES_ROWS * sizeof(struct flow_slot));
	memset(table.notes, 0, TABLES_ROWS * sizeof(struct flow_note));
	if (flow_table_open(&table.flows, table.slots, TABLES_ROWS, FLOWS, table.seed))
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

void tables_put(struct turn_bpf *skel, const struct world *world)
{
	limits_put(skel, world);
	table.world.now = world->now;
	if (table.installed && !memcmp(&table.world, world, sizeof(*world)))
		return;
	flows_put(world);
	for (uint32_t i = 0; i < HOPS; i++)
		map_put(skel->maps.hops, &i, &world->hop[i]);
	memcpy(skel->bss->deadlines, world->deadline, sizeof(world->deadline));
	memcpy(skel->bss->attachments, world->port, sizeof(world->port));
	skel->bss->hairpin = world->hairpin;
	vlans_put(skel, world);
	devices_put(skel, world);
	table.world = *world;
	table.installed = true;
}
