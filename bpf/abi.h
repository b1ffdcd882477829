/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * What the XDP program and the server share: the keys, values and slots of the
 * tables between them. Fixed-width types, explicit padding, no pointers.
 * Wire fields are __be; everything else is in host order.
 */
#ifndef BPF_ABI_H
#define BPF_ABI_H

#include <stddef.h>

#include <linux/types.h>

/* Interfaces that can carry the program at the same time. */
#define ABI_ATTACHMENTS 16
/* Relay threads that can own flows; coturn runs at most 128 of them. */
#define ABI_OWNERS 256
/* Devices that a redirect can leave by. */
#define ABI_DEVICES 64
/* VLANs, over all of those interfaces, whose frames are relayed. */
#define ABI_VLANS 256

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
	__u16 family; /* FLOW_KEY_V4, so that no key is all zeros */
} __attribute__((aligned(8))); /* compared by 8 bytes */

struct flow_key6 {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport;
	__be16 dport;
	__be16 channel;
	__u16 family; /* FLOW_KEY_V6 */
} __attribute__((aligned(8)));

#define FLOW_KEY_V4 4
#define FLOW_KEY_V6 6

/* An address of either family; IPv4 takes the first word, the rest is 0. */
union abi_addr {
	__be32 v4;
	__u8 v6[16];
	__u32 word[4];
};

/* The TTL, or hop limit, that a flow's packets leave with. */
enum flow_ttl {
	FLOW_TTL_RECEIVED, /* one less than received, up to `ttl` */
	FLOW_TTL_ROUTE,      /* the next hop's: what a new socket would send with */
	FLOW_TTL_CONSTANT, /* always `ttl` */
};

/* It leaves by IPv6. */
#define FLOW_V6 1
/* max-bps limits its session. */
#define FLOW_LIMITED 2
/* Such a flow comes in by IPv6. */
#define FLOW_LIMITED_V6 4

/* How one direction of a channel leaves: written when it is bound, replaced whole. */
struct flow {
	union abi_addr saddr;
	union abi_addr daddr;
	__be16 sport;
	__be16 dport;
	__be16 channel;  /* the number to put on; 0: one is to be taken off */
	__be16 frag_off; /* IPv4: flags of coturn's socket: DF, or 0 */
	__u32 hop;       /* slot of the next hop table */
	__u32 limit;     /* FLOW_LIMITED: slot of the limits */
	__u16 owner;     /* slot of the deadlines: the relay thread */
	__u8 ttl;
	__u8 ttl_from;   /* enum flow_ttl */
	__u16 udp_delta; /* sum of the new addresses and ports less the old */
	__u8 tos_mask;   /* of the received TOS or traffic class, what is passed on */
	__u8 flags;
	union {
		struct {
			__u16 ip_sum;   /* IPv4: sum of the new header but TOS, length, ID, TTL */
			__u16 id_first; /* IPv4: added to the number of packets before: the ID */
		};
		__be32 label;           /* IPv6: version and flow label, traffic class 0 */
	};
	__u32 zero;
} __attribute__((aligned(8))); /* copied by 8 bytes */

/*
 * What of it does not depend on the family stands from here on. The headers of libbpf 1.3
 * and later redefine offsetof() by pointer arithmetic, which is no integer constant.
 */
#define FLOW_REST __builtin_offsetof(struct flow, sport)
#define FLOW_REST_WORDS ((__builtin_offsetof(struct flow, zero) - FLOW_REST) / 4)

/*
 * A slot of the table of flows, which is open addressing in memory that the server
 * shares. What IPv4 needs for both ways is the first cache line; the second
 * has what is written for each packet, and is fetched along with the first.
 *
 * A flow is here while `seq` is odd. It changes before and after whatever else of the
 * flow does, so that a reader has a whole flow, and the one of the key that it has
 * compared, if it is odd and the same before and after. A virtual CPU may be held up
 * for long between any two loads.
 */
struct flow_slot {
	__u32 seq;
	__u32 passed;     /* flows that were to be here, but stand on a later slot of their probes */
	__be32 key_saddr; /* of struct flow_key; IPv6: the first words */
	__be32 key_daddr;
	__be16 key_sport;
	__be16 key_dport;
	__be16 key_channel;
	__u16 key_family;
	__u32 rest[FLOW_REST_WORDS]; /* of struct flow */
	__u32 trimmed;    /* bytes behind the data that were cut off, modulo 2^32 */
	__be32 saddr;     /* of struct flow; IPv6: the first words */
	__be32 daddr;
	/* the other words of IPv6 */
	__be32 key_saddr6[3];
	__be32 key_daddr6[3];
	__be32 saddr6[3];
	__be32 daddr6[3];
	/* counted by the program, by atomic additions: nearly always it is one CPU that has a flow */
	__u64 packets;
	__u64 data;       /* bytes of what was relayed, without ChannelData's headers */
} __attribute__((aligned(64)));

