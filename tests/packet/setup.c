/* SPDX-License-Identifier: BSD-3-Clause */
#include "setup.h"

#include <arpa/inet.h>
#include <string.h>

#include "harness.h"

/* XDP keeps 40 bytes of the 256 before a frame for itself. */
#define HEADROOM (256 - 40)

static void hop_default(struct world_hop *entry, const uint8_t to[6])
{
	struct hop *hop = &entry->hop;

	entry->seq = 1;
	hop->ifindex = harness_lo;
	hop->mtu = 1500;
	hop->ttl = 61;
	hop->flags = HOP_REDIRECT | HOP_TRANSMIT | HOP_FRAGS;
	memcpy(hop->eth, to, 6);
	memcpy(hop->eth + 6, model_port_mac, 6);
}

/* What a row of the next hop table says of an address of this host. */
static void hop_local(struct world_hop *entry)
{
	struct hop *hop = &entry->hop;

	entry->seq = 1;
	memset(hop, 0, sizeof(*hop));
	hop->mtu = 65535;
	hop->ttl = 57;
	hop->flags = HOP_LOCAL;
}

static void flow_back(struct world *world)
{
	const struct path *path = &world->path;
	const struct path back = {path->way == WAY_PEER ? WAY_CLIENT : WAY_PEER, path->out, 0, path->in};
	struct flow_entry *entry = &world->flow[BACK];

	*entry = row_flow(&back, false);
	entry->flow.hop = BACK;
	entry->flow.owner = 9;
	hop_default(&world->hop[BACK], model_station_mac[WAY_CLIENT]);
}

void world_default(struct world *world, const struct path *path)
{
	memset(world, 0, sizeof(*world));
	world->path = *path;
	world->ingress = harness_lo;
	world->flow[FIRST] = row_flow(path, false);
	hop_default(&world->hop[FIRST], model_station_mac[path->way]);
	world->flow[SECOND].absent = world->flow[BACK].absent = world->flow[MORE].absent = true;
	if (path->way == WAY_OTHER) {
		world->flow[SECOND] = row_flow(path, true);
		hop_local(&world->hop[FIRST]);
		hop_default(&world->hop[SECOND], model_station_mac[path->way]);
	} else {
		flow_back(world);
	}
	for (int i = 0; i < FLOWS; i++)
		if (!world->flow[i].absent)
			world->deadline[world->flow[i].flow.owner] = harness_deadline();
	world->device[0] = harness_lo;
	world->device[1] = harness_other;
	world->headroom = HEADROOM;
	world->port[0].ifindex = harness_other;
	memset(world->port[0].mac, 0xdd, 6);
	world->port[1].ifindex = harness_lo;
	memcpy(world->port[1].mac, model_port_mac, 6);
	for (int i = 0; i < ABI_PORTS; i++) {
		world->port[i].device = world->port[i].ifindex;
		world->port[i].gate = gate_of_place(MODEL_EPOCH, 1u << i % ABI_ATTACHMENTS);
	}
	world->hairpin = gate_of_place(MODEL_EPOCH, GATE_HAIRPIN);
	memcpy(world->in.mac, model_port_mac, 6);
	memcpy(world->in.mac + 6, model_station_mac[(path->way + 1) % WAYS], 6);
}

void world_tag_in(struct world *world, uint16_t protocol, uint16_t tci)
{
	for (int i = 0; i < TAGS_MAX; i++) {
		if (world->in.tag[i].protocol)
			continue;
		world->in.tag[i] = (struct tag){protocol, tci};
		return;
	}
}

void world_tag_out(struct world *world, uint16_t protocol, uint16_t tci)
{
	struct hop *hop = world_last_hop(world);

	for (int i = 0; i < ABI_TAGS; i++) {
		if (hop->tag[i].protocol)
			continue;
		hop->tag[i] = (struct vlan_tag){htons(protocol), htons(tci)};
		return;
	}
}

void world_vlan(struct world *world, uint16_t outer, uint16_t inner)
{
	for (int i = 0; i < VLANS; i++) {
		struct vlan_entry *entry = &world->vlan[i];

		if (entry->key.ifindex)
			continue;
		entry->key.ifindex = world->ingress;
		entry->key.id[0] = outer;
		entry->key.id[1] = inner;
		memcpy(entry->vlan.mac, model_vlan_mac, 6);
		break;
	}
	memcpy(world->in.mac, model_vlan_mac, 6);
}
