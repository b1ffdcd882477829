/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <arpa/inet.h>
#include <string.h>

#define DONT_FRAGMENT 0x4000
#define PROTOCOL_UDP 17

/* What addresses and ports add to a UDP checksum. */
static uint16_t leg_sum(const struct leg *leg)
{
	size_t length = leg->source.family == 6 ? 16 : 4;
	uint16_t sum = sum_add(leg->source.port, leg->dest.port);

	return sum_words(leg->source.byte, length, sum_words(leg->dest.byte, length, sum));
}

static void key_put(struct flow_entry *entry, const struct leg *in)
{
	entry->family = in->source.family;
	if (entry->family == 6) {
		memcpy(entry->key.v6.saddr, in->source.byte, 16);
		memcpy(entry->key.v6.daddr, in->dest.byte, 16);
		entry->key.v6.sport = htons(in->source.port);
		entry->key.v6.dport = htons(in->dest.port);
		entry->key.v6.family = FLOW_KEY_V6;
	} else {
		memcpy(&entry->key.v4.saddr, in->source.byte, 4);
		memcpy(&entry->key.v4.daddr, in->dest.byte, 4);
		entry->key.v4.sport = htons(in->source.port);
		entry->key.v4.dport = htons(in->dest.port);
		entry->key.v4.family = FLOW_KEY_V4;
	}
}

void flow_set_number(struct flow_entry *entry, uint16_t number)
{
	if (entry->family == 6)
		entry->key.v6.channel = htons(number);
	else
		entry->key.v4.channel = htons(number);
}

uint32_t gate_of(uint32_t epoch, uint32_t places)
{
	return epoch << GATE_EPOCH_SHIFT | places;
}

struct gate gate_of_place(uint32_t epoch, uint32_t place)
{
	return (struct gate){gate_of(epoch, place), gate_of(GATE_EPOCH_MAX, place | GATE_ASK)};
}

uint32_t note_places(const struct flow_note *note)
{
	return note->seen | (note->seen_hairpin ? GATE_HAIRPIN : 0);
}

void note_places_put(struct flow_note *note, uint32_t places)
{
	note->seen = places & GATE_DEVICES;
	note->seen_hairpin = places & GATE_HAIRPIN ? 1 : 0;
}

void flow_set_ip_sum(struct flow *flow)
{
	uint8_t ip[20] = {[0] = 0x45, [9] = PROTOCOL_UDP};

	ip[6] = flow->flags & FLOW_DF ? DONT_FRAGMENT >> 8 : 0;
	memcpy(ip + 12, &flow->saddr, 4);
	memcpy(ip + 16, &flow->daddr, 4);
	flow->ip_sum = htons(sum_words(ip, sizeof(ip), 0));
}

void flow_make(struct flow_entry *entry, const struct leg *in, uint16_t number, const struct leg *out,
	       uint16_t number_out)
{
	struct flow *flow = &entry->flow;

	memset(entry, 0, sizeof(*entry));
	key_put(entry, in);
	flow_set_number(entry, number);
	flow->sport = htons(out->source.port);
	flow->dport = htons(out->dest.port);
	flow->channel = htons(number_out);
	flow->udp_delta = htons(sum_add(leg_sum(out), (uint16_t)~leg_sum(in)));
	memcpy(&flow->saddr, out->source.byte, 16);
	memcpy(&flow->daddr, out->dest.byte, 16);
	flow->ttl = 64;
	if (out->source.family == 6) {
		flow->flags = FLOW_V6;
		flow->label = htonl(6u << 28);
	} else {
		flow->flags = FLOW_DF;
		flow_set_ip_sum(flow);
	}
}

void flow_make_other(struct flow *flow)
{
	const struct flow old = *flow;

	flow->saddr = old.daddr;
	flow->daddr = old.saddr;
	flow->sport = old.dport;
	flow->dport = old.sport;
	flow->ttl = old.ttl ^ 0x15;
	flow->flags = old.flags ^ FLOW_TOS_ZERO;
	if (old.channel)
		flow->channel = old.channel ^ htons(1);
	if (old.flags & FLOW_V6) {
		flow->label = old.label ^ htonl(0xfffff);
	} else {
		flow->flags ^= FLOW_DF;
		flow_set_ip_sum(flow);
		flow->id_first = ~old.id_first;
	}
}

struct hop_entry world_hop_entry(const struct world_hop *hop, int which)
{
	struct hop_entry entry = {.seq = hop->seq, .egress = WORLD_EGRESS(which)};

	hop_entry_write(&entry, &hop->hop);
	return entry;
}

struct egress world_egress(const struct world_hop *hop)
{
	struct egress egress;

	egress_write(&egress, &hop->hop);
	return egress;
}

void hop_make_other(struct world_hop *entry, bool known)
{
	struct hop *hop = &entry->hop;

	if (entry->seq & 1)
		entry->seq++;
	if (!known)
		return;
	entry->seq++;
	for (size_t i = 0; i < sizeof(hop->eth); i++)
		hop->eth[i] ^= 0x10 + i;
	hop->ttl ^= 0x2a;
	for (int i = 0; i < ABI_TAGS; i++)
		hop->tag[i] = (struct vlan_tag){htons(0x8100), htons(0x123 + i)};
}

void flow_key_near(struct flow_entry *entry, unsigned int number)
{
	size_t bytes = entry->family == 6 ? offsetof(struct flow_key6, channel) : offsetof(struct flow_key, channel);
	size_t bit = (entry->near + number) % (8 * bytes);

	((uint8_t *)&entry->key)[bit / 8] ^= 1 << bit % 8;
}

int world_last(const struct world *world)
{
	return world->path.way == WAY_OTHER ? SECOND : FIRST;
}

struct hop *world_hop(struct world *world, int which)
{
	return &world->hop[which].hop;
}

struct hop *world_last_hop(struct world *world)
{
	return world_hop(world, world_last(world));
}
