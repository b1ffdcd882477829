/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <arpa/inet.h>
#include <string.h>

#include <linux/bpf.h>

#define ETHERNET 14
#define TAG 4
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_8021Q 0x8100
#define TYPE_8021AD 0x88a8
#define PROTOCOL_UDP 17
#define UDP 8
#define CHANNEL_DATA 4
#define DONT_FRAGMENT 0x4000

/* What the program adds up byte by byte at most, and how far into a frame. */
#define SUMMED_MAX 9216
#define SUMMED_FROM_MAX 0x3fff

/* One packet on its way. */
struct trip {
	const struct world *world;
	const struct frame *in;
	struct expectation *want;
	const struct attachment *port;
	bool v6;
	uint32_t ip, udp, payload, length; /* where it stands; bytes of UDP payload */
	uint32_t data, data_length;
	const struct flow *first, *flow; /* the flow that came, the flow that leaves */
	const struct flow_entry *entry;  /* of the first */
	const struct hop *hop;
	uint8_t tos, ttl;
};

static uint16_t get16(const uint8_t *byte)
{
	return (uint16_t)(byte[0] << 8 | byte[1]);
}

/* RFC 768 and RFC 8200, section 8.1, of the packet that comes in. */
static uint16_t pseudo_sum(const struct trip *t)
{
	const uint8_t *ip = t->in->byte + t->ip;
	uint16_t sum = sum_add(PROTOCOL_UDP, t->length + UDP);

	return t->v6 ? sum_words(ip + 8, 32, sum) : sum_words(ip + 12, 8, sum);
}

/* --- the frame that comes in ----------------------------------------------- */

static bool is_tag(uint16_t type)
{
	return type == TYPE_8021Q || type == TYPE_8021AD;
}

/* The address that a frame to this host has, NULL if it cannot be to this host. */
static const uint8_t *mac_wanted(const struct trip *t, const uint16_t id[ABI_TAGS])
{
	if (!t->port)
		return NULL;
	if (!id[0])
		return t->port->mac;
	for (int i = 0; i < VLANS; i++) {
		const struct vlan_entry *entry = &t->world->vlan[i];

		if (entry->key.ifindex == t->port->device &&
		    entry->key.id[0] == id[0] && entry->key.id[1] == id[1])
			return entry->vlan.mac;
	}
	return NULL;
}

static uint32_t read_ethernet(struct trip *t, uint16_t *type)
{
	const uint8_t *byte = t->in->byte, *mac;
	uint16_t id[ABI_TAGS] = {0};
	uint32_t causes = 0;
	int ids = 0;

	if (t->in->linear < ETHERNET)
		return CAUSE(NOT_IP);
	for (int i = 0; i < ABI_PORTS && t->world->port[i].ifindex && t->want->port < 0; i++)
		if (t->world->port[i].ifindex == t->world->ingress)
			t->want->port = i;
	if (t->want->port < 0) {
		causes |= CAUSE(NOT_OURS);
		t->want->stray = (struct stray){.ifindex = t->world->ingress, .count = 1};
	} else {
		t->port = &t->world->port[t->want->port];
	}
	*type = get16(byte + 12);
	t->ip = ETHERNET;
	for (int i = 0; i < ABI_TAGS && is_tag(*type); i++) {
		uint16_t number;

		if (t->in->linear < t->ip + TAG)
			return causes | CAUSE(TRUNCATED);
		number = get16(byte + t->ip) & 0x0fff;
		if (number)
			id[ids++] = number | (*type == TYPE_8021AD ? VLAN_8021AD : 0);
		*type = get16(byte + t->ip + 2);
		t->ip += TAG;
	}
	mac = mac_wanted(t, id);
	if (!mac || memcmp(mac, byte, 6) != 0)
		causes |= CAUSE(NOT_OURS);
	if (*type != TYPE_IPV4 && *type != TYPE_IPV6)
		causes |= CAUSE(NOT_IP);
	return causes;
}

