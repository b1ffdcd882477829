/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* The program's counters: of verdicts, and of what each flow carried. */
#ifndef BPF_COUNTER_H
#define BPF_COUNTER_H

#include "flows.h"
#include "maps.h"

/*
 * Where several CPUs may add to the same counter, the program uses a relaxed
 * __atomic_fetch_add. From clang 20 on, the older __sync_fetch_and_add becomes an
 * instruction that Linux before 5.12 does not have.
 */

/* Each CPU has counters of its own, and XDP does not interrupt itself, so that plain additions lose nothing. */
static __always_inline void count_verdict(enum verdict verdict)
{
	__u32 cpu = bpf_get_smp_processor_id(), slot = verdict;
	__u64 *counters = bpf_map_lookup_elem(&verdicts, &cpu);

	/* The verifier does not know what a function returns that clang has seen through: the mask is to stay. */
	barrier_var(slot);
	if (counters)
		counters[slot & (VERDICT_SLOTS - 1)]++;
}

/*
 * Counts a packet that the flow in a slot, of this index, carried: its bytes of data, and the bytes that were cut off
 * behind them.
 */
static __always_inline void count_usage(struct flow_slot *slot, __u32 index, __u16 data, __u16 trimmed)
{
	struct flow_note *note;

	if (!slot)
		return;
	__atomic_fetch_add(&slot->usage, USAGE_PACKET + data, __ATOMIC_RELAXED);
	if (!trimmed)
		return;
	note = bpf_map_lookup_elem(&notes, &index);
	if (note)
		__atomic_fetch_add(&note->trimmed, trimmed, __ATOMIC_RELAXED);
}

#endif
