/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * What the XDP program and the server share: the layout of the tables between them. It has
 * types of fixed width, explicit padding and no pointers. Fields of type __be are in
 * network order, all others in host order.
 */
#ifndef BPF_ABI_H
#define BPF_ABI_H

#include <stddef.h>

#include <linux/types.h>

/* Devices that can carry the program at the same time, and interfaces that are to carry it. */
#define ABI_ATTACHMENTS 16
/*
 * Entries of `attachments`: each device that carries the program has one, and so has each
 * interface whose frames the program sees as those of such a device.
 */
#define ABI_PORTS 48
/* Relay threads that can own flows; coturn runs at most 128 of them. */
#define ABI_OWNERS 256
/* Devices that a packet can leave by with a redirect. */
#define ABI_DEVICES 64
/* VLANs whose frames are relayed, over all devices that carry the program. */
#define ABI_VLANS 256
/* IPv6 addresses of this server: of its listeners, and of its relays. A power of two, for a mask as well. */
#define ABI_OWN6 256
/* Egresses, see below. A power of two, so that a mask keeps an index within the table. */
#define ABI_EGRESSES 256

/*
 * The key of a flow: what a datagram that is to be relayed has on the wire. A client's
 * ChannelData has a channel number (RFC 8656, section 12.4); a peer's data has none, and
 * `channel` is 0.
 */
