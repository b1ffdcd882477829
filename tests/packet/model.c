/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <arpa/inet.h>
#include <string.h>

#define ADDRESS(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define DONT_FRAGMENT 0x4000
#define PROTOCOL_UDP 17

const struct transport_address model_client = {ADDRESS(198, 51, 100, 10), 50000};
const struct transport_address model_server = {ADDRESS(192, 0, 2, 1), 3478};
const struct transport_address model_relay = {ADDRESS(192, 0, 2, 2), 49152};
const struct transport_address model_peer = {ADDRESS(203, 0, 113, 20), 9000};

const uint8_t model_port_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
const uint8_t model_client_hop[12] = {0x02, 0, 0, 0, 0, 0x0c, 0x02, 0, 0, 0, 0, 0x01};
const uint8_t model_peer_hop[12] = {0x02, 0, 0, 0, 0, 0x0e, 0x02, 0, 0, 0, 0, 0x01};

/* A packet in full, as one of the four parties sends it. */
struct datagram {
	struct transport_address source, dest;
	const uint8_t *mac; /* destination, then source */
	uint8_t tos, ttl;
	uint16_t id, frag;
	int channel; /* 0: no ChannelData header */
	const uint8_t *data;
	size_t data_length, excess;
};

static void put16(struct frame *frame, size_t at, uint16_t value)
{
	frame->byte[at] = value >> 8;
	frame->byte[at + 1] = value & 0xff;
}

static void put32(struct frame *frame, size_t at, uint32_t value)
{
	put16(frame, at, value >> 16);
	put16(frame, at + 2, value & 0xffff);
}

uint16_t model_get16(const struct frame *frame, size_t at)
{
	return (uint16_t)(frame->byte[at] << 8 | frame->byte[at + 1]);
}

