/* SPDX-License-Identifier: BSD-3-Clause */
/* One client, one peer and the server between them, of either family; and packets of theirs. */
#ifndef PACKET_ROW_H
#define PACKET_ROW_H

#include "model/world.h"

/* What stands in the UDP checksum field of the packet that comes in. */
enum checksum {
	SUM_GOOD,
	SUM_ZERO,    /* none; IPv6 has no such datagrams */
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

/* Overwrites `width` bytes; the IPv4 header's checksum is made right again. */
struct patch {
	uint16_t at; /* AT_..., with the layers as they were before */
	uint8_t width;
	uint32_t value;
};

#define ROW_PATCHES 2

/*
 * A packet and what is to become of it, whatever the families. All zeros: good
 * ChannelData, empty.
 */
struct row {
	const char *name;
	enum verdict verdict;
	enum way way;
	int in, middle, out; /* 4 or 6: only that family; 0: both */
	int data;    /* bytes of relayed data */
	int excess;  /* bytes after it in the UDP payload: padding of ChannelData */
	int slack;   /* bytes after the UDP datagram in the IP packet */
	int trailer; /* bytes after the IP packet in the frame */
	int minimum; /* the frame is filled up to this, as Ethernet does to 60 */
	int cut;     /* bytes missing at the end of the frame */
	int linear;  /* bytes in the first buffer; 0: as many as it takes */
	enum checksum checksum;
	enum fill fill;
	uint32_t seed; /* of random data; its length counts as well */
	uint8_t first; /* unless 0, the first byte of the data */
	uint8_t tos;   /* or traffic class */
	uint8_t ttl;   /* or hop limit; 0: 64 */
	uint8_t insert[16]; /* before the UDP header; a patch says what it is */
	size_t inserted;
	struct patch patch[ROW_PATCHES];
	void (*before)(struct world *world); /* changes the tables for this row */
};

enum party { CLIENT, SERVER, RELAY, PEER, OTHER_RELAY, OTHER_SERVER, OTHER_CLIENT, PARTIES };
const struct transport_address *model_party(enum party party, int family);

extern const uint8_t model_port_mac[6], model_vlan_mac[6];
/* Of the stations that send; the first hops of what leaves are theirs as well. */
extern const uint8_t model_station_mac[WAYS][6];
#define MODEL_CHANNEL 0x4001
#define MODEL_OTHER_CHANNEL 0x7abc
#define MODEL_EPOCH 5 /* of the gates */
#define MODEL_LABEL 0x54321 /* of what is received; what is sent says the flow */

/* Who sends what comes in, and what then leaves. */
struct leg row_leg_in(const struct path *path);
struct leg row_leg_out(const struct path *path);

/*
 * The flow that a path's packets are found by first; `second`: the other
 * client's flow, which the middle leads to.
 */
struct flow_entry row_flow(const struct path *path, bool second);

/* The packet of a row. */
void row_packet(const struct row *row, const struct world *world, struct frame *in);

#endif
