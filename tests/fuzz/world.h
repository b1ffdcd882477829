/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packet's fate depends on: the tables, the machine, and the frame. */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "verdict.h"

#define FRAME_MAX 66560
#define HEADROOM_MAX 512

enum { FLOWS = 4, HOPS = 2, VLANS = 2, DEVICES = 3, CPUS = 3, LIMITS = 2 };

struct counts {
	uint64_t packets, data;
	uint32_t trimmed;
};

struct frame {
	uint32_t length;
	uint32_t linear; /* bytes in the first buffer */
	uint32_t piece;  /* bytes in each further one */
	uint8_t byte[FRAME_MAX];
};

struct entry {
	bool used;
	bool v6; /* the family of the key */
	union {
		struct flow_key v4;
		struct flow_key6 v6;
	} key;
	struct flow flow;
	struct counts counts;
	bool ended;     /* by its seq */
	uint8_t behind; /* so many rows on from its first */
	uint16_t near;  /* a bit of the key: in the rows before stand flows that differ in it and the next ones */
};

/* The key of the flow so many rows before its own: it differs in a bit of addresses and ports. */
static inline void near_key(struct entry *entry, uint32_t row)
{
	uint32_t bits = 8 * (entry->v6 ? offsetof(struct flow_key6, channel) : offsetof(struct flow_key, channel));
	uint32_t bit = (entry->near + row) % bits;

	((uint8_t *)&entry->key)[bit / 8] ^= 1 << bit % 8;
}

struct vlan_entry {
	bool used;
	struct vlan_key key;
	struct vlan vlan;
};

struct world {
	/* the tables */
	struct entry flow[FLOWS];
	struct hop_entry hop[HOPS];
	struct attachment port[ABI_ATTACHMENTS];
	struct vlan_entry vlan[VLANS];
	uint32_t device[DEVICES]; /* interfaces that a redirect can leave by; 0: none */
	uint64_t deadline[ABI_OWNERS];
	struct limit limit[LIMITS];
	uint32_t frags, coarse_clock, weak_order;
	/* the machine */
	uint64_t now;
	uint32_t cpu;
	uint32_t ingress;
	uint32_t headroom; /* metadata included */
	uint32_t metadata;
	bool tail_fails; /* the driver refuses to shorten frames */
	bool sum_folded; /* bpf_csum_diff gives 16 bits, as from Linux 6.13 on */
};

#endif