uint16_t model_sum(const uint8_t *byte, size_t length, uint32_t start)
{
	uint32_t sum = start;

	for (size_t i = 0; i < length; i++) {
		sum += i % 2 ? byte[i] : (uint32_t)byte[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

/* RFC 768: source, destination, zero, protocol, UDP length. */
static uint16_t pseudo_header_sum(const struct frame *frame)
{
	uint8_t pseudo[12];

	memcpy(pseudo, frame->byte + AT_IP_SOURCE, 8);
	pseudo[8] = 0;
	pseudo[9] = PROTOCOL_UDP;
	memcpy(pseudo + 10, frame->byte + AT_UDP_LENGTH, 2);
	return model_sum(pseudo, sizeof(pseudo), 0);
}

uint16_t model_udp_sum(const struct frame *frame)
{
	size_t length = model_get16(frame, AT_UDP_LENGTH);

	if (length > frame->length - AT_UDP)
		length = frame->length - AT_UDP;
	return model_sum(frame->byte + AT_UDP, length, pseudo_header_sum(frame));
}

static uint16_t udp_checksum(struct frame *frame)
{
	uint16_t check;

	put16(frame, AT_UDP_SUM, 0);
	check = ~model_udp_sum(frame);
	return check ? check : 0xffff;
}

static void ip_checksum_put(struct frame *frame)
{
	put16(frame, AT_IP_SUM, 0);
	put16(frame, AT_IP_SUM, ~model_sum(frame->byte + AT_IP, 20, 0));
}

/* The frame, with right lengths and checksums and nothing after the datagram. */
static void frame_build(struct frame *frame, const struct datagram *d)
{
	size_t header = d->channel ? 4 : 0;
	size_t udp_length = 8 + header + d->data_length + d->excess;

	memset(frame, 0, sizeof(*frame));
	frame->length = AT_UDP + udp_length;
	memcpy(frame->byte, d->mac, 12);
	put16(frame, AT_ETH_TYPE, 0x0800);
	frame->byte[AT_IP] = 0x45;
	frame->byte[AT_IP_TOS] = d->tos;
	put16(frame, AT_IP_LENGTH, 20 + udp_length);
	put16(frame, AT_IP_ID, d->id);
	put16(frame, AT_IP_FRAG, d->frag);
	frame->byte[AT_IP_TTL] = d->ttl;
	frame->byte[AT_IP_PROTOCOL] = PROTOCOL_UDP;
	put32(frame, AT_IP_SOURCE, d->source.address);
	put32(frame, AT_IP_DEST, d->dest.address);
	ip_checksum_put(frame);
	put16(frame, AT_UDP_SPORT, d->source.port);
	put16(frame, AT_UDP_DPORT, d->dest.port);
	put16(frame, AT_UDP_LENGTH, udp_length);
	if (d->channel) {
		put16(frame, AT_CHANNEL_NUMBER, d->channel);
		put16(frame, AT_CHANNEL_LENGTH, d->data_length);
	}
	memcpy(frame->byte + AT_PAYLOAD + header, d->data, d->data_length);
	/* Not zeros: what is to be cut off must be seen if it is not. */
	memset(frame->byte + AT_PAYLOAD + header + d->data_length, 0xa5, d->excess);
	put16(frame, AT_UDP_SUM, udp_checksum(frame));
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
	for (int i = 0; i < ROW_PATCHES; i++) {
		const struct patch *patch = &row->patch[i];

		for (int byte = 0; byte < patch->width; byte++)
			frame->byte[patch->at + byte] =
				patch->value >> 8 * (patch->width - 1 - byte);
	}
	if (!patched(row, AT_IP_SUM))
		ip_checksum_put(frame);
}

/* A wrong checksum: off by `MODEL_ERROR`, which stays in the sum on the way. */
#define MODEL_ERROR 0x0123

static uint16_t checksum_spoil(uint16_t check)
{
	uint32_t sum = (uint32_t)check + MODEL_ERROR;

	return sum > 0xffff ? sum - 0xffff : sum;
}

static void checksum_put(struct frame *frame, const struct row *row)
{
	if (patched(row, AT_UDP_SUM))
		return;
	put16(frame, AT_UDP_SUM, udp_checksum(frame));
	if (row->checksum == SUM_ZERO)
		put16(frame, AT_UDP_SUM, 0);
	else if (row->checksum == SUM_PARTIAL)
		put16(frame, AT_UDP_SUM, pseudo_header_sum(frame));
	else if (row->checksum == SUM_BAD)
		put16(frame, AT_UDP_SUM, checksum_spoil(model_get16(frame, AT_UDP_SUM)));
}

static void grow(struct frame *frame, int length)
{
	memset(frame->byte + frame->length, 0x5a, length);
	frame->length += length;
}

/* The row's packet as its sender meant it. */
static struct datagram datagram_in(const struct row *row, const uint8_t *data)
{
	static uint8_t mac[12];
	struct datagram d = {
		.source = row->to_client ? model_peer : model_client,
		.dest = row->to_client ? model_relay : model_server,
		.mac = mac,
		.tos = row->tos,
		.ttl = row->ttl ? row->ttl : 64,
		.id = 0x1234,
		.frag = DONT_FRAGMENT,
		.channel = row->to_client ? 0 : MODEL_CHANNEL,
		.data = data,
		.data_length = row->data,
		.excess = row->excess,
	};

	memcpy(mac, model_port_mac, 6);
	memcpy(mac + 6, row->to_client ? model_peer_hop : model_client_hop, 6);
	return d;
}

/* TTL as coturn sets it: one less than received up to the socket's, or fixed. */
static uint8_t ttl_after(const struct flow *flow, uint8_t ttl)
{
	if (flow->ttl_fixed)
		return flow->ttl;
	return ttl - 1 < flow->ttl ? ttl - 1 : flow->ttl;
}

static struct datagram datagram_out(const struct row *row, const struct flow *flow,
				    const uint8_t *hop, const uint8_t *data)
{
	struct datagram d = {
		.source = row->to_client ? model_server : model_relay,
		.dest = row->to_client ? model_client : model_peer,
		.mac = hop,
		.tos = row->tos,
		.ttl = ttl_after(flow, row->ttl ? row->ttl : 64),
		.id = 0,
		.frag = ntohs(flow->frag_off),
		.channel = row->to_client ? ntohs(flow->channel) : 0,
		.data = data,
		.data_length = row->data,
	};

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

/* Chooses the first word of the data so that the frame sums up to `want`. */
static void data_steer(uint8_t *data, const struct datagram *d, uint16_t want)
{
	struct frame frame;
	uint32_t word;

	data[0] = data[1] = 0;
	frame_build(&frame, d);
	put16(&frame, AT_UDP_SUM, 0);
	word = (uint32_t)want + (uint16_t)~model_udp_sum(&frame);
	word = word > 0xffff ? word - 0xffff : word;
	data[0] = word >> 8;
	data[1] = word & 0xff;
}

static void data_fill(uint8_t *data, const struct row *row, const struct flow *flow,
		      const uint8_t *hop)
{
	struct datagram in = datagram_in(row, data), out = datagram_out(row, flow, hop, data);
	struct frame frame;

	data_random(data, row->data, row->seed);
	if (row->fill == FILL_ZEROS) {
		memset(data, 0, row->data);
	} else if (row->fill == FILL_ONES) {
		memset(data, 0xff, row->data);
	} else if (row->fill == FILL_SUM_IN_ZERO) {
		data_steer(data, &in, 0xffff);
	} else if (row->fill == FILL_SUM_OUT_ZERO) {
		data_steer(data, &out, 0xffff);
	} else if (row->fill == FILL_LIKE_PARTIAL) {
		frame_build(&frame, &in);
		data_steer(data, &in, ~pseudo_header_sum(&frame));
	} else if (row->fill == FILL_LIKE_CHANNEL) {
		data[0] = MODEL_CHANNEL >> 8;
		data[1] = MODEL_CHANNEL & 0xff;
		data[2] = (row->data - 4) >> 8;
		data[3] = (row->data - 4) & 0xff;
	}
	if (row->first)
		data[0] = row->first;
}

void model_packets(const struct row *row, const struct flow *flow, const uint8_t hop[12],
		   struct frame *in, struct frame *out)
{
	static uint8_t data[FRAME_MAX];
	struct datagram d;

	data_fill(data, row, flow, hop);
	d = datagram_in(row, data);
	frame_build(in, &d);
	patches_apply(in, row);
	checksum_put(in, row);
	if (row->slack) {
		grow(in, row->slack);
		put16(in, AT_IP_LENGTH, model_get16(in, AT_IP_LENGTH) + row->slack);
		ip_checksum_put(in);
	}
	grow(in, row->trailer);
	if (in->length < (size_t)row->minimum)
		grow(in, row->minimum - (int)in->length);
	in->length -= row->cut;

	d = datagram_out(row, flow, hop, data);
	frame_build(out, &d);
	if (row->checksum == SUM_BAD)
		put16(out, AT_UDP_SUM, checksum_spoil(model_get16(out, AT_UDP_SUM)));
}

/* The sum of what a flow's addresses and ports add to a UDP checksum. */
static uint16_t addresses_sum(struct transport_address source, struct transport_address dest)
{
	struct frame frame;

	put32(&frame, AT_IP_SOURCE, source.address);
	put32(&frame, AT_IP_DEST, dest.address);
	put16(&frame, AT_UDP_SPORT, source.port);
	put16(&frame, AT_UDP_DPORT, dest.port);
	return model_sum(frame.byte + AT_IP_SOURCE, 12, 0);
}

struct flow_entry model_flow(bool to_client)
{
	struct transport_address from = to_client ? model_peer : model_client;
	struct transport_address at = to_client ? model_relay : model_server;
	struct transport_address by = to_client ? model_server : model_relay;
	struct transport_address to = to_client ? model_client : model_peer;
	struct flow_entry entry = {
		.key = {
			.saddr = htonl(from.address),
			.daddr = htonl(at.address),
			.sport = htons(from.port),
			.dport = htons(at.port),
			.channel = to_client ? 0 : htons(MODEL_CHANNEL),
		},
		.flow = {
			.saddr.v4 = htonl(by.address),
			.daddr.v4 = htonl(to.address),
			.sport = htons(by.port),
			.dport = htons(to.port),
			.channel = to_client ? htons(MODEL_CHANNEL) : 0,
			.frag_off = htons(DONT_FRAGMENT),
			.hop = to_client,
			.usage = 1 + to_client,
			.owner = 7 + to_client,
			.ttl = 64,
		},
	};
	uint32_t delta = addresses_sum(by, to) + (uint16_t)~addresses_sum(from, at);

	entry.flow.udp_delta = htons(delta > 0xffff ? delta - 0xffff : delta);
	model_flow_ip_sum(&entry.flow);
	return entry;
}

void model_flow_ip_sum(struct flow *flow)
{
	struct frame frame = {.byte[AT_IP] = 0x45, .byte[AT_IP_PROTOCOL] = PROTOCOL_UDP};

	put16(&frame, AT_IP_FRAG, ntohs(flow->frag_off));
	put32(&frame, AT_IP_SOURCE, ntohl(flow->saddr.v4));
	put32(&frame, AT_IP_DEST, ntohl(flow->daddr.v4));
	flow->ip_sum = htons(model_sum(frame.byte + AT_IP, 20, 0));
}

void model_accept_id(struct frame *frame, const struct frame *sent)
{
	put16(frame, AT_IP_ID, model_get16(sent, AT_IP_ID));
	ip_checksum_put(frame);
}

const char *model_complaint(const struct frame *frame)
{
	if (frame->length < AT_PAYLOAD)
		return "shorter than its headers";
	if (model_get16(frame, AT_ETH_TYPE) != 0x0800 || frame->byte[AT_IP] != 0x45)
		return "not plain IPv4";
	if (model_sum(frame->byte + AT_IP, 20, 0) != 0xffff)
		return "IP header checksum wrong";
	if (frame->length != (size_t)AT_IP + model_get16(frame, AT_IP_LENGTH))
		return "IP length is not the frame's";
	if (model_get16(frame, AT_IP_LENGTH) != 20 + model_get16(frame, AT_UDP_LENGTH))
		return "UDP length is not the IP packet's";
	if (model_get16(frame, AT_UDP_SUM) == 0)
		return "UDP checksum 0";
	return NULL;
}
