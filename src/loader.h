/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads the XDP program, and has it attached to the interfaces. */
#ifndef OFFLOAD_LOADER_H
#define OFFLOAD_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"
#include "table/maps.h"

/**
 * Loads the program and attaches it to the interfaces of the selection (iface/selection.h),
 * which has been started. The log says of each interface in which mode it carries the program,
 * or why it does not. Call it before the server gives up its privileges: it takes CAP_BPF,
 * CAP_NET_ADMIN and CAP_PERFMON. 0 if at least one interface carries the program, or may before
 * long: it or its address is waited for, or another's program is to go. If the offload is
 * required, 0 only if all interfaces carry the program and have all addresses of the server. Otherwise -errno, with nothing left behind. The kernel
 * detaches the program when the process ends, however it ends.
 */
int loader_start(const struct settings *settings, struct maps *maps);

/**
 * Loads the program with the smallest tables, attaches it to nothing, and unloads it at once. 0 if the kernel takes
 * it; or -errno, and library_log_warning says what libbpf has to say. For a process that does not run the offload.
 */
int loader_try(void);

/** Writes how many bytes the tables for so many channels take. Needs no privilege. 0 or -errno. */
int loader_memory(unsigned int channels, uint64_t *bytes);

/** Detaches and unloads the program. Does nothing if it is not loaded. */
void loader_stop(void);

/** How frames can leave by a device that is no VLAN: HOP_REDIRECT, HOP_TRANSMIT, HOP_FRAGS and HOP_HANDS_ON. One thread. */
uint8_t loader_device_flags(uint32_t ifindex);

/**
 * Writes the devices that packets come in and leave by, at most `room`. Returns how many. To be called by
 * the thread that calls loader_device_flags.
 */
unsigned int loader_devices(uint32_t *ifindexes, unsigned int room);

/**
 * Looks at the interfaces again: one may have another MAC address now, be gone, or be back. `heard`: the kernel has
 * told not long ago that links, addresses or routes have changed. To be called by the thread that calls
 * loader_device_flags.
 */
void loader_look_at_links(bool heard);

#endif
