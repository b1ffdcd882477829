/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* The tables. Sizes that depend on options are set by the server at load. */
#ifndef OFFLOAD_MAPS_H
#define OFFLOAD_MAPS_H

#include "abi.h"
#include "verdict.h"

/* Plain and not LRU: a full table is the server's business, not an eviction. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct flow_key);
	__type(value, struct flow);
	__uint(max_entries, 1);
} flows SEC(".maps");

/*
 * As long as `flows`, or 1 on a server without IPv6 addresses. Memory is taken at
 * the start as well: elements that are allocated one by one lie over more cache lines.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct flow_key6);
	__type(value, struct flow);
	__uint(max_entries, 1);
} flows6 SEC(".maps");

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
	__type(value, struct hop_row);
	__uint(max_entries, 1);
} hops SEC(".maps");

/*
 * A row per CPU and flow. An array that the server maps into its memory, where
 * a per-CPU array would cost it a system call for every flow and second. Behind
 * those of the last CPU comes one more block of rows, which the program does not
 * know of: see abi.h.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct usage_row);
	__uint(max_entries, 1);
} usage SEC(".maps");

/* The row of `limits` of each flow, by its usage row: a flow has no room for it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} limited SEC(".maps");

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

/* For onlookers, which know one layout. */
const volatile __u32 abi_version = ABI_VERSION;

/* Rows of `usage` that a CPU has. */
const volatile __u32 usage_rows = 1;

/* Nonzero: frames may come in several buffers (Linux 5.18), as jumbo frames do. */
const volatile __u32 frags = 0;

/* Nonzero: bpf_ktime_get_coarse_ns is there (Linux 5.11). */
const volatile __u32 coarse_clock = 1;

/* The interfaces that carry the program, from the first row on. */
struct port ports[ABI_PORTS];

/*
 * What a CPU read last, and in which jiffy. If there were more CPUs, two could take
 * turns with a row, and one see the other's time of an earlier jiffy.
 */
#define CLOCKS 1024
static struct clock {
	__u64 jiffies;
	__u64 now;
} clocks[CLOCKS];

/* When a relay thread is held to be dead, CLOCK_MONOTONIC in nanoseconds. */
__u64 deadlines[ABI_OWNERS];

/* For onlookers: what the server says of itself. */
struct state state;

#endif
