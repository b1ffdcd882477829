/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's tables. The only file that calls bpf_map_*: a table either is
 * reached by system calls (flows, VLANs, devices) or is memory that the kernel and
 * the server share (all others), so that counters cost no system call.
 */
#ifndef OFFLOAD_MAP_H
#define OFFLOAD_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct bpf_map;

/* The tables of a loaded program; file descriptors stay with the program. */
struct map_set {
	const struct bpf_map *flows;
	const struct bpf_map *flows6;
	const struct bpf_map *vlans;
	const struct bpf_map *devices;
	const struct bpf_map *hops;
	const struct bpf_map *usage;
	const struct bpf_map *limited;
	const struct bpf_map *limits;
	uint64_t *deadlines;        /* ABI_OWNERS of them, shared already */
	struct state *state;        /* shared already */
	unsigned int usage_rows;    /* of each CPU */
	unsigned int hop_rows;
	unsigned int cpus;
};

/** What a flow carried, on all CPUs together. */
struct usage {
	uint64_t packets;
	uint64_t bytes_in;  /* UDP payload as received */
	uint64_t bytes_out; /* UDP payload as sent */
};

/** Takes over the tables of a loaded program. 0 or -errno. */
int map_open(const struct map_set *set);

/** Lets go of them. Does nothing if none were taken. */
void map_close(void);

/** The key of a flow, of the family of the packets that come in. */
union map_key {
	struct flow_key v4;
	struct flow_key6 v6;
};

/** A new flow. 0, -EEXIST, -E2BIG (table full), -ENOMEM, -EPERM or another -errno. Any thread. */
int map_flow_put(int family, const union map_key *key, const struct flow *flow);

/** Another value for a flow that is there. 0, -ENOENT or another -errno. Any thread. */
int map_flow_replace(int family, const union map_key *key, const struct flow *flow);

/** Ends a flow. 0, -ENOENT or another -errno. Any thread. */
int map_flow_delete(int family, const union map_key *key);

/** A VLAN whose frames are for this host; NULL: not any more. 0 or -errno. */
int map_vlan_put(const struct vlan_key *key, const struct vlan *vlan);

/** Makes a device a target of redirects. 0 or -errno. */
int map_device_put(uint32_t ifindex);

/**
 * Where a row of next hops leads from now on; NULL: nowhere. One writer, which
 * leaves a row alone for a millisecond after it has rewritten it: see abi.h.
 */
void map_hop_put(uint32_t row, const struct hop *hop);

/** What a row of `usage` counts. Any thread. */
void map_usage_read(uint32_t row, struct usage *usage);

/** The same for a flow that is about to begin, of which onlookers are told. Any thread. */
void map_usage_begin(uint32_t row, struct usage *usage);

/** Which row of `limits` holds for a flow with FLOW_LIMITED, by its row of `usage`. Before it is put. */
void map_limited_put(uint32_t usage, uint32_t limit);

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

/** Events of the kernel were lost. Any thread. */
void map_overrun_count(void);

/** A channel stays in userspace for this reason. Any thread. */
void map_refusal_count(unsigned int refusal);

/** One that the kernel did not take: -ENOSPC, for want of room, or another error. Any thread. */
void map_failure_count(int error);

#endif
