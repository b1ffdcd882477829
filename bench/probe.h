/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* What the programs of the XDP round trip and their loader share. */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <linux/types.h>

/* The first bytes of a probe: headers as in frame.h, and its number, which comes after them. */
struct probe_head {
	__u64 words[7];
};

#define PROBES_MAX 65536
/* One that is not back by then is lost. */
#define PROBE_TIMEOUT_NS 50000000ull

/* Written by the sender but for `waiting` and `count`, which the receiver writes as well. */
struct probe_state {
	__u64 sent; /* ns */
	__u64 next; /* no other one before, ns */
	__u32 number, waiting, count, lost;
};

_Static_assert(sizeof(struct probe_head) == 56, "probe_head has no padding");

#endif
