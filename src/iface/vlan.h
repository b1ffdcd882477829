/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN interfaces: which device is below them, as in native mode tags are part of the frame
 * there, and the table that tells the program which tagged frames are for this host.
 */
#ifndef OFFLOAD_IFACE_VLAN_H
#define OFFLOAD_IFACE_VLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "netlink/links.h"

/**
 * The device below all VLANs of a link, which is the link itself if it is no VLAN. NULL if there are more than ABI_TAGS tags, if
 * the device is in another network namespace, or if `link` is NULL. Any thread.
 */
const struct link *vlan_device(const struct links *links, const struct link *link);

/** Whether there are VLAN interfaces right above a link. Any thread. */
bool vlan_above(const struct links *links, uint32_t ifindex);

/** How much a VLAN is wanted in the table, which may not have room for all. */
enum vlan_rank { VLAN_NO,
		 VLAN_IF_ROOM,
		 VLAN_FIRST };

/**
 * Makes the table hold the VLANs that are up and wanted, and no others. `wanted` is called with
 * the index of a VLAN's link and of the device below. What has no room, or what the kernel
 * refuses, is relayed in userspace, which the log says once. One thread, once maps_open was
 * called.
 */
void vlan_follow(const struct links *links,
		 enum vlan_rank (*wanted)(uint32_t vlan, uint32_t device));

/** Forgets what the table holds, as the table itself is gone. The same thread. */
void vlan_forget(void);

#endif
