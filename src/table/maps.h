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
struct map_set {
	const struct bpf_map *flows;
	const struct bpf_map *vlans;
	const struct bpf_map *devices;
	const struct bpf_map *hops;
	const struct bpf_map *begun;
	const struct bpf_map *limits;
	uint64_t *deadlines;        /* ABI_OWNERS of them, shared already */
	struct state *state;        /* shared already */
	const uint64_t *flow_seed;
	unsigned int flow_rows;
	unsigned int flow_room;     /* flows that are taken */
	unsigned int hop_rows;
};

/** Takes over the tables of a loaded program, before other threads are made. 0 or -errno. */
int map_open(const struct map_set *set);

/**
 * Whether this kernel wants CAP_BPF of who changes VLANs or devices. Before 5.19 it
 * does, if kernel.unprivileged_bpf_disabled is set.
 */
bool map_wants_bpf(void);

/** Lets go of them. Does nothing if none were taken. */
void map_close(void);

/** A new flow, and the row that it gets. 0, -EEXIST or -ENOSPC. Any thread. */
int map_flow_put(int family, const union map_key *key, const struct flow *flow, uint32_t *row);

/** Another value for the flow of a row. Any thread, but one at a time for a row. */
void map_flow_replace(uint32_t row, const struct flow *flow);

/** Ends the flow of a row: no packet that arrives later is relayed by it. Any thread. */
void map_flow_end(uint32_t row);

/** Gives the row back, when what it counts has been read for the last time. Any thread. */
void map_flow_free(uint32_t row);

/** What the flow of a row carried since it was put. */
struct flow_count {
	uint64_t packets;
	uint64_t data;    /* bytes, without ChannelData's headers */
	uint32_t trimmed; /* bytes of padding that was cut off, modulo 2^32 */
};

/** Any thread. */
void map_flow_read(uint32_t row, struct flow_count *count);

/** A VLAN whose frames are for this host; NULL: not any more. 0 or -errno. */
int map_vlan_put(const struct vlan_key *key, const struct vlan *vlan);

/** Makes a device a target of redirects. 0 or -errno. */
int map_device_put(uint32_t ifindex);

/**
 * Where a row of next hops leads from now on; NULL: nowhere. One writer, which
 * leaves a row alone for a millisecond after it has rewritten it: see abi.h.
 */
void map_hop_put(uint32_t row, const struct hop *hop);

/** A row of `limits`, in memory that is shared with the program. */
struct limit *map_limit(uint32_t row);

/** When the flows of a relay thread end by themselves (CLOCK_MONOTONIC, ns). */
void map_deadline_put(uint16_t owner, uint64_t nanoseconds);

/* ---- for onlookers: see abi.h. Without tables these do nothing. ---- */

/** Who has the tables: this process, from now on. */
void map_state_begin(unsigned int channels, unsigned int mode);

/** What is said of an interface; rows are used from the first on. One thread. */
void map_interface_put(unsigned int row, const struct state_interface *interface);

/** Whether IPsec policies bar the offload. One thread. */
void map_barred_put(bool barred);

/** What was relayed since this was last called: bytes of UDP payload. Any thread. */
void map_total_count(uint64_t bytes_in, uint64_t bytes_out);

/** Events of the kernel were lost. Any thread. */
void map_overrun_count(void);

/** A channel stays in userspace for this reason. Any thread. */
void map_refusal_count(unsigned int refusal);

/** One that the kernel did not take: -ENOSPC, for want of room, or another error. Any thread. */
void map_failure_count(int error);

#endif
