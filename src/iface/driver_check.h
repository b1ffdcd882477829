/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a device's driver can run the program in native mode, by what the kernel tells of it and by what is known of
 * drivers (driver.h). One thread.
 */
#ifndef OFFLOAD_IFACE_DRIVER_CHECK_H
#define OFFLOAD_IFACE_DRIVER_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "iface/driver.h"
#include "netlink/links.h"

/** Reads what a driver looks at. `frags`: the kernel has programs for frames of several buffers. */
void driver_check_read(const struct links *links, const struct link *device, bool frags, struct driver_facts *facts);

/**
 * Whether a driver can, before it is asked. It is `trusted` if the operator wants native mode where nothing says whether
 * the driver sends what a program relays. It is `alone` if frames only have to leave by the device that they came in by.
 * 0; or -EOPNOTSUPP with the reason in `why`.
 */
int driver_check(const struct driver_facts *facts, bool trusted, bool alone, char *why, size_t size);

/**
 * Whether a device may come to need the program for frames of several buffers: it takes them, and it has a large MTU or
 * may get one. A veth may not, as long as the program for one buffer is attached.
 */
bool driver_check_wants_frags(const struct link *device);

/** Whether the device sends all that a program relays: what is redirected from it and to it, too. As driver_check. */
bool driver_check_redirects(const struct link *device);

/** Whether the kernel does not tell what a driver sends, and it is not among those that are known. As driver_check. */
bool driver_check_unknown(const struct link *device);

#endif
