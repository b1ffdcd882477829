/* SPDX-License-Identifier: BSD-3-Clause */
/* What is built from an input: a world, and a frame that comes to it. */
#ifndef FUZZ_SCENARIO_H
#define FUZZ_SCENARIO_H

#include "input.h"

enum party { CLIENT, SERVER, RELAY, PEER, OTHER_SERVER, OTHER_CLIENT, PARTIES };

struct chance {
	uint32_t state;
	uint8_t extreme; /* 1: bytes 0 or ff, 2: bytes 0 */
};

struct scenario {
	struct input r;
	const uint8_t *fill; /* bytes for the data; NULL: by chance */
	size_t fill_length;
	struct world *world;
	struct frame *frame;
	struct transport_address party[PARTIES][2]; /* by IPv4, by IPv6 */
	struct leg leg;  /* of the packet that comes in */
	uint8_t mac[36]; /* of two next hops, of the port, of the VLAN */
	uint16_t number;
};

/* One thing that is not as it should be: in the tables, in the frame. */
enum trouble {
	TROUBLE_FIRST = 0x80, /* kinds below are none */
	FLOW_ABSENT = TROUBLE_FIRST,
	FLOW_ENDED,
	FLOW_KEY,
	FLOW_NOT_TO_CLIENT,
	FLOW_TTL,
	DEADLINE,
	HOP_ABSENT,
	HOP_OUTSIDE,
	HOP_FLAGS,
	HOP_IFINDEX,
	HOP_MTU,
	HOP_TTL,
	NO_DEVICE,
	PORT_ABSENT,
	PORT_MAC,
	VLAN_ABSENT,
	VLAN_MAC,
	VLAN_ID,
	HEADROOM,
	TAIL_FAILS,
	TROUBLES_WORLD,
	MAC_BIT = TROUBLES_WORLD,
	ETHER_TYPE,
	IP_FIRST_BYTE,
	IP_PROTOCOL,
	IP_FRAG,
	IP_HOPS,
	IP_LENGTH,
	IP_SUM,
	UDP_LENGTH,
	UDP_SUM,
	REFUSAL_NUMBER,
	CHANNEL_LENGTH,
	CUT,
	SPLIT,
	LENGTHS_WRAP,
	TROUBLES_END,
};

static inline uint16_t get_two(const uint8_t *byte)
{
	return (uint16_t)(byte[0] << 8 | byte[1]);
}

uint8_t chance_byte(struct chance *chance);
void chance_fill(struct chance *chance, void *to, size_t length);
/* Makes the trouble, if it is one of the world's. */
void trouble_world(struct scenario *scenario, uint8_t kind, uint16_t value);
/* Makes the frame, with its troubles. */
void build_packet(struct scenario *scenario);

#endif
