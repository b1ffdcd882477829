/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of a packet depends on this: the tables, and the machine that it comes to. */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "frame.h"
#include "verdict.h"

/* The ways of a packet. To another client: its relay address is the peer. */
enum way { WAY_PEER, WAY_CLIENT, WAY_OTHER, WAYS };

/* Families of a packet: as it comes in, between two relay addresses, as it leaves. */
struct path {
	enum way way;
	int in, middle, out; /* 4 or 6; `middle` of WAY_OTHER only, otherwise 0 */
};

/* The flow of the packet, the one that it leads to (WAY_OTHER), the way back, and one more. */
enum { FIRST, SECOND, BACK, MORE, FLOWS };
enum { HOPS = 4, VLANS = 4, DEVICES = 3, CPUS = 3, LIMITS = 2 };

struct counts {
	uint64_t packets, data;
	uint32_t trimmed;
};

/* What stands in the slots before a flow's own, of those where it may stand. */
enum before {
	BEFORE_FREE,   /* nothing, but they say that it stands further on */
	BEFORE_OTHERS, /* flows whose keys differ from its own in one bit, and lead nowhere */
	BEFORE_ENDED,  /* the same key, ended */
};

/* What is added to a flow's note, apart from the counts. */
struct noted {
	bool sampled;  /* the sample that was asked for has gone up */
	uint32_t seen; /* places that were not noted before */
};

struct flow_entry {
	bool absent; /* not bound */
	int family;  /* of the key: 4 or 6 */
	union {
		struct flow_key v4;
		struct flow_key6 v6;
	} key;
	struct flow flow;
	struct counts counts;
	uint32_t gate;         /* of the slot */
	struct flow_note note; /* but for `begun` and `trimmed` */
	bool ended;          /* or it is just being changed */
	bool lost;           /* the slots before do not say that it stands further on */
	unsigned int behind; /* so many slots are before its own */
	enum before before;
	uint16_t near;       /* BEFORE_OTHERS: the first of the bits */
};

/* There is a next hop while `seq` is odd. */
struct world_hop {
	uint32_t seq;
	struct hop hop;
};

/* The egress of the next hop with this index: each has one of its own. */
#define WORLD_EGRESS(hop) (ABI_EGRESSES - 1 - (hop))
/* The entry of a next hop as the server writes it, with its egress. */
struct hop_entry world_hop_entry(const struct world_hop *hop, int which);
struct egress world_egress(const struct world_hop *hop);

struct vlan_entry {
	struct vlan_key key; /* ifindex 0: not there */
	struct vlan vlan;
};

/* How much of a thing there is, compared with what the packet needs. */
enum fit { FIT_PLENTY, FIT_EXACT, FIT_SHORT };

struct world {
	/* of the packet that is to come */
	struct path path;
	struct envelope in;
	enum fit room, mtu; /* packet tests: before the frame; of the last hop */
	/* the tables */
	struct flow_entry flow[FLOWS];
	struct world_hop hop[HOPS];
	struct limit limit[LIMITS];
	struct attachment port[ABI_PORTS];
	struct gate hairpin;
	struct vlan_entry vlan[VLANS];
	uint32_t device[DEVICES]; /* interfaces that a redirect can leave by; 0: none */
	uint64_t deadline[ABI_OWNERS];
	uint32_t frags, can_move, coarse_clock, weak_order;
	/* the machine */
	uint64_t now;
	uint32_t cpu;
	uint32_t ingress;
	int32_t headroom; /* bytes before the frame that it may take, metadata included; less than 0: too few for any */
	uint32_t metadata;
	uint32_t tailroom; /* bytes by which its last buffer may grow */
	bool tail_fails; /* the driver refuses to shorten frames */
	bool sum_folded; /* bpf_csum_diff gives 16 bits, as from Linux 6.13 on */
};

/* Who sends a packet, and to whom. */
struct leg {
	struct transport_address source, dest;
};

/*
 * A flow as the server would write it: found by what comes on one leg with a channel
 * number, or 0, it leaves on the other with another number, or 0.
 */
void flow_make(struct flow_entry *entry, const struct leg *in, uint16_t number, const struct leg *out,
	       uint16_t number_out);
/* The number that the entry is found by. */
void flow_set_number(struct flow_entry *entry, uint16_t number);
/* The gate of an epoch for these places, and that of a place itself. */
uint32_t gate_of(uint32_t epoch, uint32_t places);
struct gate gate_of_place(uint32_t epoch, uint32_t place);

/* The places from which packets of a flow went up, as its note has them. */
uint32_t note_places(const struct flow_note *note);
void note_places_put(struct flow_note *note, uint32_t places);
/* Has to follow a change of FLOW_DF. */
void flow_set_ip_sum(struct flow *flow);

/* Another flow, which differs in all that it can: its ends change places, so that sums stay. */
void flow_make_other(struct flow *flow);
/* Writes another next hop into the entry, or takes the one that is there out of it. */
void hop_make_other(struct world_hop *entry, bool known);

/* BEFORE_OTHERS: changes the key to that of the flow in the slot of this number before its own. */
void flow_key_near(struct flow_entry *entry, unsigned int number);

/* Whether it is FIRST or SECOND that the packet leaves by, and its next hop as it is now. */
int world_last(const struct world *world);
struct hop *world_hop(struct world *world, int which);
struct hop *world_last_hop(struct world *world);

#endif
