/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be wrong with the tables and the machine. */
#include <arpa/inet.h>
#include <string.h>

#include "scenario.h"

/* The one that the packet leaves by, as a rule. */
static int last_hop(const struct scenario *scenario, uint16_t value)
{
	return scenario->world->path.way == WAY_OTHER && !(value & 0x8000);
}

/* What the packet has, and a little more or less. */
static uint16_t mtu_near(const struct scenario *scenario, uint16_t value)
{
	uint32_t data = scenario->r.length[1];
	bool v6 = scenario->world->path.out == 6;

	if (value & 0x4000)
		return value & 0xff;
	return (v6 ? 48 : 28) + data + (scenario->world->path.way == WAY_PEER ? 0 : 4) + (value & 3) - 1;
}

static void key_flip(struct flow_entry *entry, uint16_t bit)
{
	uint8_t *key = (uint8_t *)&entry->key;
	/* Not the last two bytes, which are always the same. */
	unsigned int bits = 8 * (entry->family == 6 ? sizeof(struct flow_key6) - 2 : sizeof(struct flow_key) - 2);
	unsigned int channel = bits - 16;

	bit %= bits;
	/* A flow of either kind stays one: no number, or one of the range. */
	if (bit >= channel && !(key[channel / 8] | key[channel / 8 + 1]))
		bit = 0;
	else if (bit == channel + 6 || bit == channel + 7)
		bit = channel;
	key[bit / 8] ^= 1 << bit % 8;
}

static void trouble_flow(struct scenario *scenario, enum trouble kind, uint16_t value)
{
	struct flow_entry *entry = &scenario->world->flow[value >> 15 && !scenario->world->flow[SECOND].absent];

	switch (kind) {
	case FLOW_ABSENT:
		entry->absent = true;
		break;
	case FLOW_ENDED:
		entry->ended = true;
		break;
	case FLOW_KEY:
		key_flip(entry, value & 0x1ff);
		break;
	case FLOW_NOT_TO_CLIENT:
		scenario->world->flow[1].flow.channel = 0;
		break;
	case FLOW_TTL:
		entry->flow.ttl = value & 3;
		break;
	default:
		break;
	}
}

static void trouble_hop(struct scenario *scenario, enum trouble kind, uint16_t value)
{
	int w = last_hop(scenario, value);
	struct hop *hop = world_hop(scenario->world, w);

	switch (kind) {
	case HOP_ABSENT:
		scenario->world->hop[w].seq++;
		break;
	case HOP_OUTSIDE:
		scenario->world->flow[w].flow.hop = value & 1 ? HOPS : 0xffffffff;
		break;
	case HOP_FLAGS:
		hop->flags = value;
		break;
	case HOP_IFINDEX:
		hop->ifindex = value & 0xf;
		break;
	case HOP_MTU:
		hop->mtu = mtu_near(scenario, value);
		break;
	case HOP_TTL:
		hop->ttl = value & 3;
		break;
	default:
		break;
	}
}

static void trouble_port(struct scenario *scenario, enum trouble kind, uint16_t value)
{
	struct world *world = scenario->world;

	switch (kind) {
	case NO_DEVICE:
		world->device[value % DEVICES] = 0;
		break;
	case PORT_ABSENT:
		world->ingress = 99 + (value & 31);
		break;
	case PORT_MAC:
		world->port[scenario->r.port_row % ABI_PORTS].mac[value % 6] ^= value >> 8;
		break;
	case VLAN_ABSENT:
		world->vlan[0].key.ifindex = 0;
		break;
	case VLAN_MAC:
		world->vlan[0].vlan.mac[value % 6] ^= value >> 8;
		break;
	case VLAN_ID:
		world->vlan[0].key.id[value >> 15] ^= 1 << value % 16;
		break;
	default:
		break;
	}
}

static void trouble_machine(struct scenario *scenario, enum trouble kind, uint16_t value)
{
	struct world *world = scenario->world;

	switch (kind) {
	case DEADLINE:
		for (int i = 0; i < FLOWS; i++)
			if (value >> i & 1)
				world->deadline[world->flow[i].flow.owner] =
					world->now + (value >> 8) % 3 - 1;
		break;
	case HEADROOM:
		world->headroom = world->metadata + (value & 63);
		break;
	case TAIL_FAILS:
		/*
		 * Metadata moves with the frame's start, over its first bytes, so that no
		 * way leads back then. Linux never refuses to shorten a frame.
		 */
		world->tail_fails = !world->metadata;
		break;
	default:
		break;
	}
}

void trouble_world(struct scenario *scenario, uint8_t kind, uint16_t value)
{
	if (kind < TROUBLE_FIRST)
		return;
	kind = TROUBLE_FIRST + (kind - TROUBLE_FIRST) % (TROUBLES_END - TROUBLE_FIRST);
	trouble_flow(scenario, kind, value);
	trouble_hop(scenario, kind, value);
	trouble_port(scenario, kind, value);
	trouble_machine(scenario, kind, value);
}
