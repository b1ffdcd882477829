/* SPDX-License-Identifier: BSD-3-Clause */
/* The XDP program: whether it can run, and loading it. */
#ifndef OFFLOAD_LOADER_H
#define OFFLOAD_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "iface/address_owner.h"
#include "table/maps.h"
#include "base/option.h"

/**
 * Loads the program and attaches it to the interfaces. Those that cannot carry
 * it are left out, each with a line in the log that says why. Before the server
 * gives up its privileges; needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.
 * 0 if at least one interface carries the program or waits until another's is gone
 * (if the offload is required: if all carry it), else -errno with nothing left
 * behind. The kernel detaches it when the process ends, however it ends.
 */
int loader_start(const struct settings *settings, const struct interface_list *interfaces, struct maps *maps);

/** Detaches and unloads. Does nothing if not started. */
void loader_stop(void);

/** HOP_REDIRECT, HOP_TRANSMIT and HOP_FRAGS: how frames can leave by a device that is no VLAN. */
uint8_t loader_device_flags(uint32_t ifindex);

/**
 * Looks again at the interfaces: one may have another MAC now, be gone or be
 * back. Both this and loader_device_flags are for one thread at a time.
 */
void loader_links_changed(void);

#endif
