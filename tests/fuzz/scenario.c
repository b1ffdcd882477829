/* SPDX-License-Identifier: BSD-3-Clause */
/* The world: parties, flows, next hops, interfaces. The frame is packet.c's. */
#include "input.h"

#include <arpa/inet.h>
#include <string.h>

#include "scenario.h"

#define INGRESS 7 /* the device */
#define ALIAS 6   /* of it */
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

static void parties_make(struct scenario *scenario)
{
	struct chance chance = {0x9e3779b9u ^ get_two(scenario->r.address), 0};
	uint8_t port[2];

	for (int i = 0; i < PARTIES; i++) {
		struct transport_address *v4 = &scenario->party[i][0], *v6 = &scenario->party[i][1];

		chance.extreme = scenario->r.extreme >> i % 4 * 2;
		v4->family = 4;
		v6->family = 6;
		chance_fill(&chance, v4->byte, 4);
		chance_fill(&chance, v6->byte, 16);
		chance_fill(&chance, port, 2);
		/* Extreme ones must still differ. */
		v4->byte[3] ^= i;
		v6->byte[15] ^= i;
		v4->port = v6->port = get_two(port) ^ (0x10 + i);
	}
	chance.extreme = 0;
	chance_fill(&chance, scenario->mac, sizeof(scenario->mac));
}

/* --- flows ----------------------------------------------------------------- */

static struct leg leg_make(const struct scenario *scenario, enum party source, enum party dest, bool v6)
{
	return (struct leg){scenario->party[source][v6], scenario->party[dest][v6]};
}

/* How a packet comes in, and how it leaves. `which` picks the bytes of the input. */
struct route {
	enum party from, at, by, to;
	bool in, out; /* IPv6 */
	uint16_t key, put;
	int which;
};

static void before_make(const struct input *r, struct flow_entry *entry, int which)
{
	uint8_t bits = r->packets[1] >> 4 * which & 15;

	entry->behind = bits % 4;
	entry->before = bits & 8 ? BEFORE_ENDED : BEFORE_OTHERS;
	entry->near = r->near[which];
}

static const uint16_t ttl_rules[] = { 0, FLOW_TTL_ROUTE, FLOW_TTL_CONSTANT };

static void entry_make(struct scenario *scenario, struct flow_entry *entry, const struct route *route)
{
	struct leg in = leg_make(scenario, route->from, route->at, route->in);
	struct leg out = leg_make(scenario, route->by, route->to, route->out);
	const struct input *r = &scenario->r;
	struct flow *flow = &entry->flow;
	int w = route->which;

	flow_make(entry, &in, route->key, &out, route->put);
	before_make(r, entry, w);
	entry->counts = (struct counts){ ((uint64_t)r->packets[0] << 12) + r->packets[1] + w, 0xfffffff0u + w, 0xfffffffcu };
	flow->hop = w;
	entry->note.session = 1 + w;
	flow->owner = w ? r->owner[1] | 1 : r->owner[0] & ~1;
	flow->ttl = r->flow_ttl[w] ? r->flow_ttl[w] : 64;
	flow->flags |= ttl_rules[(r->ttl_from >> 2 * w & 3) % 3] | (r->tos_zero[w] & 1 ? FLOW_TOS_ZERO : 0);
	if (route->out) {
		flow->label = htonl(0x60000000 | (w ? 0x4321 : 0) | get_two(r->flow_label[w]) << 4);
	} else {
		flow->flags = (flow->flags & ~FLOW_DF) | (r->df >> w & 1 ? 0 : FLOW_DF);
		flow_set_ip_sum(flow);
		flow->id_first = get_two(r->id_first[w]);
	}
	if (r->limited >> w & 1)
		flow->flags |= FLOW_LIMITED | (route->in ? FLOW_LIMITED_V6 : 0);
}

