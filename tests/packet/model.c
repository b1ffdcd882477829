/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <arpa/inet.h>
#include <string.h>

#define DONT_FRAGMENT 0x4000
#define PROTOCOL_UDP 17
/* Words of addresses with their carries, both ways, so that a lost one is seen. */
#define V4(a, b, c, d, p) {4, {a, b, c, d}, p}
#define V6(subnet, high, low, p) \
	{6, {0x20, 0x01, 0x0d, 0xb8, 0, subnet, 0xff, 0xfe, high, 0xfd, 0, 0, 0xfc, 0, 0, low}, p}

static const struct transport_address parties[PARTIES][2] = {
	[CLIENT] = {V4(198, 51, 100, 10, 50000), V6(1, 0x12, 10, 50006)},
	[SERVER] = {V4(192, 0, 2, 1, 3478), V6(2, 0xee, 1, 3486)},
	[RELAY] = {V4(192, 0, 2, 2, 49152), V6(2, 0x34, 2, 49158)},
	[PEER] = {V4(203, 0, 113, 20, 9000), V6(3, 0xf7, 20, 9006)},
	[OTHER_RELAY] = {V4(192, 0, 2, 3, 60000), V6(2, 0x56, 3, 60006)},
	[OTHER_SERVER] = {V4(192, 0, 2, 4, 5349), V6(2, 0x78, 4, 5356)},
	[OTHER_CLIENT] = {V4(198, 51, 100, 77, 40000), V6(1, 0x9a, 77, 40006)},
};

const uint8_t model_port_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
const uint8_t model_vlan_mac[6] = {0x02, 0, 0, 0, 0, 0x05};
const uint8_t model_station_mac[WAYS][6] = {
	{0x02, 0, 0, 0, 0, 0x0e}, {0x02, 0, 0, 0, 0, 0x0c}, {0x02, 0, 0, 0, 0, 0x0f},
};

const struct transport_address *model_party(enum party party, int family)
{
	return &parties[party][family == 6];
}

/* Who sends and who gets what comes in, and what leaves. */
struct legs {
	const struct transport_address *source, *dest;
};

static struct legs leg_in(const struct path *path)
{
	if (path->way == WAY_CLIENT)
		return (struct legs){model_party(PEER, path->in), model_party(RELAY, path->in)};
	return (struct legs){model_party(CLIENT, path->in), model_party(SERVER, path->in)};
}

static struct legs leg_middle(const struct path *path)
{
	return (struct legs){model_party(RELAY, path->middle), model_party(OTHER_RELAY, path->middle)};
}

static struct legs leg_out(const struct path *path)
{
	if (path->way == WAY_PEER)
		return (struct legs){model_party(RELAY, path->out), model_party(PEER, path->out)};
	if (path->way == WAY_CLIENT)
		return (struct legs){model_party(SERVER, path->out), model_party(CLIENT, path->out)};
	return (struct legs){model_party(OTHER_SERVER, path->out), model_party(OTHER_CLIENT, path->out)};
}

/* ---- the packets of a row ---- */

static struct datagram datagram_in(const struct row *row, const struct journey *journey,
				   const uint8_t *data)
{
	struct legs legs = leg_in(&journey->path);

	return (struct datagram){
		.envelope = journey->in,
		.source = *legs.source,
		.dest = *legs.dest,
		.tos = row->tos,
		.ttl = row->ttl ? row->ttl : 64,
		.id = 0x1234,
		.frag = DONT_FRAGMENT,
		.label = MODEL_LABEL,
		.channel = row->way == WAY_CLIENT ? 0 : MODEL_CHANNEL,
		.data = data,
		.data_length = row->data,
		.excess = row->excess,
	};
}

/* As a socket that coturn has set up so sends what it received with this TTL. */
static uint8_t ttl_after(const struct flow *flow, const struct hop *hop, uint8_t ttl)
{
	if (flow->ttl_from == FLOW_TTL_ROUTE)
		return hop->ttl;
	if (flow->ttl_from == FLOW_TTL_CONSTANT)
		return flow->ttl;
	return ttl - 1 < flow->ttl ? ttl - 1 : flow->ttl;
}

