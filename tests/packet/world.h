/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that the program decides by, apart from the packet. */
#ifndef PACKET_WORLD_H
#define PACKET_WORLD_H

#include "model.h"

/* The flow of the packet, the one that it leads to (WAY_OTHER), and the way back. */
enum { FIRST, SECOND, BACK, WORLD_FLOWS };
#define WORLD_VLANS 4

struct vlan_entry {
	struct vlan_key key; /* ifindex 0: not there */
	struct vlan vlan;
};

/* How much of a thing there is, compared with what the row's packet needs. */
enum fit { FIT_PLENTY, FIT_EXACT, FIT_SHORT };

struct world {
	struct path path;
	struct flow_entry flow[WORLD_FLOWS];
	struct hop_entry hop[WORLD_FLOWS];
	struct limit limit[2]; /* of FIRST and SECOND, if their flows say so */
	struct attachment port[ABI_ATTACHMENTS];
	struct vlan_entry vlan[WORLD_VLANS];
	uint64_t deadline[WORLD_FLOWS];
	bool no_devices; /* no device may be redirected to */
	uint32_t ingress;
	struct envelope in;   /* of the frame that comes in */
	enum fit room, mtu;   /* before the frame; of the last hop */
	uint32_t metadata;    /* bytes before the packet, which take its headroom */
	uint32_t linear;      /* bytes in the first buffer; 0: all that it takes */
};

/* The flows bound, the next hops known and on lo, where the packet comes in. */
void world_default(struct world *world, const struct path *path);

/* The hop that the packet leaves by, as the program is to see it. */
struct hop *world_last_hop(struct world *world);
/* Whether it is FIRST or SECOND that the packet leaves by. */
int world_last(const struct world *world);

/* What the model has to know of it. */
void world_journey(const struct world *world, struct journey *journey);

/* One more tag on the frame that comes in, inside of those that are there. */
void world_tag_in(struct world *world, uint16_t protocol, uint16_t tci);
/* One more tag on what leaves. */
void world_tag_out(struct world *world, uint16_t protocol, uint16_t tci);
/* A VLAN on the interface that the frame comes in by; its MAC address becomes the frame's. */
void world_vlan(struct world *world, uint16_t outer, uint16_t inner);

#endif
