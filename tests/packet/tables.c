/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "harness.h"
#include "turn.skel.h"

/* What stands in the tables. */
static struct {
	struct world world;
	bool installed;
} table;

void tables_forget(void)
{
	table.installed = false;
}

static void map_put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		fail_msg("%s: update: %s", bpf_map__name(map), strerror(errno));
}

static struct bpf_map *flow_table(struct turn_bpf *skel, const struct flow_entry *entry)
{
	return entry->family == 6 ? skel->maps.flows6 : skel->maps.flows;
}

static void flow_put(struct turn_bpf *skel, const struct flow_entry *entry)
{
	struct flow flow = entry->flow;

	if (entry->absent)
		return;
	if (!flow.key_mark)
		flow.key_mark = entry->family == 6 ? flow_key6_mark(&entry->key.v6) :
						     flow_key_mark(&entry->key.v4);
	if (entry->reused)
		flow.key_mark ^= 1;
	map_put(flow_table(skel, entry), &entry->key, &flow);
}

static void vlans_put(struct turn_bpf *skel, const struct world *world)
{
	struct bpf_map *map = skel->maps.vlans;

	for (int i = 0; i < WORLD_VLANS; i++)
		bpf_map_delete_elem(bpf_map__fd(map), &table.world.vlan[i].key);
	for (int i = 0; i < WORLD_VLANS; i++)
		if (world->vlan[i].key.ifindex)
			map_put(map, &world->vlan[i].key, &world->vlan[i].vlan);
}

static void devices_put(struct turn_bpf *skel, bool none)
{
	const uint32_t ifindex[2] = {harness_lo, harness_other};

	for (int i = 0; i < 2; i++) {
		if (none)
			bpf_map_delete_elem(bpf_map__fd(skel->maps.devices), &ifindex[i]);
		else
			map_put(skel->maps.devices, &ifindex[i], &ifindex[i]);
	}
}

/* The meters move with every packet. */
static void limits_put(struct turn_bpf *skel, const struct world *world)
{
	for (uint32_t i = FIRST; i <= SECOND; i++) {
		uint32_t usage = world->flow[i].flow.usage;

		if (world->flow[i].flow.flags & FLOW_LIMITED)
			map_put(skel->maps.limited, &usage, &i);
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
	if (table.installed && !memcmp(&table.world, world, sizeof(*world)))
		return;
	for (int i = 0; i < WORLD_FLOWS; i++)
		bpf_map_delete_elem(bpf_map__fd(flow_table(skel, &table.world.flow[i])),
				    &table.world.flow[i].key);
	memset(skel->bss->deadlines, 0, sizeof(skel->bss->deadlines));
	for (int i = 0; i < WORLD_FLOWS; i++) {
		uint32_t row = i == BACK ? 3 : i;

		flow_put(skel, &world->flow[i]);
		map_put(skel->maps.hops, &row, &world->hop[i]);
		if (!world->flow[i].absent)
			skel->bss->deadlines[world->flow[i].flow.owner] = world->deadline[i];
	}
	memcpy(skel->bss->ports, world->port, sizeof(world->port));
	vlans_put(skel, world);
	devices_put(skel, world->no_devices);
	table.world = *world;
	table.installed = true;
}
