/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables as most rows want them, and changes of them. */
#ifndef PACKET_SETUP_H
#define PACKET_SETUP_H

#include "row.h"

/* The flows bound, the next hops known and on lo, where the packet comes in. */
void world_default(struct world *world, const struct path *path);

/* One more tag on the frame that comes in, inside of those that are there. */
void world_tag_in(struct world *world, uint16_t protocol, uint16_t tci);
/* One more tag on what leaves. */
void world_tag_out(struct world *world, uint16_t protocol, uint16_t tci);
/* A VLAN on the interface that the frame comes in by; its MAC address becomes the frame's. */
void world_vlan(struct world *world, uint16_t outer, uint16_t inner);

#endif