static void flows_make(struct scenario *scenario)
{
	const struct input *r = &scenario->r;
	struct world *world = scenario->world;
	bool in = r->families & 1, out = r->families & 2, behind = r->families & 4;
	uint16_t number = 0x4000 | (get_two(r->channel) & 0x3fff);
	uint16_t other = 0x4000 | (get_two(r->other_channel) & 0x3fff);
	struct route route = {CLIENT, SERVER, RELAY, PEER, in, out, number, 0, 0};
	struct route second = {RELAY, PEER, OTHER_SERVER, OTHER_CLIENT, out, behind, 0, other, 1};

	scenario->number = number;
	if (world->path.way == WAY_CLIENT)
		route = (struct route){PEER, RELAY, SERVER, CLIENT, in, out, 0, number, 0};
	scenario->leg = leg_make(scenario, route.from, route.at, in);
	for (int i = 0; i < FLOWS; i++)
		world->flow[i].absent = true;
	entry_make(scenario, &world->flow[FIRST], &route);
	if (world->path.way == WAY_OTHER)
		entry_make(scenario, &world->flow[SECOND], &second);
	/* What is bound as well: a peer whose data looks like ChannelData, another number, the other family. */
	if (r->decoy & 1) {
		struct route decoy = route;

		decoy.key = route.key ? 0 : number;
		decoy.put = route.key ? other : 0;
		decoy.which = 1;
		entry_make(scenario, &world->flow[BACK], &decoy);
	}
	if (r->decoy & 2) {
		struct route decoy = route;

		decoy.key = route.key ? route.key ^ 1 : 0;
		decoy.in = route.key ? route.in : !route.in;
		decoy.which = 1;
		entry_make(scenario, &world->flow[MORE], &decoy);
	}
}

/* Plenty, or about as much as the packet takes. */
static void limits_make(struct scenario *scenario)
{
	struct world *world = scenario->world;

	for (int i = 0; i < LIMITS; i++) {
		for (int meter = 0; meter < LIMIT_METERS; meter++) {
			int64_t near = get_two(scenario->r.length) + (meter + i) % 3 * 4 - (scenario->r.limited >> 7);

			world->limit[i].left[meter] = scenario->r.limited >> (2 + meter) & 1 ? near : 1000000 + i;
		}
		if (scenario->r.limited >> 6 & 1)
			world->limit[i].left[LIMIT_CLIENT_WRITE] = -1 - i;
		world->limit[i].bps = 4000 + i;
	}
}

/* --- next hops, interfaces ------------------------------------------------- */

static void hop_make(struct scenario *scenario, int w)
{
	const struct input *r = &scenario->r;
	struct world_hop *entry = &scenario->world->hop[w];
	struct hop *hop = &entry->hop;
	int tags = r->tags_out[w] % 3;

	entry->seq = r->seq >> w & 1 ? 0xffffffffu : 1;
	memset(hop, 0, sizeof(*hop));
	hop->ifindex = INGRESS + (r->device >> 2 * w & 3) % 3;
	hop->mtu = r->mtu >> w & 1 ? 65535 : r->mtu >> (2 + w) & 1 ? 1280 + (r->mtu >> 4) * 29 : 1500;
	hop->ttl = r->hop_ttl[w] ? r->hop_ttl[w] : 64;
	hop->flags = (r->hop_flags >> 4 * w & 14) ^ 14;
	memcpy(hop->eth, scenario->mac + 12 * w, 12);
	for (int i = 0; i < tags; i++) {
		hop->tag[i].protocol = htons(r->tags_out[w] >> (2 + i) & 1 ? 0x88a8 : 0x8100);
		memcpy(&hop->tag[i].tci, r->tci_out[w] + 2 * i, 2);
	}
}

static void ports_make(struct scenario *scenario)
{
	const struct input *r = &scenario->r;
	struct world *world = scenario->world;
	int at = r->port_row % ABI_PORTS, beside = at ? at - 1 : 1;

	for (int i = 0; i < ABI_PORTS; i++) {
		struct attachment *port = &world->port[i];

		if (i > at && (r->port_row >> 7 & 1))
			continue; /* rows not in use */
		port->device = i == at || (i == beside && r->alias & 2) ? INGRESS : 100 + (uint32_t)i;
		port->ifindex = i == at && r->alias & 1 ? ALIAS : port->device;
		memset(port->mac, 0xa0 + i, 6);
		port->generic = r->generic & 1 ? GENERIC_SKB | (r->generic & 2 ? GENERIC_VERIFIED : 0) : 0;
	}
	memcpy(world->port[at].mac, scenario->mac + 24, 6);
	memcpy(world->in.mac, world->port[at].mac, 6);
	memcpy(world->in.mac + 6, scenario->mac + (r->id[0] & 1 ? 0 : 12), 6);
}

