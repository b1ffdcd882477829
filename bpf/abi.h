/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * What the XDP program and the server share: the keys, values and rows of the
 * tables between them. Fixed-width types, explicit padding, no pointers.
 * Wire fields are __be; everything else is in host order.
 */
#ifndef OFFLOAD_ABI_H
#define OFFLOAD_ABI_H

#include <linux/types.h>

/* Interfaces that can carry the program at the same time. */
#define ABI_PORTS 16
/* Relay threads that can own flows; coturn runs at most 128 of them. */
#define ABI_OWNERS 256
/* Devices that a redirect can leave by. */
#define ABI_DEVICES 64

/*
 * A datagram that is to be relayed, by what is on the wire. A client's
 * ChannelData is found by its channel number (RFC 8656, section 12.4); a
 * peer's data has no number, and `channel` is 0.
 */
struct flow_key {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__be16 channel;
	__u16 zero;
};

/* An address of either family; IPv4 takes the first word, the rest is 0. */
union abi_addr {
	__be32 v4;
	__u8 v6[16];
	__u32 word[4];
};

/* How one direction of a channel leaves: written when it is bound, replaced whole. */
struct flow {
	union abi_addr saddr;
	union abi_addr daddr;
	__be16 sport;
	__be16 dport;
	__be16 channel;  /* the number to put on; 0: one is to be taken off */
	__be16 frag_off; /* IP flags of coturn's socket: DF, or 0 */
	__u32 hop;       /* row of the next hop table */
	__u32 usage;     /* row of the usage table */
	__u16 owner;     /* row of the deadlines: the relay thread */
	__u8 ttl;        /* the most that the socket would send */
	__u8 ttl_fixed;  /* 1: always `ttl`; 0: one less than received, up to it */
	__u16 udp_delta; /* sum of the new addresses and ports less the old */
	__u16 ip_sum;    /* sum of the new IPv4 header but TOS, length, ID, TTL */
	__u16 id_first;  /* added to the usage row's packets: the IP ID */
	__u16 zero;
	__u32 key_mark;  /* flow_key_mark() of its key; last, so written last */
};

/*
 * Ties a value to its key. An element of a preallocated hash table is used again
 * as soon as it is deleted; a CPU that is held up between finding it and reading
 * it would take another flow's for its own.
 */
static inline __attribute__((always_inline)) __u32 flow_key_mark(const struct flow_key *key)
{
	__u32 mark = key->saddr * 0x9e3779b1u;

	mark = (mark ^ key->daddr) * 0x85ebca6bu;
	mark = (mark ^ ((__u32)key->sport << 16 | key->dport)) * 0xc2b2ae35u;
	return mark ^ key->channel;
}

/* Where a packet goes next. ifindex 0: not known now, so PASS. */
struct hop {
	__u32 ifindex;
	__u16 mtu;       /* of the IP packet, in bytes */
	__u8 redirect;   /* the device takes frames by redirect */
	__u8 transmit;   /* the device sends what its own program returns (XDP_TX) */
	__u8 eth[12];    /* destination, then source MAC */
	__u32 zero1;
};

/*
 * A row is rewritten under traffic: the writer fills the slot that is not
 * current, then moves `current`. A reader's slot depends on the load of
 * `current`, so no CPU sees a half-written one.
 */
struct hop_row {
	__u32 current;
	__u32 zero;
	struct hop slot[2];
	__u64 reserved;
};

/*
 * What a flow carried on one CPU since the server started. Rows are at
 * cpu * flows + usage; the server reads differences and never writes.
 */
struct usage_row {
	__u64 packets;
	__u64 bytes_in;  /* UDP payload as received */
	__u64 bytes_out; /* UDP payload as sent */
	__u64 reserved;
};

/* An interface that carries the program, and its unicast address. */
struct port {
	__u32 ifindex; /* 0: row not in use */
	__u8 mac[6];
	__u16 zero;
};

_Static_assert(sizeof(struct flow_key) == 16, "flow_key has no padding");
_Static_assert(sizeof(struct flow) == 64, "flow fills a cache line");
_Static_assert(sizeof(struct hop) == 24, "hop has no padding");
_Static_assert(sizeof(struct hop_row) == 64, "hop_row fills a cache line");
_Static_assert(sizeof(struct usage_row) == 32, "usage_row has no padding");
_Static_assert(sizeof(struct port) == 12, "port has no padding");

#endif
