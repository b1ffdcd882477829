/* SPDX-License-Identifier: BSD-3-Clause */
/* The world: parties, flows, next hops, interfaces. The frame is frame.c's. */
#include "recipe.h"

#include <arpa/inet.h>
#include <string.h>

#include "cook.h"
#include "oracle.h"

#define INGRESS 7
#define NOW 1000000000000ull

/* --- chance that depends on the seed only ---------------------------------- */

uint8_t chance_byte(struct chance *chance)
{
	uint32_t x = chance->state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	chance->state = x;
	if (chance->extreme & 1)
		return x >> 24 & 1 ? 0xff : 0;
	if (chance->extreme & 2)
		return 0;
	return x >> 24;
}

void chance_fill(struct chance *chance, void *to, size_t length)
{
	uint8_t *byte = to;

	while (length--)
		*byte++ = chance_byte(chance);
}

static void parties_make(struct meal *meal)
{
	struct chance chance = {0x9e3779b9u ^ get_two(meal->r.address), 0};

	for (int i = 0; i < PARTIES; i++) {
		struct party *party = &meal->party[i];

		chance.extreme = meal->r.extreme >> i % 4 * 2;
		chance_fill(&chance, party->v4, 4);
		chance_fill(&chance, party->v6, 16);
		chance_fill(&chance, party->port, 2);
		/* Extreme ones must still differ. */
		party->v4[3] ^= i;
		party->v6[15] ^= i;
		party->port[1] ^= 0x10 + i;
	}
	chance.extreme = 0;
	chance_fill(&chance, meal->mac, sizeof(meal->mac));
}

/* --- flows ----------------------------------------------------------------- */

static uint16_t network(uint32_t residue)
{
	return htons(residue);
}

/* Of addresses and ports, as residue of 65535. */
static uint32_t sum_of(const struct party *one, const struct party *other, bool v6)
{
	return oracle_sum(v6 ? one->v6 : one->v4, v6 ? 16 : 4) + oracle_sum(v6 ? other->v6 : other->v4, v6 ? 16 : 4) +
	       oracle_sum(one->port, 2) + oracle_sum(other->port, 2);
}

static void key_make(struct entry *entry, const struct party *from, const struct party *to, bool v6,
		     uint16_t channel)
{
	entry->used = true;
	entry->v6 = v6;
	if (v6) {
		memcpy(entry->key.v6.saddr, from->v6, 16);
		memcpy(entry->key.v6.daddr, to->v6, 16);
		memcpy(&entry->key.v6.sport, from->port, 2);
		memcpy(&entry->key.v6.dport, to->port, 2);
		entry->key.v6.channel = htons(channel);
		entry->key.v6.family = FLOW_KEY_V6;
	} else {
		memcpy(&entry->key.v4.saddr, from->v4, 4);
		memcpy(&entry->key.v4.daddr, to->v4, 4);
		memcpy(&entry->key.v4.sport, from->port, 2);
		memcpy(&entry->key.v4.dport, to->port, 2);
		entry->key.v4.channel = htons(channel);
		entry->key.v4.family = FLOW_KEY_V4;
	}
}

/* Who sends to whom, and who to whom then. `which` picks the bytes of the recipe. */
struct leg {
	enum party_name from, at, by, to;
	bool in, out; /* IPv6 */
	uint16_t key, put;
	int which;
};

static void flow_make(struct meal *meal, struct entry *entry, const struct leg *leg)
{
	const struct recipe *r = &meal->r;
	const struct party *from = &meal->party[leg->from], *at = &meal->party[leg->at];
	const struct party *by = &meal->party[leg->by], *to = &meal->party[leg->to];
	struct flow *flow = &entry->flow;
	uint8_t header[20] = {0x45, [9] = 17};
	int w = leg->which;

	memset(entry, 0, sizeof(*entry));
	key_make(entry, from, at, leg->in, leg->key);
	memcpy(&flow->sport, by->port, 2);
	memcpy(&flow->dport, to->port, 2);
	flow->channel = htons(leg->put);
	flow->hop = w;
	flow->limit = w;
	entry->behind = (r->packets[1] >> 4 * w & 15) % 4;
	entry->near = r->near[w];
	entry->counts = (struct counts){ ((uint64_t)r->packets[0] << 12) + r->packets[1] + w, 0xfffffff0u + w, 0xfffffffcu };
	flow->owner = w ? r->owner[1] | 1 : r->owner[0] & ~1;
	flow->ttl = r->flow_ttl[w] ? r->flow_ttl[w] : 64;
	flow->ttl_from = (r->ttl_from >> 2 * w & 3) % 3;
	flow->tos_mask = ~r->tos_mask[w];
	flow->udp_delta = network((sum_of(by, to, leg->out) + 2 * 65535 - sum_of(from, at, leg->in) % 65535) % 65535);
	if (leg->out) {
		flow->flags = FLOW_V6;
		memcpy(flow->saddr.v6, by->v6, 16);
		memcpy(flow->daddr.v6, to->v6, 16);
		flow->label = htonl(0x60000000 | (w ? 0x4321 : 0) | get_two(r->flow_label[w]) << 4);
	} else {
		memcpy(&flow->saddr.v4, by->v4, 4);
		memcpy(&flow->daddr.v4, to->v4, 4);
		flow->frag_off = r->df >> w & 1 ? 0 : htons(0x4000);
		memcpy(header + 6, &flow->frag_off, 2);
		memcpy(header + 12, by->v4, 4);
		memcpy(header + 16, to->v4, 4);
		flow->ip_sum = network(oracle_sum(header, 20));
		flow->id_first = get_two(r->id_first[w]);
	}
	if (r->limited >> w & 1)
		flow->flags |= FLOW_LIMITED | (leg->in ? FLOW_LIMITED_V6 : 0);
}