#define EPOCH 5

/* Where the packets of a flow come from: a device, this host itself, nowhere that is known now, or no entry. */
static uint32_t back_make(struct world *world, int index, unsigned int kind)
{
	struct hop *hop = world_hop(world, index);

	hop->ifindex = kind == 0 ? INGRESS + 1 : 0;
	hop->flags = kind == 1 ? HOP_LOCAL : 0;
	return kind == 3 ? HOPS : index;
}

/* A gate that is open to a place, to another one, of another epoch, or closed. */
static uint32_t gate_make(uint32_t place, unsigned int kind)
{
	switch (kind) {
	case 0:
		return gate_of(EPOCH, place);
	case 1:
		return gate_of(EPOCH, GATE_PLACES & ~place);
	case 2:
		return gate_of(EPOCH ^ 1, GATE_PLACES);
	default:
		return 0;
	}
}

/* The same, with or without GATE_ASK. */
static uint32_t gate_word(uint32_t place, unsigned int bits)
{
	return gate_make(place, bits & 3) | (bits >> 2 & 1 ? GATE_ASK : 0);
}

static void flow_gate_make(struct world *world, int which, uint32_t place, uint8_t bits)
{
	struct flow_entry *entry = &world->flow[which];

	if (entry->absent)
		return;
	entry->gate = gate_word(place, bits);
	entry->note.sample = bits >> 3 & 1;
	note_places_put(&entry->note, bits >> 4 & 1 ? GATE_PLACES & ~place : 0);
	entry->note.back = back_make(world, BACK + (which == SECOND), bits >> 5 & 3);
}

/* The place where the packets of a flow come from. */
static uint32_t place_of(const struct input *r, int which)
{
	return which == SECOND ? GATE_HAIRPIN : 1u << r->port_row % ABI_PORTS % ABI_ATTACHMENTS;
}

static void gates_make(struct scenario *scenario)
{
	const struct input *r = &scenario->r;
	struct world *world = scenario->world;

	if (!r->gates)
		return;
	for (int i = 0; i < ABI_PORTS; i++)
		world->port[i].gate = gate_of_place(EPOCH, 1u << i % ABI_ATTACHMENTS);
	world->hairpin = gate_of_place(EPOCH, GATE_HAIRPIN);
	for (int i = 0; i < FLOWS; i++)
		flow_gate_make(world, i, place_of(r, i), r->gate[i == SECOND]);
}

/* The VLAN that the frame's tags name is there, and another one. */
static void vlans_make(struct scenario *scenario)
{
	struct world *world = scenario->world;
	struct vlan_entry *entry = world->vlan;
	const struct tag *tag = world->in.tag;
	int ids = 0;

	entry->key.ifindex = INGRESS;
	for (int i = 0; i < TAGS_MAX && tag[i].protocol; i++) {
		uint16_t id = tag[i].tci & 0x0fff;

		if (id && ids < ABI_TAGS)
			entry->key.id[ids++] = id | (tag[i].protocol == 0x88a8 ? VLAN_8021AD : 0);
	}
	entry[1] = entry[0];
	entry[1].key.id[0] ^= VLAN_8021AD;
	memcpy(entry[1].vlan.mac, scenario->mac, 6);
	if (!ids) {
		entry->key.ifindex = 0;
		return;
	}
	memcpy(entry->vlan.mac, scenario->mac + 30, 6);
	memcpy(world->in.mac, entry->vlan.mac, 6);
}

static void tags_make(struct scenario *scenario)
{
	const struct input *r = &scenario->r;
	struct tag *tag = scenario->world->in.tag;
	int tags = r->tags_in % 4;

	if (tags == 3 && r->tags_in < 0x80)
		tags = 1; /* three are one too many */
	for (int i = 0; i < tags; i++) {
		tag[i].protocol = r->tags_in >> (2 + i) & 1 ? 0x88a8 : 0x8100;
		tag[i].tci = i < 2 ? get_two(r->tci_in + 2 * i) : 5;
	}
}

