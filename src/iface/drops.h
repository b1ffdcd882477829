/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that the XDP program has sent and that got lost afterwards: by device and CPU, as the kernel's tracepoints tell
 * (bpf/drops.bpf.c). Where the kernel has no such tracepoints, or does not let this process use them, nothing is known.
 * One thread at a time.
 */
#ifndef OFFLOAD_IFACE_DROPS_H
#define OFFLOAD_IFACE_DROPS_H

#include <stdbool.h>
#include <stdint.h>

#include "drop_count.h"

/**
 * Begins to count. Takes CAP_BPF and CAP_PERFMON. 0; or -errno: then all counts stay 0, which is no reason not to relay.
 */
int drops_start(void);

/** Ends it. Does nothing if it has not begun. */
void drops_stop(void);

/** Whether lost frames are counted. */
bool drops_are_known(void);

/** Returns how many CPUs count. */
unsigned int drops_cpus(void);

/**
 * Reads what was counted of a device on a CPU since the device is watched, which it is from the first such call on. All is 0 if
 * nothing is known, or if too many devices are watched.
 */
struct drops_count drops_read(uint32_t ifindex, unsigned int cpu);

/** The same, the sum over all CPUs. */
struct drops_count drops_sum(uint32_t ifindex);

/** No longer watches a device. */
void drops_forget(uint32_t ifindex);

#endif