static void flows_make(struct meal *meal)
{
	const struct recipe *r = &meal->r;
	struct world *world = meal->world;
	bool in = r->families & 1, out = r->families & 2, behind = r->families & 4;
	uint16_t number = 0x4000 | (get_two(r->channel) & 0x3fff);
	uint16_t other = 0x4000 | (get_two(r->other_channel) & 0x3fff);
	struct leg leg = {CLIENT, SERVER, RELAY, PEER, in, out, number, 0, 0};
	struct leg second = {RELAY, PEER, OTHER_SERVER, OTHER_CLIENT, out, behind, 0, other, 1};

	meal->number = number;
	if (meal->way == WAY_CLIENT)
		leg = (struct leg){PEER, RELAY, SERVER, CLIENT, in, out, 0, number, 0};
	flow_make(meal, &world->flow[0], &leg);
	if (meal->way == WAY_OTHER)
		flow_make(meal, &world->flow[1], &second);
	/* What is bound as well: a peer whose data looks like ChannelData, another number, the other family. */
	if (r->decoy & 1) {
		struct leg decoy = leg;

		decoy.key = leg.key ? 0 : number;
		decoy.put = leg.key ? other : 0;
		decoy.which = 1;
		flow_make(meal, &world->flow[2], &decoy);
	}
	if (r->decoy & 2) {
		struct leg decoy = leg;

		decoy.key = leg.key ? leg.key ^ 1 : 0;
		decoy.in = leg.key ? leg.in : !leg.in;
		decoy.which = 1;
		flow_make(meal, &world->flow[3], &decoy);
	}
}

/* Plenty, or about as much as the packet takes. */
static void limits_make(struct meal *meal)
{
	struct world *world = meal->world;

	for (int i = 0; i < LIMITS; i++) {
		for (int meter = 0; meter < LIMIT_METERS; meter++) {
			int64_t near = get_two(meal->r.length) + (meter + i) % 3 * 4 - (meal->r.limited >> 7);

			world->limit[i].left[meter] = meal->r.limited >> (2 + meter) & 1 ? near : 1000000 + i;
		}
		if (meal->r.limited >> 6 & 1)
			world->limit[i].left[LIMIT_CLIENT_WRITE] = -1 - i;
		world->limit[i].bps = 4000 + i;
	}
}

/* --- next hops, interfaces ------------------------------------------------- */

static void hop_make(struct meal *meal, int w)
{
	const struct recipe *r = &meal->r;
	struct hop_entry *row = &meal->world->hop[w];
	struct hop *hop;
	int tags = r->tags_out[w] % 3;

	row->current = r->current >> w & 1 ? 0x80000001u : r->current >> 4 & 2;
	/* What is not current would be noticed. */
	memset(row->slot, 0xee, sizeof(row->slot));
	hop = &row->slot[row->current & 1];
	memset(hop, 0, sizeof(*hop));
	hop->ifindex = INGRESS + (r->device >> 2 * w & 3) % 3;
	hop->mtu = r->mtu >> w & 1 ? 65535 : r->mtu >> (2 + w) & 1 ? 1280 + (r->mtu >> 4) * 29 : 1500;
	hop->ttl = r->hop_ttl[w] ? r->hop_ttl[w] : 64;
	hop->flags = (r->hop_flags >> 4 * w & 14) ^ 14;
	memcpy(hop->eth, meal->mac + 12 * w, 12);
	for (int i = 0; i < tags; i++) {
		hop->tag[i].protocol = htons(r->tags_out[w] >> (2 + i) & 1 ? 0x88a8 : 0x8100);
		memcpy(&hop->tag[i].tci, r->tci_out[w] + 2 * i, 2);
	}
}

