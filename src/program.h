/* SPDX-License-Identifier: BSD-3-Clause */
/* The XDP program: whether it can run, loading it, and where it is attached. */
#ifndef OFFLOAD_PROGRAM_H
#define OFFLOAD_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "interface.h"
#include "map.h"
#include "option.h"

/**
 * Loads the program and attaches it to the interfaces. Those that cannot carry
 * it are left out, each with a line in the log that says why. Before the server
 * gives up its privileges; needs CAP_BPF and CAP_NET_ADMIN.
 * 0 if at least one interface carries the program (all of them, if the offload is
 * required), else -errno with nothing
 * left behind. The kernel detaches it when the process ends, however it ends.
 */
int program_start(const struct settings *settings, const struct interface_list *interfaces,
		  struct map_set *maps);

/** Detaches and unloads. Does nothing if not started. */
void program_stop(void);

/**
 * How frames can leave by a device: by a redirect, and by XDP_TX when they came
 * in by it. A veth that has no program at its other end does not wake that end
 * for XDP_TX (veth_xdp_flush), so that frames would wait there; it does for a
 * redirect.
 */
void program_device_abilities(uint32_t ifindex, bool *redirect, bool *transmit);

/**
 * Looks again at the interfaces, one of which may have another MAC now. Both
 * this and program_device_abilities are for one thread at a time.
 */
void program_links_changed(void);

#endif