/*
 * Where a flow may stand: on the first of these slots that was free. A table of twice as many slots as
 * flows, when it is full, has no room for about one in a million, which then stays in userspace.
 */
#define FLOW_PROBES 24
#define FLOW_SLOTS_MIN 32

/* Slots of a table for so many flows (less than 2^31). */
static inline __attribute__((always_inline)) __u32 flow_table_slots(__u32 flows)
{
	return 2 * flows < FLOW_SLOTS_MIN ? FLOW_SLOTS_MIN : 2 * flows;
}

/*
 * Secret and random, as clients choose their ports and channel numbers: nobody
 * must be able to have all flows begin on one slot. The hash is strongly universal
 * (Lemire and Kaser, "Strongly universal string hashing is fast", 2014:
 * Multilinear-HM), by its upper 32 bits.
 */
#define FLOW_SEEDS 11

static inline __attribute__((always_inline)) __u64 flow_hash_ports(const volatile __u64 *seed, __be16 sport,
								   __be16 dport, __be16 channel, __u16 family)
{
	return seed[0] + (seed[1] + ((__u32)dport << 16 | sport)) * (seed[2] + ((__u32)family << 16 | channel));
}

/* Keys that follow each other, as ports do, would be at equal distances. */
static inline __attribute__((always_inline)) __u64 flow_hash_mix(__u64 hash)
{
	return (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
}

static inline __attribute__((always_inline)) __u64 flow_hash(const volatile __u64 *seed,
							     const struct flow_key *key)
{
	return flow_hash_mix(flow_hash_ports(seed, key->sport, key->dport, key->channel, key->family) +
			     (seed[3] + key->saddr) * (seed[4] + key->daddr));
}

static inline __attribute__((always_inline)) __u64 flow_hash6(const volatile __u64 *seed,
							      const struct flow_key6 *key)
{
	__u64 hash = flow_hash_ports(seed, key->sport, key->dport, key->channel, key->family);

	for (int i = 0; i < 4; i++)
		hash += (seed[3 + 2 * i] + key->saddr[i]) * (seed[4 + 2 * i] + key->daddr[i]);
	return flow_hash_mix(hash);
}

/* Hashes are places on a circle, on which the slots are as many equal parts. */
static inline __attribute__((always_inline)) __u32 flow_slot_index(__u64 hash, __u32 slots)
{
	return (hash >> 32) * slots >> 32;
}

/* The part of the circle that is a slot's. */
static inline __attribute__((always_inline)) __u64 flow_stride(__u32 slots)
{
	return ~(__u64)0 / slots;
}

/*
 * The next place where the flow may stand. `probe` counts from 1: the steps grow, so that full
 * places are left behind.
 */
static inline __attribute__((always_inline)) __u64 flow_step(__u64 hash, __u32 probe, __u64 stride)
{
	return hash + probe * stride;
}

#define ABI_TAGS 2

/* 802.1Q or 802.1ad, as in a frame. */
struct vlan_tag {
	__be16 protocol;
	__be16 tci;
};

/* The way is to this very host: only another client of this server can be meant. */
#define HOP_LOCAL 1
/* The device takes frames by redirect from an interface in native mode. */
#define HOP_REDIRECT 2
/* The device sends what its own program returns (XDP_TX). */
#define HOP_TRANSMIT 4
/* It takes frames of several buffers by redirect. */
#define HOP_FRAGS 8

/* Where a packet goes next. ifindex 0 and not HOP_LOCAL: not known now, so PASS. */
struct hop {
	__u32 ifindex; /* below all VLANs */
	__u16 mtu;     /* of the IP packet, in bytes */
	__u8 ttl;      /* or hop limit: the default of this way */
	__u8 flags;
	__u8 eth[12];  /* destination, then source MAC */
	struct vlan_tag tag[ABI_TAGS]; /* to be put on, outermost first; protocol 0: none */
};

/*
 * A slot is rewritten under traffic: the writer fills the slot that is not
 * current, then moves `current`. A reader's slot depends on the load of
 * `current`, so no CPU sees a half-written one.
 */
struct hop_entry {
	__u32 current;
	struct hop slot[2];
	__u32 zero;
};

/* What max-bps is held against: each of them may reach it, in each second. */
enum limit_meter {
	LIMIT_CLIENT_READ,  /* UDP payload from the client */
	LIMIT_CLIENT_WRITE, /* UDP payload to it */
	LIMIT_RELAY_READ,   /* UDP payload from peers, at the IPv4 relay address */
	LIMIT_RELAY_READ6,  /* the same at the IPv6 one */
	LIMIT_METERS,
};

/*
 * A session that max-bps limits. What it sends to peers needs no meter: it came
 * from the client, in a longer datagram.
 */
struct limit {
	__s64 left[LIMIT_METERS]; /* bytes of this second; what is below 0 is taken off the next one */
	__u64 bps;                /* bytes per second, for tools */
	__u64 refused;            /* packets dropped since the slot was taken, for tools */
	__u64 unsent_packets;     /* of these, peers' that count as received, and were not sent */
	__u64 unsent_bytes;
};

/* An interface that carries the program, and its unicast address. */
struct attachment {
	__u32 ifindex; /* 0: slot not in use */
	__u8 mac[6];
	__u8 generic; /* 1: the program runs on skbs, behind the driver */
	__u8 zero;
};

/*
 * A VLAN on an interface that carries the program, by its VLAN identifiers in
 * host order, outermost first, 0 for none; with VLAN_8021AD if that is the
 * protocol of the tag. Priority tags (identifier 0) do not count.
 */
#define VLAN_8021AD 0x8000
struct vlan_key {
	__u32 ifindex;
	__u16 id[ABI_TAGS];
};

/* The unicast address of the VLAN's own interface. */
struct vlan {
	__u8 mac[6];
	__u16 zero;
};

/* ---- for inspectors (turnutils_xdp): what only the server knows, and no packet's way asks for ---- */

/*
 * Number of all that this file and verdict.h lay out, and of the reasons
 * that are counted in `refused`. It changes with any of them but a new verdict.
 */
#define ABI_VERSION 2u

#define STATUS_NAME 16
#define STATUS_LINE 384
/* Why channels are not offloaded: enum refusal. */
#define STATUS_REFUSALS 32

enum status_mode { STATUS_MODE_NONE, STATUS_MODE_NATIVE, STATUS_MODE_GENERIC };

/* An interface that is to carry the program. */
struct status_interface {
	char name[STATUS_NAME];
	char device[STATUS_NAME]; /* that carries the program for it, or "" */
	__u32 ifindex;           /* 0: there is none of its name now */
	__u32 device_ifindex;
	__u8 mode;               /* enum status_mode */
	__u8 dispatched;             /* 1: other programs run there too, by libxdp's dispatcher */
	__u8 zero[6];
	char line[STATUS_LINE];   /* what the log says of it: the mode, or why it is left out */
};

struct status {
	__u64 started;  /* CLOCK_BOOTTIME in nanoseconds; 0: no server has these tables */
	__u64 overruns; /* how often events of the kernel were lost, and all was read anew */
	__u64 full;     /* channels for which there was no room */
	__u64 failed;   /* channels that were not taken for another reason */
	__u64 bytes_in; /* UDP payload that was relayed, as received; read every second */
	__u64 bytes_out; /* the same as sent */
	__u64 refused[STATUS_REFUSALS];
	__u32 pid;      /* in the server's own PID namespace */
	__u32 channels; /* that there is room for */
	__u8 mode;      /* that was asked for: enum option_mode */
	__u8 blocked;    /* 1: all is left to coturn, as the host has IPsec policies */
	__u8 zero[2];
	__u32 seq;  /* of the slots below: odd while one is written */
	__u32 interfaces;
	__u32 zero2;
	struct status_interface interface[ABI_ATTACHMENTS];
};

_Static_assert(sizeof(struct flow_key) == 16, "flow_key has no padding");
_Static_assert(sizeof(struct flow_key6) == 40, "flow_key6 has no padding");
_Static_assert(sizeof(struct flow) == 64, "flow has no padding");
_Static_assert(sizeof(struct flow_slot) == 128, "flow_slot fills two cache lines");
_Static_assert(__builtin_offsetof(struct flow_slot, key_saddr6) == 64, "IPv4 takes the first of them");
_Static_assert(sizeof(struct hop) == 28, "hop has no padding");
_Static_assert(sizeof(struct hop_entry) == 64, "hop_entry fills a cache line");
_Static_assert(sizeof(struct limit) == 64, "limit fills a cache line");
_Static_assert(sizeof(struct attachment) == 12, "port has no padding");
_Static_assert(sizeof(struct vlan_key) == 8, "vlan_key has no padding");
_Static_assert(sizeof(struct vlan) == 8, "vlan has no padding");
_Static_assert(sizeof(struct status_interface) == 432, "status_interface has no padding");
_Static_assert(sizeof(struct status) == 328 + 432 * ABI_ATTACHMENTS, "state has no padding");

#endif
