/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that run an XDP program on their members instead of themselves: a bond runs it on each of
 * its members, and hv_netvsc (Azure, Hyper-V) on the virtual function that stands in for it. The
 * program then sees frames of the device that come in by a member. Any thread.
 */
#ifndef OFFLOAD_IFACE_MEMBER_H
#define OFFLOAD_IFACE_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/links.h"

/* Room for the names that member_names writes. */
#define MEMBER_NAMES 128

/** The device that a link is a member of, or NULL. A bridge's ports are no members in this sense. */
const struct link *member_of(const struct links *links, const struct link *link);

/**
 * The next member of a device after `member`, or the first after NULL. NULL if there is no other
 * one.
 */
const struct link *member_next(const struct links *links, const struct link *device, const struct link *member);

/** Writes the names of a device's members, or as many as there is room for; "" if it has none. */
void member_names(const struct links *links, const struct link *device, char names[MEMBER_NAMES]);

/**
 * A number that is another one after a device's members have changed, or something else by which a
 * bond refuses a program or takes it. 0 for a device that has no members and is no bond.
 */
uint32_t member_fingerprint(const struct links *links, const struct link *device);

#endif
