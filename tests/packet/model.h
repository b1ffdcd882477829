/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a relayed packet has to look like, written from RFC 791, 768, 1071 and
 * 8656 byte by byte. It shares no code with bpf/, so that one can judge the
 * other; only the layout of the tables (abi.h) is common.
 */
#ifndef PACKET_MODEL_H
#define PACKET_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "verdict.h"

#define FRAME_MAX 12288

/* Where things stand in a frame: for patches, and for reading it. */
enum {
	AT_ETH_DEST = 0,
	AT_ETH_SOURCE = 6,
	AT_ETH_TYPE = 12,
	AT_IP = 14,
	AT_IP_TOS = AT_IP + 1,
	AT_IP_LENGTH = AT_IP + 2,
	AT_IP_ID = AT_IP + 4,
	AT_IP_FRAG = AT_IP + 6,
	AT_IP_TTL = AT_IP + 8,
	AT_IP_PROTOCOL = AT_IP + 9,
	AT_IP_SUM = AT_IP + 10,
	AT_IP_SOURCE = AT_IP + 12,
	AT_IP_DEST = AT_IP + 16,
	AT_UDP = AT_IP + 20,
	AT_UDP_SPORT = AT_UDP,
	AT_UDP_DPORT = AT_UDP + 2,
	AT_UDP_LENGTH = AT_UDP + 4,
	AT_UDP_SUM = AT_UDP + 6,
	AT_PAYLOAD = AT_UDP + 8,
	AT_CHANNEL_NUMBER = AT_PAYLOAD,
	AT_CHANNEL_LENGTH = AT_PAYLOAD + 2,
};

struct frame {
	size_t length;
	uint8_t byte[FRAME_MAX];
};

/* What stands in the UDP checksum field of the packet that comes in. */
enum checksum {
	SUM_GOOD,
	SUM_ZERO,
	SUM_PARTIAL, /* the pseudo-header's only, as a local socket leaves it */
	SUM_BAD,
};

/* The bytes of the data. The steered ones choose the first two for an effect. */
enum fill {
	FILL_RANDOM,
	FILL_ZEROS,
	FILL_ONES,
	FILL_SUM_IN_ZERO,    /* the checksum that comes in computes to 0 */
	FILL_SUM_OUT_ZERO,   /* the checksum that leaves computes to 0 */
	FILL_LIKE_PARTIAL,   /* the right checksum looks like a partial one */
	FILL_LIKE_CHANNEL,   /* begins like ChannelData of the bound channel */
};

/* Overwrites `width` bytes; checksums are made right again afterwards. */
struct patch {
	uint16_t at;
	uint8_t width;
	uint32_t value;
};

#define ROW_PATCHES 2

struct world;

/* A packet and what is to become of it. All zeros: good ChannelData, empty. */
struct row {
	const char *name;
	enum verdict verdict;
	bool to_client;
	int data;    /* bytes of relayed data */
	int excess;  /* bytes after it in the UDP payload: padding of ChannelData */
	int slack;   /* bytes after the UDP datagram in the IP packet */
	int trailer; /* bytes after the IP packet in the frame */
	int minimum; /* the frame is filled up to this, as Ethernet does to 60 */
	int cut;     /* bytes missing at the end of the frame */
	enum checksum checksum;
	enum fill fill;
	uint32_t seed; /* of random data; its length counts as well */
	uint8_t first; /* unless 0, the first byte of the data */
	uint8_t tos;
	uint8_t ttl; /* 0: 64 */
	struct patch patch[ROW_PATCHES];
	void (*before)(struct world *world); /* changes the tables for this row */
};

/* In host order. */
struct transport_address {
	uint32_t address;
	uint16_t port;
};

/* The allocation of all rows: a client, a peer, and the server between them. */
extern const struct transport_address model_client, model_server, model_relay, model_peer;
extern const uint8_t model_port_mac[6], model_client_hop[12], model_peer_hop[12];
#define MODEL_CHANNEL 0x4001

/* RFC 1071, from the text: the sum of 16-bit words, not complemented. */
uint16_t model_sum(const uint8_t *byte, size_t length, uint32_t start);
/* The sum over pseudo-header and UDP datagram as they stand; right if 0xffff. */
uint16_t model_udp_sum(const struct frame *frame);
uint16_t model_get16(const struct frame *frame, size_t at);

/* Entries of the flow table for both directions, to be changed by rows. */
struct flow_entry {
	struct flow_key key;
	struct flow flow;
};
struct flow_entry model_flow(bool to_client);
/* Has to follow a change of frag_off. */
void model_flow_ip_sum(struct flow *flow);

/* The packet of a row, and the packet that has to leave if it is relayed. */
void model_packets(const struct row *row, const struct flow *flow, const uint8_t hop[12],
		   struct frame *in, struct frame *out);

/* Takes over the IP ID of what was sent: the IP layer may choose it. */
void model_accept_id(struct frame *frame, const struct frame *sent);

/* NULL, or what is not as it must be in a frame that was sent. */
const char *model_complaint(const struct frame *frame);

#endif
