/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Counters. Each CPU has rows of its own and the program is not interrupted by
 * itself on a CPU, so plain additions lose nothing.
 */
#ifndef OFFLOAD_COUNTER_H
#define OFFLOAD_COUNTER_H

#include "maps.h"

static __always_inline void count_verdict(enum verdict verdict)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 *row = bpf_map_lookup_elem(&verdicts, &cpu);

	if (row)
		row[verdict & (VERDICT_ROW - 1)]++;
}

/* The row of a flow on this CPU; NULL only if the server sized the table wrong. */
static __always_inline struct usage_row *usage_find(const struct flow *flow)
{
	__u32 index = bpf_get_smp_processor_id() * usage_rows + flow->usage;

	return bpf_map_lookup_elem(&usage, &index);
}

static __always_inline void count_usage(struct usage_row *row, __u16 bytes_in, __u16 bytes_out)
{
	row->packets++;
	row->bytes_in += bytes_in;
	row->bytes_out += bytes_out;
}

#endif
