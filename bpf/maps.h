/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* The tables. Sizes that depend on options are set by the server at load. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "abi.h"
#include "verdict.h"

/*
 * Open addressing in an array, see abi.h: a look-up is a multiplication, one cache line
 * and no call. The server maps it into its memory. A full table is the server's business,
 * there is no eviction.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_slot);
	__uint(max_entries, 1);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct vlan_key);
	__type(value, struct vlan);
	__uint(max_entries, ABI_VLANS);
} vlans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hop_entry);
	__uint(max_entries, 1);
} hops SEC(".maps");

/* For inspectors: when the flow of each slot began, CLOCK_BOOTTIME in nanoseconds. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} begun SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct limit);
	__uint(max_entries, 1);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64[VERDICT_ROW]);
	__uint(max_entries, 1);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, ABI_DEVICES);
} devices SEC(".maps");

/* For inspectors, which know one layout. */
const volatile __u32 abi_version = ABI_VERSION;

/* Slots of `flows`. */
const volatile __u32 flow_slots = 1;

/* flow_stride of them. */
const volatile __u64 flow_slot_stride = 0;

/* See flow_hash. */
const volatile __u64 flow_seed[FLOW_SEEDS] = {};

/* Nonzero: this CPU may load from memory in another order than that of the program. */
const volatile __u32 weak_order = 0;

/* Nonzero: frames may come in several buffers (Linux 5.18), as jumbo frames do. */
const volatile __u32 frags = 0;

/* Nonzero: bpf_ktime_get_coarse_ns is there (Linux 5.11). */
const volatile __u32 coarse_clock = 1;

/* The interfaces that carry the program, from the first slot on. */
struct attachment attachments[ABI_ATTACHMENTS];

/*
 * What a CPU read last, and in which jiffy. If there were more CPUs, two could take
 * turns with a slot, and one see the other's time of an earlier jiffy.
 */
#define CLOCKS 1024
static struct clock {
	__u64 jiffies;
	__u64 now;
} clocks[CLOCKS];

/* When a relay thread is held to be dead, CLOCK_MONOTONIC in nanoseconds. */
__u64 deadlines[ABI_OWNERS];

/* For inspectors: what the server says of itself. */
struct status status;

#endif
