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

/**
 * Reads what was counted of a device, on all CPUs, since the device is watched, which it is from the first such call on. All is
 * 0 if nothing is known, or if too many devices are watched.
 */
struct drops_count drops_read(uint32_t ifindex);

/** No longer watches a device. */
void drops_forget(uint32_t ifindex);

/** Writes the devices that are watched, at most DROPS_DEVICES. Returns how many they are. */
unsigned int drops_list(uint32_t *ifindexes);

/**
 * Looks at what was counted of a device since the last such call, about a second ago; `up` is whether its link is. On a CPU that
 * has no transmit queue of its own, some drivers drop all that is redirected to them.
 */
void drops_look(uint32_t ifindex, bool up);

/**
 * Whether frames that are redirected to a device do not leave: in three calls of drops_look in a row, frames were dropped on
 * one CPU and none was sent there. It stays so until the device is forgotten.
 */
bool drops_lose_redirects(uint32_t ifindex);

/**
 * From now on, or no longer, counts what the network stack receives by the devices that are watched. 0, also if it is so
 * already, or -errno. It costs time for each frame that this host receives. Needs no capability, but CAP_BPF on kernels before 5.19.
 */
int drops_count_received(bool wanted);

#endif