static struct datagram datagram_out(const struct row *row, const struct journey *journey,
				    const uint8_t *data)
{
	struct legs legs = leg_out(&journey->path);
	int last = row->way == WAY_OTHER ? 1 : 0;
	struct datagram d = {
		.envelope = journey->out,
		.source = *legs.source,
		.dest = *legs.dest,
		.tos = row->tos,
		.ttl = row->ttl ? row->ttl : 64,
		.frag = ntohs(journey->flow[last]->frag_off),
		.channel = ntohs(journey->flow[last]->channel),
		.data = data,
		.data_length = row->data,
	};

	if (journey->path.out == 6)
		d.label = ntohl(journey->flow[last]->label) & 0xfffff;
	for (int i = 0; i <= last; i++) {
		d.tos &= journey->flow[i]->tos_mask;
		d.ttl = ttl_after(journey->flow[i], journey->hop[i], d.ttl);
	}
	return d;
}

/* xorshift; the same bytes in every run. */
static void data_random(uint8_t *data, int length, uint32_t seed)
{
	uint32_t state = 0x9e3779b9u + (uint32_t)length + seed * 0x10001u;

	for (int i = 0; i < length; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		data[i] = state >> 24;
	}
}

/* Chooses the first word of the data so that the datagram's checksum becomes `want`. */
static void data_steer(uint8_t *data, const struct datagram *d, uint16_t want)
{
	static struct frame frame;
	uint16_t word;

	data[0] = data[1] = 0;
	frame_build(&frame, d);
	frame_put(&frame, AT_UDP_SUM, 2, 0);
	word = sum_add((uint16_t)~want, (uint16_t)~frame_udp_sum(&frame));
	data[0] = word >> 8;
	data[1] = word & 0xff;
}

static void data_fill(uint8_t *data, const struct row *row, const struct journey *journey)
{
	struct datagram in = datagram_in(row, journey, data), out = datagram_out(row, journey, data);
	static struct frame frame;

	data_random(data, row->data, row->seed);
	if (row->fill == FILL_ZEROS) {
		memset(data, 0, row->data);
	} else if (row->fill == FILL_ONES) {
		memset(data, 0xff, row->data);
	} else if (row->fill == FILL_SUM_IN_ZERO) {
		data_steer(data, &in, 0);
	} else if (row->fill == FILL_SUM_OUT_ZERO) {
		data_steer(data, &out, 0);
	} else if (row->fill == FILL_LIKE_PARTIAL) {
		frame_build(&frame, &in);
		data_steer(data, &in, frame_pseudo_sum(&frame));
	} else if (row->fill == FILL_LIKE_CHANNEL) {
		data[0] = MODEL_CHANNEL >> 8;
		data[1] = MODEL_CHANNEL & 0xff;
		data[2] = (row->data - 4) >> 8;
		data[3] = (row->data - 4) & 0xff;
	}
	if (row->first)
		data[0] = row->first;
}

static bool patched(const struct row *row, uint16_t at)
{
	for (int i = 0; i < ROW_PATCHES; i++)
		if (row->patch[i].width && row->patch[i].at == at)
			return true;
	return false;
}

static void patches_apply(struct frame *frame, const struct row *row)
{
	for (int i = 0; i < ROW_PATCHES; i++)
		frame_put(frame, row->patch[i].at, row->patch[i].width, row->patch[i].value);
	if (!patched(row, AT_IP4_SUM))
		frame_ip_checksum(frame);
}

/* A wrong checksum: off by this, which stays in the sum on the way. */
#define MODEL_ERROR 0x0123

static void checksum_spoil(struct frame *frame)
{
	frame_put(frame, AT_UDP_SUM, 2, sum_add(frame_get16(frame, AT_UDP_SUM), MODEL_ERROR));
}

static void checksum_put(struct frame *frame, const struct row *row)
{
	if (patched(row, AT_UDP_SUM))
		return;
	frame_udp_checksum(frame);
	if (row->checksum == SUM_ZERO)
		frame_put(frame, AT_UDP_SUM, 2, 0);
	else if (row->checksum == SUM_PARTIAL)
		frame_put(frame, AT_UDP_SUM, 2, frame_pseudo_sum(frame));
	else if (row->checksum == SUM_BAD)
		checksum_spoil(frame);
}

static void slack_put(struct frame *frame, int slack)
{
	int at = frame->family == 6 ? AT_IP6_LENGTH : AT_IP4_LENGTH;

	frame_grow(frame, slack, 0x5a);
	frame_put(frame, at, 2, frame_get16(frame, at) + slack);
	frame_ip_checksum(frame);
}

void model_packets(const struct row *row, const struct journey *journey, struct frame *in,
		   struct frame *out)
{
	static uint8_t data[FRAME_MAX];
	struct datagram d;