static void ports_make(struct meal *meal)
{
	const struct recipe *r = &meal->r;
	struct world *world = meal->world;
	int at = r->port_row % ABI_ATTACHMENTS;

	for (int i = 0; i < ABI_ATTACHMENTS; i++) {
		struct attachment *port = &world->port[i];

		if (i > at && (r->port_row >> 4 & 1))
			continue; /* rows not in use */
		port->ifindex = i == at ? INGRESS : 100 + i;
		memset(port->mac, 0xa0 + i, 6);
		port->generic = r->generic & 1;
	}
	memcpy(world->port[at].mac, meal->mac + 24, 6);
	meal->to_mac = world->port[at].mac;
}

/* The VLAN that the frame's tags name is there, and another one. */
static void vlans_make(struct meal *meal)
{
	struct vlan_entry *entry = &meal->world->vlan[0];
	int ids = 0;

	entry->key.ifindex = INGRESS;
	for (int i = 0; i < meal->tags; i++) {
		uint16_t id = meal->tag[i].tci & 0x0fff;

		if (id && ids < ABI_TAGS)
			entry->key.id[ids++] = id | (meal->tag[i].protocol == 0x88a8 ? VLAN_8021AD : 0);
	}
	entry[1] = entry[0];
	entry[1].used = true;
	entry[1].key.id[0] ^= VLAN_8021AD;
	memcpy(entry[1].vlan.mac, meal->mac, 6);
	if (!ids)
		return;
	entry->used = true;
	memcpy(entry->vlan.mac, meal->mac + 30, 6);
	meal->to_mac = entry->vlan.mac;
}

static void tags_make(struct meal *meal)
{
	const struct recipe *r = &meal->r;

	meal->tags = r->tags_in % 4;
	if (meal->tags == 3 && r->tags_in < 0x80)
		meal->tags = 1; /* three are one too many */
	for (int i = 0; i < meal->tags; i++) {
		meal->tag[i].protocol = r->tags_in >> (2 + i) & 1 ? 0x88a8 : 0x8100;
		meal->tag[i].tci = i < 2 ? get_two(r->tci_in + 2 * i) : 5;
	}
}

static void machine_make(struct meal *meal)
{
	const struct recipe *r = &meal->r;
	struct world *world = meal->world;

	world->now = NOW;
	for (int i = 0; i < ABI_OWNERS; i++)
		world->deadline[i] = NOW + 1 + (uint64_t)i * 1000000;
	world->cpu = r->cpu % CPUS;
	world->frags = r->kernel & 1;
	world->coarse_clock = !(r->kernel & 2);
	world->weak_order = r->kernel >> 3 & 1;
	world->sum_folded = r->kernel >> 2 & 1;
	world->ingress = INGRESS;
	world->metadata = r->metadata % 9 * 4;
	world->headroom = 192 + (r->headroom & 63) + world->metadata;
	for (int i = 0; i < DEVICES; i++)
		world->device[i] = INGRESS + i;
}

void recipe_cook(const uint8_t *input, size_t length, struct world *world, struct frame *frame)
{
	struct meal meal = {.world = world, .frame = frame};

	memset(world, 0, sizeof(*world));
	if (length > sizeof(meal.r)) {
		meal.fill = input + sizeof(meal.r);
		meal.fill_length = length - sizeof(meal.r);
		length = sizeof(meal.r);
	}
	memcpy(&meal.r, input, length);
	meal.way = meal.r.way % WAYS;
	parties_make(&meal);
	flows_make(&meal);
	limits_make(&meal);
	hop_make(&meal, 0);
	hop_make(&meal, 1);
	if (meal.way == WAY_OTHER) {
		/* To this host, by loopback. */
		struct hop_entry *row = &world->hop[0];

		row->slot[row->current & 1].flags |= HOP_LOCAL;
		if (meal.r.device & 0x80)
			row->slot[row->current & 1].ifindex = 0;
	}
	ports_make(&meal);
	tags_make(&meal);
	vlans_make(&meal);
	machine_make(&meal);
	for (int i = 0; i < RECIPE_TROUBLES; i++)
		trouble_world(&meal, meal.r.trouble[i].kind, get_two(meal.r.trouble[i].value));
	frame_cook(&meal);
}
