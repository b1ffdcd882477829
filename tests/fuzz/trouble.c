/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be wrong with the tables and the machine. */
#include <arpa/inet.h>
#include <string.h>

#include "cook.h"

static struct hop *hop_current(struct meal *meal, int w)
{
	struct hop_entry *row = &meal->world->hop[w];

	return &row->slot[row->current & 1];
}

/* The one that the packet leaves by, as a rule. */
static int last_hop(const struct meal *meal, uint16_t value)
{
	return meal->way == WAY_OTHER && !(value & 0x8000);
}

/* What the packet has, and a little more or less. */
static uint16_t mtu_near(const struct meal *meal, uint16_t value)
{
	uint32_t data = meal->r.length[1];
	bool v6 = meal->r.families & (meal->way == WAY_OTHER ? 4 : 2);

	if (value & 0x4000)
		return value & 0xff;
	return (v6 ? 48 : 28) + data + (meal->way == WAY_PEER ? 0 : 4) + (value & 3) - 1;
}

static void key_flip(struct entry *entry, uint16_t bit)
{
	uint8_t *key = (uint8_t *)&entry->key;
	/* Not the last two bytes, which are always the same. */
	unsigned int bits = 8 * (entry->v6 ? sizeof(struct flow_key6) - 2 : sizeof(struct flow_key) - 2);
	unsigned int channel = bits - 16;

	bit %= bits;
	/* A flow of either kind stays one: no number, or one of the range. */
	if (bit >= channel && !(key[channel / 8] | key[channel / 8 + 1]))
		bit = 0;
	else if (bit == channel + 6 || bit == channel + 7)
		bit = channel;
	key[bit / 8] ^= 1 << bit % 8;
}

static void trouble_flow(struct meal *meal, enum trouble kind, uint16_t value)
{
	struct entry *entry = &meal->world->flow[value >> 15 && meal->world->flow[1].used];

	switch (kind) {
	case FLOW_ABSENT:
		entry->used = false;
		break;
	case FLOW_ENDED:
		entry->ended = true;
		break;
	case FLOW_KEY:
		key_flip(entry, value & 0x1ff);
		break;
	case FLOW_NOT_TO_CLIENT:
		meal->world->flow[1].flow.channel = 0;
		break;
	case FLOW_TTL:
		entry->flow.ttl = value & 3;
		break;
	default:
		break;
	}
}

static void trouble_hop(struct meal *meal, enum trouble kind, uint16_t value)
{
	int w = last_hop(meal, value);
	struct hop *hop = hop_current(meal, w);

	switch (kind) {
	case HOP_ABSENT:
		hop->ifindex = 0;
		break;
	case HOP_OUTSIDE:
		meal->world->flow[w].flow.hop = value & 1 ? HOPS : 0xffffffff;
		break;
	case HOP_FLAGS:
		hop->flags = value;
		break;
	case HOP_IFINDEX:
		hop->ifindex = value & 0xf;
		break;
	case HOP_MTU:
		hop->mtu = mtu_near(meal, value);
		break;
	case HOP_TTL:
		hop->ttl = value & 3;
		break;
	default:
		break;
	}
}

static void trouble_port(struct meal *meal, enum trouble kind, uint16_t value)
{
	struct world *world = meal->world;

	switch (kind) {
	case NO_DEVICE:
		world->device[value % DEVICES] = 0;
		break;
	case PORT_ABSENT:
		world->ingress = 99 + (value & 31);
		break;
	case PORT_MAC:
		world->port[meal->r.port_row % ABI_ATTACHMENTS].mac[value % 6] ^= value >> 8;
		meal->to_mac = meal->mac + 24;
		break;
	case VLAN_ABSENT:
		world->vlan[0].used = false;
		break;
	case VLAN_MAC:
		world->vlan[0].vlan.mac[value % 6] ^= value >> 8;
		meal->to_mac = meal->mac + 30;
		break;
	case VLAN_ID:
		world->vlan[0].key.id[value >> 15] ^= 1 << value % 16;
		break;
	default:
		break;
	}
}

static void trouble_machine(struct meal *meal, enum trouble kind, uint16_t value)
{
	struct world *world = meal->world;

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

void trouble_world(struct meal *meal, uint8_t kind, uint16_t value)
{
	if (kind < TROUBLE_FIRST)
		return;
	kind = TROUBLE_FIRST + (kind - TROUBLE_FIRST) % (TROUBLES_END - TROUBLE_FIRST);
	trouble_flow(meal, kind, value);
	trouble_hop(meal, kind, value);
	trouble_port(meal, kind, value);
	trouble_machine(meal, kind, value);
}