	data_fill(data, row, journey);
	d = datagram_in(row, journey, data);
	frame_build(in, &d);
	patches_apply(in, row);
	checksum_put(in, row);
	if (row->slack)
		slack_put(in, row->slack);
	if (row->inserted) {
		frame_insert(in, row->insert, row->inserted);
		frame_ip_checksum(in);
	}
	frame_grow(in, row->trailer, 0x5a);
	if (in->length < (size_t)row->minimum)
		frame_grow(in, row->minimum - (int)in->length, 0);
	in->length -= row->cut;

	d = datagram_out(row, journey, data);
	frame_build(out, &d);
	if (row->checksum == SUM_BAD)
		checksum_spoil(out);
}

void model_accept_id(struct frame *frame, const struct frame *sent)
{
	if (frame->family != 4 || sent->length < frame->length)
		return;
	/* The layers are the same: what leaves is compared byte by byte. */
	frame_put(frame, AT_IP4_ID, 2,
		  (uint32_t)sent->byte[frame->start[LAYER_IP] + 4] << 8 |
			  sent->byte[frame->start[LAYER_IP] + 5]);
	frame_ip_checksum(frame);
}

/* ---- flows, as the server would write them ---- */

/* What addresses and ports add to a UDP checksum. */
static uint16_t legs_sum(const struct legs *legs)
{
	size_t length = legs->source->family == 6 ? 16 : 4;
	uint16_t sum = sum_add(legs->source->port, legs->dest->port);

	return sum_words(legs->source->byte, length, sum_words(legs->dest->byte, length, sum));
}

static void key_put(struct flow_entry *entry, const struct legs *at)
{
	entry->family = at->source->family;
	if (entry->family == 6) {
		memcpy(entry->key.v6.saddr, at->source->byte, 16);
		memcpy(entry->key.v6.daddr, at->dest->byte, 16);
		entry->key.v6.sport = htons(at->source->port);
		entry->key.v6.dport = htons(at->dest->port);
		entry->key.v6.family = FLOW_KEY_V6;
	} else {
		memcpy(&entry->key.v4.saddr, at->source->byte, 4);
		memcpy(&entry->key.v4.daddr, at->dest->byte, 4);
		entry->key.v4.sport = htons(at->source->port);
		entry->key.v4.dport = htons(at->dest->port);
		entry->key.v4.family = FLOW_KEY_V4;
	}
}

void model_flow_number(struct flow_entry *entry, uint16_t number)
{
	if (entry->family == 6)
		entry->key.v6.channel = htons(number);
	else
		entry->key.v4.channel = htons(number);
}

struct flow_entry model_flow(const struct path *path, bool second)
{
	bool ends = second || path->way != WAY_OTHER;
	struct legs at = second ? leg_middle(path) : leg_in(path);
	struct legs to = ends ? leg_out(path) : leg_middle(path);
	struct flow_entry entry = {
		.flow = {
			.sport = htons(to.source->port),
			.dport = htons(to.dest->port),
			.frag_off = htons(DONT_FRAGMENT),
			.hop = second,
			.limit = second,
			.owner = 7 + second,
			.ttl = 64,
			.tos_mask = 0xff,
		},
	};
	struct flow *flow = &entry.flow;

	key_put(&entry, &at);
	memcpy(&flow->saddr, to.source->byte, 16);
	memcpy(&flow->daddr, to.dest->byte, 16);
	flow->udp_delta = htons(sum_add(legs_sum(&to), (uint16_t)~legs_sum(&at)));
	if (path->way == WAY_CLIENT)
		flow->channel = htons(MODEL_CHANNEL);
	else if (second)
		flow->channel = htons(MODEL_OTHER_CHANNEL);
	else
		model_flow_number(&entry, MODEL_CHANNEL);
	if (to.source->family == 6) {
		flow->flags = FLOW_V6;
		flow->frag_off = 0;
		flow->label = htonl(6u << 28 | 0xabcde);
	} else {
		model_flow_ip_sum(flow);
	}
	return entry;
}

void model_flow_ip_sum(struct flow *flow)
{
	uint8_t ip[20] = {[0] = 0x45, [9] = PROTOCOL_UDP};

	memcpy(ip + 6, &flow->frag_off, 2);
	memcpy(ip + 12, &flow->saddr, 4);
	memcpy(ip + 16, &flow->daddr, 4);
	flow->ip_sum = htons(sum_words(ip, sizeof(ip), 0));
}