/* *ip_payload: the bytes after the header, by its own word; -1 for less than none. */
static uint32_t read_ipv4(struct trip *t, int *ip_payload)
{
	const uint8_t *ip = t->in->byte + t->ip;
	uint32_t causes = 0;

	if (t->in->linear < t->ip + 20)
		return CAUSE(TRUNCATED);
	if (ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
		return CAUSE(NOT_IP);
	if ((ip[0] & 15) > 5)
		causes |= CAUSE(IP_OPTIONS);
	else if (sum_words(ip, 20, 0) != 0xffff)
		causes |= CAUSE(IP_CHECKSUM);
	if (ip[9] != PROTOCOL_UDP)
		causes |= CAUSE(NOT_UDP);
	if (get16(ip + 6) & 0x3fff)
		causes |= CAUSE(FRAGMENT);
	t->tos = ip[1];
	t->ttl = ip[8];
	t->udp = t->ip + 20;
	*ip_payload = get16(ip + 2) - 20;
	return causes;
}

static uint32_t read_ipv6(struct trip *t, int *ip_payload)
{
	const uint8_t *ip = t->in->byte + t->ip;

	if (t->in->linear < t->ip + 40)
		return CAUSE(TRUNCATED);
	if (ip[0] >> 4 != 6)
		return CAUSE(NOT_IP);
	t->v6 = true;
	t->tos = (ip[0] & 15) << 4 | ip[1] >> 4;
	t->ttl = ip[7];
	t->udp = t->ip + 40;
	*ip_payload = get16(ip + 4);
	switch (ip[6]) {
	case PROTOCOL_UDP:
		return 0;
	case 44:
		return CAUSE(FRAGMENT);
	case 0: /* hop-by-hop, routing, destination options, authentication */
	case 43:
	case 60:
	case 51:
		return CAUSE(IP_OPTIONS);
	case 50: /* others that IANA counts among the extension headers */
	case 135:
	case 139:
	case 140:
	case 253:
	case 254:
		return CAUSE(IP_OPTIONS) | CAUSE(NOT_UDP);
	default:
		return CAUSE(NOT_UDP);
	}
}

/* A program that is loaded for one buffer sees no other. */
static uint32_t frame_seen(const struct trip *t)
{
	return t->world->frags ? t->in->length : t->in->linear;
}

static uint32_t read_frame(struct trip *t)
{
	uint16_t type = 0;
	uint32_t causes = read_ethernet(t, &type);
	int ip_payload = 0, udp_length;

	if (causes)
		return causes;
	causes = type == TYPE_IPV4 ? read_ipv4(t, &ip_payload) : read_ipv6(t, &ip_payload);
	if (causes)
		return causes;
	if (t->in->linear < t->udp + UDP)
		return CAUSE(TRUNCATED);
	udp_length = get16(t->in->byte + t->udp + 4);
	if (ip_payload < UDP || udp_length != ip_payload || t->udp + udp_length > frame_seen(t))
		return CAUSE(TRUNCATED);
	t->payload = t->udp + UDP;
	t->length = udp_length - UDP;
	return 0;
}

/* --- flows ----------------------------------------------------------------- */

/* As the key stands in memory: addresses, ports, number. */
static bool key_is(const struct flow_entry *entry, bool v6, const uint8_t *addresses, const uint8_t *ports,
		   uint16_t channel)
{
	const uint8_t *key = (const uint8_t *)&entry->key;
	size_t size = v6 ? 32 : 8;

	return (entry->family == 6) == v6 && !memcmp(key, addresses, size) && !memcmp(key + size, ports, 4) &&
	       get16(key + size + 4) == channel;
}

static bool is_near(const struct flow_entry *entry, bool v6, const uint8_t *addresses, const uint8_t *ports,
		    uint16_t channel)
{
	struct flow_entry near = *entry;

	for (unsigned int i = 0; entry->before == BEFORE_OTHERS && i < entry->behind; i++) {
		near.key = entry->key;
		flow_key_near(&near, i);
		if (key_is(&near, v6, addresses, ports, channel))
			return true;
	}
	return false;
}

static const struct flow_entry *entry_find(struct trip *t, bool v6, const uint8_t *addresses, const uint8_t *ports,
					   uint16_t channel)
{
	const struct flow_entry *found = NULL;

	for (int i = 0; i < FLOWS; i++) {
		const struct flow_entry *entry = &t->world->flow[i];

		if (entry->absent)
			continue;
		t->want->unknown |= is_near(entry, v6, addresses, ports, channel);
		if (!found && !entry->ended && !entry->lost && key_is(entry, v6, addresses, ports, channel))
			found = entry;
	}
	return found;
}

static bool owner_alive(const struct trip *t, const struct flow *flow)
{
	return t->world->now < t->world->deadline[flow->owner];
}

/* The next hop of this index, unless it is not known. */
static const struct hop *hop_at(const struct trip *t, uint32_t index)
{
	const struct world_hop *entry;

	if (index >= HOPS)
		return NULL;
	entry = &t->world->hop[index];
	return entry->seq % 2 ? &entry->hop : NULL;
}

/* The places, GATE_ASK and the epoch must agree, as far as the mask of the place has them. */
static bool is_open(uint32_t gate, const struct gate *place)
{
	return (gate & place->mask) == (place->gate & place->mask);
}

/* What of its gate is against a packet that comes from a place. */
static uint32_t gate_causes(struct trip *t, const struct flow_entry *entry, const struct gate *place)
{
	struct noted *noted = &t->want->noted[entry - t->world->flow];
	uint32_t bit = place->mask & GATE_PLACES;
	const struct hop *back = hop_at(t, entry->note.back);
	bool asked = is_open(entry->gate & ~GATE_ASK, place);

	if (is_open(entry->gate, place))
		return 0;
	if (asked && !entry->note.sample)
		return back && (bool)(back->flags & HOP_LOCAL) == (bit == GATE_HAIRPIN) ? 0 : CAUSE(PROBATION);
	noted->seen = bit & ~note_places(&entry->note);
	noted->sampled = asked;
	return noted->sampled ? CAUSE(SAMPLE) : CAUSE(PROBATION);
}

static uint32_t flow_find(struct trip *t)
{
	const uint8_t *addresses = t->in->byte + t->ip + (t->v6 ? 8 : 12), *ports = t->in->byte + t->udp;
	const struct flow_entry *entry = NULL;

	if (t->length >= CHANNEL_DATA && t->in->linear >= t->payload + CHANNEL_DATA) {
		uint16_t number = get16(t->in->byte + t->payload);

		if (number >= 0x4000 && number <= 0x7fff)
			entry = entry_find(t, t->v6, addresses, ports, number);
	}
	if (!entry)
		entry = entry_find(t, t->v6, addresses, ports, 0);
	if (!entry)
		return CAUSE(NO_FLOW);
	t->first = t->flow = &entry->flow;
	t->entry = entry;
	return 0;
}

/* --- the way out ----------------------------------------------------------- */

/* The TTL after this flow; 0 cannot be sent. */
static uint8_t ttl_after(const struct flow *flow, const struct hop *hop, uint8_t ttl)
{
	if (flow->flags & FLOW_TTL_CONSTANT)
		return flow->ttl;
	if (flow->flags & FLOW_TTL_ROUTE)
		return ttl == 0 ? 0 : hop->ttl;
	if (ttl <= 1)
		return 0;
	return ttl - 1 > flow->ttl ? flow->ttl : ttl - 1;
}

static int entry_of(const struct trip *t, const struct flow *flow)
{
	int entry = 0;

	while (flow != &t->world->flow[entry].flow)
		entry++;
	return entry;
}

/* RFC 8656, section 12.5, and what coturn makes of lengths over UDP. */
static bool channel_data_ok(const struct trip *t)
{
	uint32_t padding;

	if (t->length < CHANNEL_DATA || t->data_length > t->length - CHANNEL_DATA)
		return false;
	padding = t->length - CHANNEL_DATA - t->data_length;
	return padding == 0 || t->length % 4 == 0 || (padding < 4 && t->data_length > 0);
}

static uint32_t one_hop(struct trip *t)
{
	uint32_t causes = 0;

	if (!owner_alive(t, t->flow))
		causes |= CAUSE(SERVER_SILENT);
	t->hop = hop_at(t, t->flow->hop);
	if (!t->hop)
		return causes | CAUSE(NO_NEXT_HOP);
	if (t->flow->flags & FLOW_TOS_ZERO)
		t->tos = 0;
	t->ttl = ttl_after(t->flow, t->hop, t->ttl);
	return t->ttl ? causes : causes | CAUSE(TTL);
}

/* What left by the first flow comes in again, from its relay address to its peer's. */
static uint32_t turn_round(struct trip *t, uint32_t first_gate)
{
	uint8_t ports[4];
	const struct flow_entry *entry;
	uint32_t causes;

	memcpy(ports, &t->first->sport, 2);
	memcpy(ports + 2, &t->first->dport, 2);
	if (t->first->flags & FLOW_V6) {
		uint8_t addresses[32];

		memcpy(addresses, t->first->saddr.v6, 16);
		memcpy(addresses + 16, t->first->daddr.v6, 16);
		entry = entry_find(t, true, addresses, ports, 0);
	} else {
		uint8_t addresses[8];

		memcpy(addresses, &t->first->saddr.v4, 4);
		memcpy(addresses + 4, &t->first->daddr.v4, 4);
		entry = entry_find(t, false, addresses, ports, 0);
	}
	if (!entry)
		return CAUSE(LOCAL);
	/* The first gate is asked first. */
	causes = first_gate ? 0 : gate_causes(t, entry, &t->world->hairpin);
	if (!entry->flow.channel)
		return causes | CAUSE(LOCAL) | (!owner_alive(t, &entry->flow) ? CAUSE(SERVER_SILENT) : 0);
	t->flow = &entry->flow;
	causes |= one_hop(t);
	if (t->hop ? t->hop->flags & HOP_LOCAL : true)
		causes |= CAUSE(LOCAL);
	return causes;
}

static uint32_t out_payload(const struct trip *t)
{
	return t->data_length + (t->flow->channel ? CHANNEL_DATA : 0);
}

static uint32_t out_ip_header(const struct trip *t)
{
	return t->flow->flags & FLOW_V6 ? 40 : 20;
}

static int out_tags(const struct trip *t)
{
	int tags = 0;

	while (tags < ABI_TAGS && t->hop->tag[tags].protocol)
		tags++;
	return tags;
}

static uint32_t choose_action(struct trip *t)
{
	const struct hop *hop = t->hop;
	bool generic = t->port->generic;

	t->want->ifindex = 0;
	if (hop->ifindex == t->port->device && hop->flags & HOP_TRANSMIT) {
		t->want->action = XDP_TX;
		return 0;
	}
	t->want->action = XDP_REDIRECT;
	t->want->ifindex = hop->ifindex;
	if (!generic && !(hop->flags & HOP_REDIRECT))
		return CAUSE(NO_REDIRECT);
	if (!generic && t->in->linear < t->in->length && !(hop->flags & HOP_FRAGS))
		return CAUSE(FRAGS);
	for (int i = 0; i < DEVICES; i++)
		if (hop->ifindex && t->world->device[i] == hop->ifindex)
			return 0;
	return CAUSE(NO_REDIRECT);
}

/* --- the frame that goes out ----------------------------------------------- */

static bool is_partial(const struct trip *t)
{
	/* Folded, not complemented; no sum of these is all zeros. */
	return get16(t->in->byte + t->udp + 6) == pseudo_sum(t);
}

static bool no_checksum(const struct trip *t)
{
	return get16(t->in->byte + t->udp + 6) == 0;
}

static bool can_sum(uint32_t from, uint32_t length)
{
	return length <= SUMMED_MAX && from <= SUMMED_FROM_MAX;
}

static uint32_t checksum_causes(const struct trip *t)
{
	uint32_t end = t->data + t->data_length, cut = t->payload + t->length - end;

	if (t->v6 && no_checksum(t))
		return CAUSE(CHECKSUM);
	if (t->port->generic && (is_partial(t) || (t->port->generic & GENERIC_VERIFIED && t->hop->flags & HOP_HANDS_ON)))
		return CAUSE(CHECKSUM);
	if (no_checksum(t) || is_partial(t))
		return can_sum(t->data, t->data_length) ? 0 : CAUSE(CHECKSUM);
	return cut == 0 || can_sum(end, cut) ? 0 : CAUSE(CHECKSUM);
}

static struct transport_address end_of(const struct flow *flow, bool source)
{
	struct transport_address end = {.family = flow->flags & FLOW_V6 ? 6 : 4};

	memcpy(end.byte, source ? flow->saddr.v6 : flow->daddr.v6, end.family == 6 ? 16 : 4);
	end.port = ntohs(source ? flow->sport : flow->dport);
	return end;
}

/* How wrong the checksum came in; a right one is wrong by 0xffff, which changes no sum. */
static uint16_t checksum_error(const struct trip *t)
{
	if (no_checksum(t) || is_partial(t))
		return 0xffff;
	return sum_words(t->in->byte + t->udp, t->length + UDP, pseudo_sum(t));
}

static void write_frame(const struct trip *t)
{
	struct frame *out = &t->want->frame;
	const struct flow *flow = t->flow;
	struct datagram d = {
		.source = end_of(flow, true),
		.dest = end_of(flow, false),
		.tos = t->tos,
		.ttl = t->ttl,
		.channel = ntohs(flow->channel),
		.data = t->in->byte + t->data,
		.data_length = t->data_length,
	};

	memcpy(d.envelope.mac, t->hop->eth, 12);
	for (int i = 0; i < out_tags(t); i++)
		d.envelope.tag[i] = (struct tag){ntohs(t->hop->tag[i].protocol), ntohs(t->hop->tag[i].tci)};
	if (flow->flags & FLOW_V6) {
		d.label = ntohl(flow->label) & 0xfffff;
	} else {
		d.frag = flow->flags & FLOW_DF ? DONT_FRAGMENT : 0;
		d.id = flow->id_first + t->world->flow[entry_of(t, flow)].counts.packets;
	}
	frame_build(out, &d);
	/* Right; or as wrong as it came in, for the receiver to drop it. */
	frame_put(out, AT_UDP_SUM, 2, sum_add(frame_get16(out, AT_UDP_SUM), checksum_error(t)));
}

/* What is behind the data is cut off on the way to the peer. */
static void count(const struct trip *t, const struct flow *flow)
{
	struct counts *counts = &t->want->gained[entry_of(t, flow)];

	counts->packets++;
	counts->data += t->data_length;
	if (flow == t->first && !flow->channel)
		counts->trimmed += t->length - CHANNEL_DATA - t->data_length;
}

/* The data moves, if the start of the frame cannot: then the tail may have to grow. */
static bool has_tailroom(const struct trip *t, uint32_t before)
{
	if (!t->world->can_move)
		return false;
	/* The headers are in the first buffer, which grows only if it is the last one, too. */
	if (t->in->linear < frame_seen(t) && before > t->in->linear)
		return false;
	return before + t->data_length <= t->in->length + t->world->tailroom;
}

/* The start of the frame may have to move back, and its end too. */
static uint32_t room_causes(const struct trip *t)
{
	uint32_t before = ETHERNET + out_tags(t) * TAG + out_ip_header(t) + UDP + out_payload(t) - t->data_length;

	if ((int)before > (int)t->data + t->world->headroom - (int)t->world->metadata)
		return has_tailroom(t, before) ? 0 : CAUSE(NO_ROOM);
	if (t->world->tail_fails && t->in->length > t->data + t->data_length)
		return CAUSE(NO_ROOM);
	return 0;
}

/* --- all of it ------------------------------------------------------------- */

static uint32_t decide(struct trip *t)
{
	bool to_peer;
	uint32_t causes = read_frame(t), closed;

	if (!causes)
		causes = flow_find(t);
	if (causes)
		return causes;
	closed = gate_causes(t, t->entry, &t->port->gate);
	causes |= closed;
	to_peer = !t->first->channel;
	t->data = t->payload;
	t->data_length = t->length;
	if (to_peer) {
		t->data += CHANNEL_DATA;
		t->data_length = get16(t->in->byte + t->payload + 2);
		if (!channel_data_ok(t))
			causes |= CAUSE(BAD_LENGTH);
	}
	if (t->v6 && no_checksum(t))
		causes |= CAUSE(CHECKSUM);
	causes |= one_hop(t);
	t->want->verdict = to_peer ? VERDICT_TO_PEER : VERDICT_TO_CLIENT;
	if (t->hop && t->hop->flags & HOP_LOCAL) {
		t->want->verdict = VERDICT_TO_OTHER_CLIENT;
		causes |= to_peer ? turn_round(t, closed) : CAUSE(LOCAL);
	}
	if (causes & (CAUSE(BAD_LENGTH) | CAUSE(LOCAL)) || !t->hop)
		return causes;
	if (out_ip_header(t) + UDP + out_payload(t) > t->hop->mtu)
		causes |= CAUSE(TOO_BIG);
	causes |= choose_action(t);
	causes |= checksum_causes(t);
	return causes ? causes : room_causes(t);
}

/* --- max-bps --------------------------------------------------------------- */

static struct limit *limit_of(const struct trip *t, const struct flow *flow)
{
	uint32_t number = t->world->flow[entry_of(t, flow)].note.session;

	/* Sessions count from 1, and their limits from 0. */
	if (!(flow->flags & FLOW_LIMITED) || !number || number > LIMITS)
		return NULL;
	return &t->want->limit[number - 1];
}

static bool fits(__s32 *left, uint32_t bytes)
{
	bool enough = *left >= (int64_t)bytes;

	if (enough)
		*left -= (int32_t)bytes;
	return enough;
}

/* What a client sends is held against its own limit. */
static bool may_come(const struct trip *t)
{
	struct limit *limit = limit_of(t, t->first);

	if (!limit || fits(&limit->left[LIMIT_CLIENT_READ], t->length))
		return true;
	limit->dropped++;
	return false;
}

/* What a relay receives, and what the client then gets of it. */
static bool may_leave(const struct trip *t)
{
	struct limit *limit = limit_of(t, t->flow);
	int relay = t->flow->flags & FLOW_LIMITED_V6 ? LIMIT_RELAY_READ6 : LIMIT_RELAY_READ;

	if (!limit)
		return true;
	if (fits(&limit->left[relay], t->data_length)) {
		if (fits(&limit->left[LIMIT_CLIENT_WRITE], out_payload(t)))
			return true;
		limit->unsent_packets++;
		limit->unsent_bytes += t->data_length;
	}
	limit->dropped++;
	return false;
}

static void drop(const struct trip *t)
{
	t->want->verdict = VERDICT_LIMITED;
	t->want->action = XDP_DROP;
}

void model_decide(const struct world *world, const struct frame *in, struct expectation *want)
{
	struct trip t = {.world = world, .in = in, .want = want};

	memset(want->gained, 0, sizeof(want->gained));
	memset(want->noted, 0, sizeof(want->noted));
	memcpy(want->limit, world->limit, sizeof(want->limit));
	want->unknown = false;
	want->port = -1;
	want->stray = (struct stray){0};
	want->causes = decide(&t);
	if (want->causes) {
		want->action = XDP_PASS;
		return;
	}
	if (!t.first->channel && !may_come(&t)) {
		drop(&t);
		return;
	}
	if (t.flow->channel && !may_leave(&t)) {
		drop(&t);
		if (t.first != t.flow)
			count(&t, t.first);
		return;
	}
	write_frame(&t);
	count(&t, t.first);
	if (t.first != t.flow)
		count(&t, t.flow);
}

uint16_t model_check_out(const struct world *world, struct frame *in)
{
	static struct expectation want;
	static struct world roomy;
	uint32_t linear = in->linear;

	roomy = *world;
	roomy.headroom = world->metadata + 256;
	in->linear = in->length;
	model_decide(&roomy, in, &want);
	in->linear = linear;
	return want.causes || want.verdict == VERDICT_LIMITED ? 0 : frame_get16(&want.frame, AT_UDP_SUM);
}
