/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When all interfaces have to use one mode. An interface that can only be generic may take
 * no frames from drivers; then channels between it and interfaces in native mode would be
 * relayed in userspace. So all interfaces that can use generic mode do. One thread.
 */
#ifndef OFFLOAD_IFACE_ONE_MODE_H
#define OFFLOAD_IFACE_ONE_MODE_H

#include <stdbool.h>
#include <stdint.h>

#include "iface/interfaces.h"

/**
 * The first interface that can only be generic and takes no frames from drivers, or drops them, other than `except`
 * (NULL: any), whose mode was chosen at least `age_ns` nanoseconds ago. NULL: there is none.
 */
const struct interface *one_mode_outsider(const struct interfaces *interfaces, const struct interface *except,
					  uint64_t age_ns);

/** Sets in the plan what concerns one interface: which outsider it follows (NULL: none), and whether it is alone. */
void one_mode_prepare(struct interfaces *interfaces, const struct interface *interface, const struct interface *outsider,
		      const struct links *links);

/** Whether a device is in native mode and all interfaces that it carries could use generic mode. */
bool one_mode_can_change(const struct interfaces *interfaces, uint32_t device, const struct links *links);

/** Chooses an interface's mode, which may follow that of the others. */
enum mode_outcome one_mode_choose(struct interfaces *interfaces, struct interface *interface, const struct links *links,
				  const struct link *link);

/** Changes all interfaces in native mode that can use generic mode, for the sake of an outsider. */
void one_mode_apply(struct interfaces *interfaces, const struct interface *outsider, const struct links *links);

#endif