static void machine_make(struct scenario *scenario)
{
	const struct input *r = &scenario->r;
	struct world *world = scenario->world;

	world->now = NOW;
	for (int i = 0; i < ABI_OWNERS; i++)
		world->deadline[i] = NOW + 1 + (uint64_t)i * 1000000;
	world->cpu = r->cpu % CPUS;
	world->frags = r->kernel & 1;
	world->coarse_clock = !(r->kernel & 2);
	world->weak_order = r->kernel >> 3 & 1;
	world->sum_folded = r->kernel >> 2 & 1;
	world->ingress = r->alias & 1 ? ALIAS : INGRESS;
	world->can_move = world->frags || !(r->kernel & 16);
	world->metadata = r->metadata % 9 * 4;
	/* Of all bytes before a frame a kernel keeps 40 for itself. */
	world->headroom = (r->headroom & 0x80 ? r->headroom & 0x7f : 40 + 192 + (r->headroom & 63)) - 40 +
			  (int32_t)world->metadata;
	world->tailroom = r->tailroom % 41;
	for (int i = 0; i < DEVICES; i++)
		world->device[i] = INGRESS + i;
}

static void race_make(struct scenario *scenario, struct race *race)
{
	const uint8_t *r = scenario->r.race;
	struct flow_entry *entry;

	memset(race, 0, sizeof(*race));
	if (r[0] < 0x80)
		return;
	race->which = r[1] & 1 && !scenario->world->flow[SECOND].absent;
	race->after = *scenario->world;
	entry = &race->after.flow[race->which];
	if (entry->absent || entry->ended || entry->flow.hop >= HOPS)
		return;
	race->kind = 1 + r[0] % (RACES - 1);
	race->first = r[2] % 64;
	race->pace = r[3] % 16;
	race->backwards = r[1] & 2;
	race->moves = r[1] & 8;
	if (race->kind == RACE_HOP)
		hop_make_other(&race->after.hop[entry->flow.hop], r[1] & 4);
	else if (race->kind == RACE_GATE)
		entry->gate = gate_word(place_of(&scenario->r, race->which), r[1] >> 2);
	else if (race->kind == RACE_END)
		entry->ended = true;
	else
		flow_make_other(&entry->flow);
	if (race->kind == RACE_KEY && scenario->r.gates)
		entry->gate = gate_word(place_of(&scenario->r, race->which), r[1] >> 2);
	if (race->kind == RACE_KEY && entry->family == 6)
		entry->key.v6.dport ^= htons(0x101);
	else if (race->kind == RACE_KEY)
		entry->key.v4.dport ^= htons(0x101);
}

void build_scenario(const uint8_t *input, size_t length, struct world *world, struct frame *frame,
		    struct race *race)
{
	struct scenario scenario = {.world = world, .frame = frame};

	memset(world, 0, sizeof(*world));
	if (length > sizeof(scenario.r)) {
		scenario.fill = input + sizeof(scenario.r);
		scenario.fill_length = length - sizeof(scenario.r);
		length = sizeof(scenario.r);
	}
	memcpy(&scenario.r, input, length);
	world->path.way = scenario.r.way % WAYS;
	world->path.in = scenario.r.families & 1 ? 6 : 4;
	world->path.out = scenario.r.families & (world->path.way == WAY_OTHER ? 4 : 2) ? 6 : 4;
	world->path.middle = world->path.way == WAY_OTHER ? scenario.r.families & 2 ? 6 : 4 : 0;
	parties_make(&scenario);
	flows_make(&scenario);
	limits_make(&scenario);
	hop_make(&scenario, 0);
	hop_make(&scenario, 1);
	if (world->path.way == WAY_OTHER) {
		/* To this host, by loopback. */
		world_hop(world, FIRST)->flags |= HOP_LOCAL;
		if (scenario.r.device & 0x80)
			world_hop(world, FIRST)->ifindex = 0;
	}
	ports_make(&scenario);
	gates_make(&scenario);
	tags_make(&scenario);
	vlans_make(&scenario);
	machine_make(&scenario);
	for (int i = 0; i < INPUT_TROUBLES; i++)
		trouble_world(&scenario, scenario.r.trouble[i].kind, get_two(scenario.r.trouble[i].value));
	/* When data has moved, no way leads back. */
	world->tail_fails &= world->headroom >= 192;
	build_packet(&scenario);
	race_make(&scenario, race);
}
