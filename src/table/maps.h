/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's tables. The only file that calls bpf_map_*: a table either is
 * reached by system calls (VLANs, devices) or is memory that the kernel and the
 * server share (all others), so that channels and counters cost none.
 */
#ifndef OFFLOAD_TABLE_MAPS_H
#define OFFLOAD_TABLE_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "table/flow_table.h"

struct bpf_map;

/* The tables of a loaded program; file descriptors stay with the program. */
struct maps {
	const struct bpf_map *flows;
	const struct bpf_map *vlans;
	const struct bpf_map *devices;
	const struct bpf_map *hops;
	const struct bpf_map *begun;
	const struct bpf_map *limits;
	uint64_t *deadlines;        /* ABI_OWNERS of them, shared already */
	struct status *status;      /* shared already */
	const uint64_t *flow_seed;
	unsigned int flow_slots;
	unsigned int flow_room;     /* flows that are taken */
	unsigned int hop_entries;
};

/** Takes over the tables of a loaded program, before other threads are made. 0 or -errno. */
int maps_open(const struct maps *set);

/**
 * Whether this kernel wants CAP_BPF of who changes VLANs or devices. Before 5.19 it
 * does, if kernel.unprivileged_bpf_disabled is set.
 */
bool maps_want_bpf(void);

/** Lets go of them. Does nothing if none were taken. */
void maps_close(void);

/** A new flow, and the slot that it gets. 0, -EEXIST or -ENOSPC. Any thread. */
int maps_flow_put(int family, const union flow_any_key *key, const struct flow *flow, uint32_t *index);

/** Another value for the flow of a slot. Any thread, but one at a time for a slot. */
void maps_flow_replace(uint32_t index, const struct flow *flow);

/** Ends the flow of a slot: no packet that arrives later is relayed by it. Any thread. */
void maps_flow_end(uint32_t index);

/** Gives the slot back, when what it counts has been read for the last time. Any thread. */
void maps_flow_free(uint32_t index);

/** What the flow of a slot carried since it was put. */
struct flow_count {
	uint64_t packets;
	uint64_t data;    /* bytes, without ChannelData's headers */
	uint32_t trimmed; /* bytes of padding that was cut off, modulo 2^32 */
};

/** Any thread. */
void maps_flow_read(uint32_t index, struct flow_count *count);

/** A VLAN whose frames are for this host; NULL: not any more. 0 or -errno. */
int maps_vlan_put(const struct vlan_key *key, const struct vlan *vlan);

/** Makes a device a target of redirects. 0 or -errno. */
int maps_device_put(uint32_t ifindex);

/**
 * Where a slot of next hops leads from now on; NULL: nowhere. One writer, which
 * leaves a slot alone for a millisecond after it has rewritten it: see abi.h.
 */
void maps_hop_put(uint32_t index, const struct hop *hop);

/** A slot of `limits`, in memory that is shared with the program. */
struct limit *maps_limit(uint32_t index);

/** When the flows of a relay thread end by themselves (CLOCK_MONOTONIC, ns). */
void maps_deadline_put(uint16_t owner, uint64_t nanoseconds);

#endif
