/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables of the XDP program (BPF maps), which the server writes. Only maps.c calls
 * bpf_map_*(). The VLANs, the devices and the sessions are changed by system calls. All other tables are memory
 * that the XDP program and the server share, so that channels and counters cost no system calls, except one at a session's
 * first channel and one at the end of its last.
 */
#ifndef OFFLOAD_TABLE_MAPS_H
#define OFFLOAD_TABLE_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "table/flow_table.h"

struct bpf_map;

/** The tables of a loaded program. Their file descriptors belong to the program. */
struct maps {
	const struct bpf_map *flows;
	const struct bpf_map *words;
	const struct bpf_map *vlans;
	const struct bpf_map *devices;
	const struct bpf_map *hops;
	const struct bpf_map *notes;
	const struct bpf_map *limits;
	const struct bpf_map *sessions;
	uint64_t *deadlines;            /* ABI_OWNERS deadlines, in memory that is shared already */
	struct attachment *attachments; /* ABI_PORTS of them, likewise */
	struct gate *hairpin;           /* likewise */
	union abi_addr *own6;           /* ABI_OWN6 addresses, likewise */
	struct egress *egresses;        /* ABI_EGRESSES of them, likewise */
	struct status *status;          /* in memory that is shared already */
	const uint64_t *flow_seed;      /* FLOW_SEEDS seeds of the hash of flows */
	unsigned int flow_slots;
	unsigned int flow_room; /* how many flows are accepted: fewer than there are slots */
	unsigned int hop_entries;
};

/**
 * Takes over the tables of a loaded program, and maps them into this process. Returns 0, or
 * -errno of mmap(2), or -ENOMEM; then nothing was taken over. Before other threads are made.
 */
int maps_open(const struct maps *set);

/**
 * Returns whether a thread needs CAP_BPF to change VLANs or devices, which maps_open has found
 * out. Kernels before 5.19 require it if kernel.unprivileged_bpf_disabled is set. Any thread.
 */
bool maps_want_bpf(void);

/** Unmaps the tables. Does nothing if none were taken over. No other thread may use them any more. */
void maps_close(void);

/**
 * Adds a flow, which packets find from now on by their `key` of `family`, and returns its slot
 * in `index`. Returns 0; -EEXIST if the key has a flow; -ENOSPC if there is no room; -EADDRNOTAVAIL if this server has
 * too many IPv6 addresses (ABI_OWN6). Any
 * thread.
 */
int maps_flow_put(int family, const union flow_any_key *key, const struct flow *flow, uint32_t *index);

/**
 * Replaces the flow of a slot; its key and counters stay. Returns 0, or -EADDRNOTAVAIL as maps_flow_put. Any thread, but only
 * one at a time for a slot.
 */
int maps_flow_replace(uint32_t index, const struct flow *flow);

/**
 * Ends the flow of a slot: no packet that arrives later is relayed by it. Any thread, but only
 * one at a time for a slot.
 */
void maps_flow_end(uint32_t index);

/** Frees the slot of a flow that has ended, after its counters were read for the last time. Any thread. */
void maps_flow_free(uint32_t index);

/** Returns whether the flows have taken more than 7/8 of the room. Any thread. */
bool maps_flows_crowded(void);

/** What a flow has carried since it was added. All zeros before it is read for the first time. */
struct flow_count {
	struct flow_total total;
	uint64_t usage; /* of the slot, when it was read last */
};

/**
 * Brings a count up to date, and tells inspectors of it (struct flow_note). To be called at least once in 5 seconds
 * for a flow that carries packets (flow_table_add), from one thread at a time for a slot.
 */
void maps_flow_read(uint32_t index, struct flow_count *count);

/** Returns `usage` of a slot (struct flow_slot), which changes with each packet that the flow carries. Any thread. */
uint64_t maps_flow_usage(uint32_t index);

/**
 * Returns how many bytes of padding were cut off, modulo 2^32. This is in the note of the flow, and not in its slot. Any
 * thread.
 */
uint32_t maps_flow_trimmed(uint32_t index);

/** Have the CPU fetch the counters or the note of a slot from memory, without waiting for them. Any thread. */
void maps_flow_fetch(uint32_t index);
void maps_note_fetch(uint32_t index);

/**
 * Returns what is noted of the flow in a slot, in memory that is shared with the XDP program. The server changes
 * it from one thread at a time.
 */
struct flow_note *maps_note(uint32_t index);

/**
 * Sets the gate of the flow in a slot (struct gate of abi.h), after all that was written to its note. Any thread,
 * but only one at a time for a slot.
 */
void maps_gate_put(uint32_t index, uint32_t gate);

/** Returns the gate of the flow in a slot. Only for the thread that sets it. */
uint32_t maps_gate(uint32_t index);

/** A next hop, as far as examples depend on it (channel/examples.h). */
struct hop_facts {
	uint32_t ifindex; /* 0: it is not resolved, or local */
	bool local;       /* it leads to this host itself */
};

/** Reads the facts of the next hop at an index of the hops. Any thread. */
void maps_hop_facts(uint32_t index, struct hop_facts *facts);

/** Adds or replaces a VLAN whose frames are for this host; NULL removes it. Returns 0 or -errno of bpf(2). */
int maps_vlan_put(const struct vlan_key *key, const struct vlan *vlan);

/** Makes a device a target of redirects. Returns 0, also if it is one already, or -errno of bpf(2). */
int maps_device_put(uint32_t ifindex);

/**
 * Replaces the next hop at an index of the hops; NULL: it leads nowhere. The XDP program sees
 * the old one, or the new one, or none (struct hop_entry of abi.h). Returns 0; or -ENOSPC if the next hop needs an
 * egress of its own and none is free: then the entry leads nowhere. Any thread, but only one at a time.
 */
int maps_hop_put(uint32_t index, const struct hop *hop);

/**
 * Tells inspectors of the session with a number; NULL: there is none any more. Does nothing if the kernel does not
 * permit it to this thread (maps_want_bpf). Any thread, but only one at a time for a number.
 */
void maps_session_put(uint32_t number, const struct session_entry *session);

/** Returns a slot of the limits, in memory that is shared with the XDP program. Any thread. */
struct limit *maps_limit(uint32_t index);

/**
 * Sets when the flows of a relay thread end by themselves, as CLOCK_MONOTONIC in nanoseconds. To be
 * called by that thread.
 */
void maps_deadline_put(uint16_t owner, uint64_t nanoseconds);

#endif
