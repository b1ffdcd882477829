/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* The program's tables and settings. The server sets the sizes that depend on options when it loads the program. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "abi.h"
#include "verdict.h"

/*
 * The flows: open addressing in an array, see struct flow_slot. A look-up takes a hash and
 * one cache line, two or three if it is an IPv6 flow's, and no call. The server maps the
 * array into its memory and writes the flows. Nothing is evicted; what happens when the table is full is up to the server.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_slot);
	__uint(max_entries, 1);
} flows SEC(".maps");

/* The words of IPv6 addresses that do not fit into the slot with the same index, see struct flow_words. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_words);
	__uint(max_entries, 1);
} words SEC(".maps");

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

/* A table of its own, so that `turnutils_xdp capture` can share it without the program's other variables. */
struct egress egresses[ABI_EGRESSES] SEC(".data.egress");

/* What is seldom needed of the flows. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_note);
	__uint(max_entries, 1);
} notes SEC(".maps");

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
	__type(value, __u64[VERDICT_SLOTS]);
	__uint(max_entries, 1);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, ABI_DEVICES);
} devices SEC(".maps");

/*
 * For inspectors: the sessions that have channels in the kernel, by a number that the server gives them. The
 * program does not use them. Memory is only taken for those that there are, so it cannot be shared with the server:
 * a session's first channel costs one system call, and the end of its last channel another one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct session_entry);
	__uint(max_entries, 1);
} sessions SEC(".maps");

/* For the bytes of a frame that move within it, a block at a time, on each CPU. */
#define MOVE_BLOCK 2048
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u8[MOVE_BLOCK]);
	__uint(max_entries, 1);
} scratch SEC(".maps");

/* For inspectors, each of which knows one version of the layout. */
const volatile __u32 abi_version = ABI_VERSION;

/* How many slots `flows` has. */
const volatile __u32 flow_slots = 1;

/* flow_stride() of that number. */
const volatile __u64 flow_slot_stride = 0;

/* The secret numbers of flow_hash(). */
const volatile __u64 flow_seed[FLOW_SEEDS] = {};

/* Not 0: this CPU may load from memory in another order than the program's. */
const volatile __u32 weak_order = 0;

/* Not 0: frames may come in several buffers, as jumbo frames do (Linux 5.18). */
const volatile __u32 frags = 0;

/* Not 0: the kernel has bpf_xdp_load_bytes and bpf_xdp_store_bytes (Linux 5.18). */
const volatile __u32 can_move = 0;

/* Not 0: the kernel has bpf_ktime_get_coarse_ns (Linux 5.11). */
const volatile __u32 coarse_clock = 1;

/* The devices that carry the program, and their aliases. They use the first entries. */
struct attachment attachments[ABI_PORTS];

/* The server's own IPv6 addresses, in a table of their own, which inspectors share. Entries are added and never change. */
union abi_addr own6[ABI_OWN6] SEC(".data.own6") __attribute__((aligned(8))) = {};

/* Of frames that came in by none of these. */
struct stray stray;

/* Of packets that another flow has led to this host. */
struct gate hairpin;

/*
 * The time that each CPU has read last, and the jiffy in which it did. On a machine with
 * more CPUs than CLOCKS two CPUs share an entry, and one may use the time that the
 * other has read in the same jiffy or, at worst, in an earlier one.
 */
#define CLOCKS 1024
static struct clock {
	__u64 jiffies;
	__u64 now;
} clocks[CLOCKS];

/* By relay thread: from when on it counts as dead, CLOCK_MONOTONIC in nanoseconds. */
__u64 deadlines[ABI_OWNERS];

/* For inspectors: what the server says of itself. */
struct status status;

#endif