struct flow_key {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__be16 channel;
	__u16 family;          /* FLOW_KEY_V4, so that no key is all zeros */
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

/* The flow's packets leave by IPv6. */
#define FLOW_V6 1
/* max-bps limits the flow's session. */
#define FLOW_LIMITED 2
/* The packets of a limited flow come in by IPv6. */
#define FLOW_LIMITED_V6 4
/*
 * The TTL, or hop limit, that the packets leave with: always `ttl`; what a new socket would send with by this route,
 * which the next hop has; or, without either, one less than received, but at most `ttl`.
 */
#define FLOW_TTL_CONSTANT 8
#define FLOW_TTL_ROUTE 16
/* The received TOS, or traffic class, is not passed on. */
#define FLOW_TOS_ZERO 32
/* IPv4: the packets leave with DF, as coturn's socket would set it. It is the bit that DF has in memory. */
#define FLOW_DF (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0x0040 : 0x4000)

/* How the packets of one direction of a channel leave. It is written when the channel is bound. */
struct flow {
	union abi_addr saddr;
	union abi_addr daddr;
	__be16 sport;
	__be16 dport;
	__be16 channel;  /* the channel number to put on; 0: a ChannelData header is to be taken off */
	__u16 udp_delta; /* sum of the new addresses and ports less the old */
	union {
		struct {
			__u16 ip_sum;   /* IPv4: sum of the new header without TOS, length, ID and TTL */
			__u16 id_first; /* IPv4: the ID of the first packet; it counts up from there */
		};
		__be32 label; /* IPv6: version and flow label, traffic class 0 */
	};
	__u16 flags;
	__u8 ttl;
	__u8 owner;            /* the relay thread: slot of the deadlines */
	__u32 hop;             /* entry of the table of next hops */
	__u32 gate;            /* from where its packets may come, see below */
} __attribute__((aligned(8))); /* copied by 8 bytes */

/*
 * From here on stands what does not depend on the family. The headers of libbpf 1.3
 * and later redefine offsetof() by pointer arithmetic, which is no integer constant.
 */
#define FLOW_REST __builtin_offsetof(struct flow, sport)
#define FLOW_REST_WORDS ((__builtin_offsetof(struct flow, gate) - FLOW_REST) / 4)

/*
 * A gate is a number that a flow has, and that each place has from which packets come: the
 * devices that carry the program, and the hairpin, from where a packet comes that another
 * flow has led to this host. The flow relays a packet if its gate and the place's are equal in
 * the bits of the place's mask: in the bit of the place, in GATE_ASK, and in all bits of the epoch. The
 * server opens a flow's gate, for a place, after it has seen that the host relays such packets.
 * To close all gates at once it gives all places another epoch. The program never writes a gate.
 *
 * No place's gate has GATE_ASK. If the server sets it in a flow's gate, this fits no place any more. Then the
 * program looks at the flow's note, and the packet passes if the note has nothing against it and the gate would fit
 * without GATE_ASK.
 */
struct gate {
	__u32 gate;
	__u32 mask;
};
/* The bits of the places: one for each device that carries the program, and one for the hairpin. */
#define GATE_DEVICES ((1u << ABI_ATTACHMENTS) - 1)
#define GATE_HAIRPIN (1u << ABI_ATTACHMENTS)
#define GATE_PLACES (GATE_DEVICES | GATE_HAIRPIN)
/* The note is to be looked at. */
#define GATE_ASK (GATE_HAIRPIN << 1)
/* The epoch. 0 is none, so that a gate of 0 is closed. */
#define GATE_EPOCH_SHIFT (ABI_ATTACHMENTS + 2)
#define GATE_EPOCH_MAX (~0u >> GATE_EPOCH_SHIFT)

/* A hundredth of a second, so that a flow's age can be told until it is 2^32 of them: 497 days. */
#define FLOW_BEGUN_NS 10000000u

/*
 * What is seldom needed of the flow in the slot with the same index. The program looks here if
 * the flow's gate does not fit the packet's place, which is so for all packets while it has GATE_ASK.
 */
struct flow_note {
	__u32 trimmed; /* bytes behind the data that were cut off, modulo 2^32 */
	__u32 back;    /* the next hop of the channel's other direction: where this flow's packets come from */
	__u32 session; /* number of the session in the table of sessions, and of its limit; from 1 on */
	__u32 begun;   /* when the flow was bound: CLOCK_BOOTTIME in units of FLOW_BEGUN_NS, modulo 2^32 */
	/* Each of these is stored by itself, so that a store never takes back what another CPU has stored beside it. */
	__u16 seen;        /* the bits of the devices by which packets went up, since the server has set 0 */
	__u8 seen_hairpin; /* 1: packets went up that came by the hairpin, since the server has set 0 */
	__u8 sample;       /* 1: if the gate has GATE_ASK, the next packet is to go up. The program sets 0 when it has gone up */
	/*
	 * By how many halves of their ranges the bytes (low 16 bits) and the packets (high 16 bits) of `usage` have
	 * moved on, as far as the server has counted them. Tools know all that was counted from both.
	 */
	__u32 halves;
} __attribute__((aligned(8))); /* an entry of an array takes a multiple of 8 bytes */

/*
 * A slot of the table of flows, which is open addressing in memory that the server shares. It is
 * one cache line, which has all that an IPv4 packet needs of the key and of the flow, and the counters.
 * IPv6 addresses that are not this server's own do not fit: their last words stand in
 * struct flow_words at the same index.
 *
 * There is a flow in the slot while `seq` is odd. The server advances `seq` before and after
 * it changes anything else of the flow. So a reader that finds the same odd number before
 * it compares the key and after it has copied the flow has a whole flow, and the flow of
 * that key. This holds however long a virtual CPU is held up between two loads.
 */
struct flow_slot {
	__u32 seq;
	__u32 passed;     /* how many flows found this slot taken and stand in a later slot of their probes */
	__be32 key_saddr; /* as in struct flow_key; IPv6: the first word */
	__be32 key_daddr; /* as in struct flow_key; IPv6: the index among the server's own addresses */
	__be16 key_sport;
	__be16 key_dport;
	__be16 key_channel;
	__u16 key_family;
	/*
	 * USAGE_PACKET for each packet, and for each byte that was relayed, without ChannelData headers, 1: modulo
	 * 2^64. The program adds to it atomically. Nearly always all packets of a flow come by one CPU.
	 */
	__u64 usage;
	__be32 saddr;                /* as in struct flow; IPv6: the index among the server's own addresses */
	__be32 daddr;                /* as in struct flow; IPv6: the first word */
	__u32 rest[FLOW_REST_WORDS]; /* struct flow from FLOW_REST on */
	__u32 gate;                  /* changes while the flow is there, without `seq` */
} __attribute__((aligned(64)));

/* The other words of IPv6 addresses of the flow in the slot with the same index. */
struct flow_words {
	__be32 key_saddr;    /* the second word of the key's source address */
	__be32 daddr;        /* the same of struct flow's destination address */
	__u64 key_saddr_end; /* their last 8 bytes */
	__u64 daddr_end;
};

/*
 * The difference of two values of `usage` tells packets and bytes apart if there are fewer than 2^36 bytes and 2^28
 * packets in between. The server reads each flow once a second, and the program relays nothing for a server that is
 * silent for 5 seconds: 2^36 bytes are more than 100 Gbit/s in that time.
 */
#define USAGE_SHIFT 36
#define USAGE_PACKET (1ull << USAGE_SHIFT)

/*
 * In how many slots a flow may stand: it takes the first of them that is free. The table has
 * eleven slots for eight flows. When it is full, less than one flow in a million finds none of
 * its slots free, and its channel stays in userspace.
 */
#define FLOW_PROBES 48
#define FLOW_SLOTS_MIN 32

/* How many slots a table for so many flows has (fewer than 2^31 flows). */
static inline __attribute__((always_inline)) __u32 flow_table_slots(__u32 flows)
{
	__u32 slots = (__u32)(11 * (__u64)flows / 8);

	return slots < FLOW_SLOTS_MIN ? FLOW_SLOTS_MIN : slots;
}

/*
 * How many secret, random numbers the hash takes. Clients choose their ports and channel
 * numbers, and must not be able to choose them so that all flows begin at one slot. The
 * upper 32 bits of the hash are strongly universal (Lemire and Kaser, "Strongly universal
 * string hashing is fast", 2014: Multilinear-HM).
 */
#define FLOW_SEEDS 11

static inline __attribute__((always_inline)) __u64 flow_hash_ports(const volatile __u64 *seed, __be16 sport,
								   __be16 dport, __be16 channel, __u16 family)
{
	return seed[0] + (seed[1] + ((__u32)dport << 16 | sport)) * (seed[2] + ((__u32)family << 16 | channel));
}

/* Spreads keys that differ by a constant, as successive ports do; without it they would stand at equal distances. */
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

/* The slot at a hash. Hashes are places on a circle, which the slots divide into equal parts. */
static inline __attribute__((always_inline)) __u32 flow_slot_index(__u64 hash, __u32 slots)
{
	return (hash >> 32) * slots >> 32;
}

/* How much of the circle a slot takes. */
static inline __attribute__((always_inline)) __u64 flow_stride(__u32 slots)
{
	return ~(__u64)0 / slots;
}

/*
 * The next place on the circle where the flow may stand. `probe` counts from 1. The steps
 * grow, so that a flow leaves a crowded part of the circle behind.
 */
static inline __attribute__((always_inline)) __u64 flow_step(__u64 hash, __u32 probe, __u64 stride)
{
	return hash + probe * stride;
}

#define ABI_TAGS 2

/* An 802.1Q or 802.1ad tag, as it stands in a frame. */
struct vlan_tag {
	__be16 protocol;
	__be16 tci;
};

/* The route leads to this very host, so that only another client of this server can be meant. */
#define HOP_LOCAL 1
/* The device sends frames that are redirected to it from a device in native mode. */
#define HOP_REDIRECT 2
/* The device sends what its own program returns (XDP_TX). */
#define HOP_TRANSMIT 4
/* The device sends redirected frames that are in several buffers. */
#define HOP_FRAGS 8
/* A receiver on this host may get the very skb that leaves by the device, with what the kernel remembers of its checksum. */
#define HOP_HANDS_ON 16

/* Where a packet goes next. */
struct hop {
	__u32 ifindex; /* of the device below all VLANs */
	__u16 mtu;     /* of the IP packet, in bytes */
	__u8 ttl;      /* the default TTL or hop limit of the route */
	__u8 flags;
	__u8 eth[12];                  /* destination, then source MAC */
	struct vlan_tag tag[ABI_TAGS]; /* to be put on, outermost first; protocol 0: none */
};

/*
 * An egress: the part of a next hop that depends on the device and its VLAN, and not on the
 * neighbour. A host has few of them, and many next hops share one, so that egresses stay in the
 * CPU's cache while next hops may be too many for it. MAC and tags stand as in a frame.
 */
struct egress {
	__u32 ifindex;                 /* as in struct hop */
	__u16 tags;                    /* bytes of the tags that are put on */
	__u8 mac[6];                   /* the source */
	struct vlan_tag tag[ABI_TAGS]; /* as in struct hop */
	__u32 zero;
} __attribute__((aligned(8))); /* copied by 8 bytes */

/*
 * An entry of the table of next hops. There is a next hop in it while `seq` is odd. The server
 * advances `seq` before and after it changes anything else, as in a slot of the flows. So a
 * reader that finds the same odd number before and after it has copied the next hop has a
 * whole one. Entries are used for other addresses again once no flow leads to them. So a reader
 * also looks at the sequence of the flow once more, after the copy: as long as the flow was there,
 * the entry was the flow's.
 *
 * The egress has no sequence of its own, and a reader copies it after the entry and before it looks
 * at the entry's `seq` again. The server changes an egress only while no entry leads to it: it has
 * advanced `seq` of all entries that did. So a reader that finds the same `seq` has the right egress.
 */
struct hop_entry {
	__u32 seq;
	__u16 mtu;             /* as in struct hop */
	__u16 egress;          /* index of the egress */
	__u8 mac[6];           /* the destination */
	__u8 ttl;              /* as in struct hop */
	__u8 flags;            /* HOP_* */
} __attribute__((aligned(8))); /* copied by 8 bytes */

/* Writes a next hop into an entry, but for `seq` and the index of the egress. */
static inline __attribute__((always_inline)) void hop_entry_write(struct hop_entry *entry, const struct hop *hop)
{
	entry->mtu = hop->mtu;
	entry->ttl = hop->ttl;
	entry->flags = hop->flags;
	__builtin_memcpy(entry->mac, hop->eth, sizeof(entry->mac));
}

/* Writes the egress that a next hop has. */
static inline __attribute__((always_inline)) void egress_write(struct egress *egress, const struct hop *hop)
{
	egress->ifindex = hop->ifindex;
	egress->tags = ((hop->tag[0].protocol != 0) + (hop->tag[1].protocol != 0)) * sizeof(struct vlan_tag);
	__builtin_memcpy(egress->mac, hop->eth + sizeof(egress->mac), sizeof(egress->mac));
	__builtin_memcpy(egress->tag, hop->tag, sizeof(egress->tag));
	egress->zero = 0;
}

/* Puts a next hop together again. */
static inline __attribute__((always_inline)) void hop_read(const struct hop_entry *entry, const struct egress *egress,
							   struct hop *hop)
{
	hop->ifindex = egress->ifindex;
	hop->mtu = entry->mtu;
	hop->ttl = entry->ttl;
	hop->flags = entry->flags;
	__builtin_memcpy(hop->eth, entry->mac, sizeof(entry->mac));
	__builtin_memcpy(hop->eth + sizeof(entry->mac), egress->mac, sizeof(egress->mac));
	__builtin_memcpy(hop->tag, egress->tag, sizeof(hop->tag));
}

/* The meters of a session that max-bps limits. In each second, each of them may carry max-bps bytes. */
enum limit_meter {
	LIMIT_CLIENT_READ,  /* UDP payload from the client */
	LIMIT_CLIENT_WRITE, /* UDP payload to it */
	LIMIT_RELAY_READ,   /* UDP payload from peers, at the IPv4 relay address */
	LIMIT_RELAY_READ6,  /* the same at the IPv6 relay address */
	LIMIT_METERS,
};

/*
 * A session that max-bps limits. What is sent to peers needs no meter, since it has come from
 * the client in a longer datagram. The slot has the number of the session, less 1. The counters
 * count modulo 2^32: the server reads those of unsent packets every second.
 */
struct limit {
	__s32 left[LIMIT_METERS]; /* bytes that are left of this second; less than 0: the next second has as much less */
	__u32 bps;                /* max-bps, in bytes per second, INT32_MAX at most; the server fills the meters from it */
	__u32 dropped;            /* packets that were dropped since the slot was taken, for tools */
	__u32 unsent_packets;     /* dropped packets from peers, which coturn counts as received */
	__u32 unsent_bytes;
} __attribute__((aligned(32))); /* not in two cache lines */

/* The program runs in generic mode: on skbs, behind the driver. */
#define GENERIC_SKB 1
/* Besides, this host may have verified the packets' checksums in software before the program sees them. */
#define GENERIC_VERIFIED 2

/*
 * An interface whose frames the program sees: a device that carries the program, or an alias of
 * one. An alias is another interface that runs the device's program in its place, because it
 * receives the device's frames: a member of a bond, or the virtual function of a hv_netvsc. Its
 * entry has the device's gate and mode. While a member is a bond's backup, the bond drops what it
 * receives; then its `device` and its MAC address are 0, and its frames go up.
 */
struct attachment {
	__u32 ifindex; /* by which frames come in; 0: the entry has never been used */
	__u32 device;  /* by which next hops, VLANs and redirects know the device: ifindex, or of an alias its device's */
	__u8 mac[6];   /* the unicast MAC address */
	__u8 generic;  /* GENERIC_*; 0: native mode */
	__u8 zero;
	struct gate gate;       /* of packets that come in by the device */
	__u32 seen;             /* the program sets 1 when a frame comes in; the server sets 0 */
	__u32 no_room;          /* frames that could not be resized (VERDICT_NO_ROOM), modulo 2^32 */
} __attribute__((aligned(32))); /* not in two cache lines */

/* Frames that came in by an interface that has no entry. They go up. */
struct stray {
	__u32 ifindex; /* of the last one */
	__u32 count;   /* modulo 2^32 */
};

/*
 * A VLAN on a device that carries the program: its VLAN identifiers in host order,
 * outermost first, 0 for none; an identifier has VLAN_8021AD added if that is the tag's
 * protocol. Priority tags (identifier 0) do not count.
 */
#define VLAN_8021AD 0x8000
struct vlan_key {
	__u32 ifindex;
	__u16 id[ABI_TAGS];
};

/* The unicast MAC address of the VLAN's own interface. */
struct vlan {
	__u8 mac[6];
	__u16 zero;
};

/* ---- for inspectors (turnutils_xdp): what only the server knows, and no packet needs ---- */

/*
 * The version of all that this file and verdict.h lay out, of the names of the variables in
 * maps.h, and of the reasons that are counted in `refused`. It changes with each of them,
 * but not with a verdict or a reason that is added.
 */
#define ABI_VERSION 6u

/* Bytes of a user's name or a realm, with the 0 at its end; a longer one is cut. */
#define SESSION_NAME 64

/* A session that has channels in the kernel. */
struct session_entry {
	__u64 id; /* coturn's own, as its log has it */
	char user[SESSION_NAME];
	char realm[SESSION_NAME];
};

#define STATUS_NAME 16
#define STATUS_LINE 384
#define STATUS_WAITING 256
/* Room for the reasons for which channels stay in userspace: enum refusal. */
#define STATUS_REFUSALS 32

enum status_mode {
	STATUS_MODE_NONE,
	STATUS_MODE_NATIVE,
	STATUS_MODE_GENERIC,
};

/* What was seen not to work of native mode. */
enum status_fault {
	STATUS_FAULT_NONE,
	STATUS_FAULT_NEVER_RUNS,      /* the driver has taken the program, and does not run it */
	STATUS_FAULT_NO_ROOM,         /* frames cannot be resized */
	STATUS_FAULT_NOT_SENT,        /* the driver does not send what the program returns */
	STATUS_FAULT_DROPS_REDIRECTS, /* the driver drops what other devices redirect to it */
};

/* Bits of what the host does with packets, by family. Without the first two it is free. */
enum status_host_flag {
	STATUS_EXAMINED_V4 = 1, /* something may refuse or change packets that coturn relays */
	STATUS_EXAMINED_V6 = 2,
	STATUS_NAT_V4 = 4, /* something may change their addresses or ports */
	STATUS_NAT_V6 = 8,
};

#define STATUS_NOTE 352
#define STATUS_NOTES 16

/* Something that the kernel's relaying leaves out, as a whole sentence. */
struct status_note {
	char text[STATUS_NOTE];
};

/* What the server has found of the host. */
struct status_host {
	__u32 flags;            /* of enum status_host_flag */
	__u32 notes;            /* how many there are; only the first STATUS_NOTES are below */
	char line[STATUS_LINE]; /* what examines packets, by name; "" if the host is free */
	struct status_note note[STATUS_NOTES];
};

/* An interface that should carry the program. */
struct status_interface {
	char name[STATUS_NAME];
	char device[STATUS_NAME]; /* the device that carries the program for it, or "" */
	__u32 ifindex;            /* 0: there is no interface of that name now */
	__u32 device_ifindex;
	__u8 mode;              /* enum status_mode */
	__u8 dispatched;        /* 1: other programs run there too, by libxdp's dispatcher */
	__u8 no_redirect;       /* 1: its device would lose what is redirected to it, for want of queues, so that nothing is */
	__u8 fault;             /* enum status_fault */
	__u32 lost;             /* frames that the program sent by its device and that the driver dropped, modulo 2^32 */
	char line[STATUS_LINE]; /* what the log says of it: its mode, or why it does not carry the program */
};

struct status {
	__u64 started;   /* CLOCK_BOOTTIME in nanoseconds; 0: no server has these tables */
	__u64 overruns;  /* how often events of the kernel were lost, so that all was read anew */
	__u64 full;      /* channels that found no room in the tables */
	__u64 failed;    /* channels that the tables did not take for another reason */
	__u64 bytes_in;  /* UDP payload that was relayed, as received; brought up to date every second */
	__u64 bytes_out; /* the same, as sent */
	__u64 refused[STATUS_REFUSALS];
	__u64 userspace;        /* packets of data that coturn has sent itself; brought up to date every second */
	__u64 monitor_deadline; /* from when on the monitor thread counts as silent, CLOCK_MONOTONIC in nanoseconds */
	__u64 pid_namespace;    /* inode number of the server's own PID namespace; 0: not known */
	__u32 pid;              /* in that namespace */
	__u32 channels;         /* how many channels there is room for */
	__u8 mode;              /* the mode that was asked for: enum option_mode */
	__u8 blocked;           /* 1: everything is left to coturn, because the host has IPsec policies */
	__u8 zero[2];
	__u32 seq; /* odd while something below is being written */
	__u32 interfaces;
	__u32 stray;                  /* by the interface with this index frames come that the program does not know; 0: none */
	char waiting[STATUS_WAITING]; /* addresses of the server that no interface has, as text; "": none */
	struct status_interface interface[ABI_ATTACHMENTS];
	struct status_host host;
};

_Static_assert(sizeof(struct flow_key) == 16, "flow_key has no padding");
_Static_assert(sizeof(struct flow_key6) == 40, "flow_key6 has no padding");
_Static_assert(sizeof(struct flow) == 56, "flow has no padding");
_Static_assert(sizeof(struct flow_slot) == 64, "flow_slot fills a cache line");
_Static_assert(sizeof(struct flow_words) == 24, "flow_words has no padding");
_Static_assert(sizeof(struct hop) == 28, "hop has no padding");
_Static_assert(sizeof(struct egress) == 24, "egress has no padding");
_Static_assert(!(ABI_OWN6 & (ABI_OWN6 - 1)) && !(ABI_EGRESSES & (ABI_EGRESSES - 1)), "masks keep their indices within");
_Static_assert(sizeof(struct hop_entry) == 16, "four of hop_entry fill a cache line");
_Static_assert(sizeof(struct limit) == 32, "limit fills half a cache line");
_Static_assert(sizeof(struct flow_note) == 24, "flow_note has no padding");
_Static_assert(GATE_DEVICES <= (__u16)~0, "all devices have a bit in `seen`");
_Static_assert(sizeof(struct session_entry) == 8 + 2 * SESSION_NAME, "session_entry has no padding");
_Static_assert(sizeof(struct attachment) == 32, "attachment has no padding");
_Static_assert(sizeof(struct vlan_key) == 8, "vlan_key has no padding");
_Static_assert(sizeof(struct vlan) == 8, "vlan has no padding");
_Static_assert(sizeof(struct status_interface) == 432, "status_interface has no padding");
_Static_assert(sizeof(struct status_host) == 392 + STATUS_NOTE * STATUS_NOTES, "status_host has no padding");
_Static_assert(sizeof(struct status) == 608 + 432 * ABI_ATTACHMENTS + sizeof(struct status_host), "status has no padding");

#endif
