/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN interfaces: the device below them, which can carry the program in native
 * mode where tags are part of the frame, and the table that tells the program
 * which tagged frames are for this host.
 */
#ifndef OFFLOAD_IFACE_VLAN_H
#define OFFLOAD_IFACE_VLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "netlink/links.h"

/**
 * The device below all VLANs of a link, which may be the link itself, and in `key`
 * how its frames are tagged there. NULL if there are more than ABI_TAGS of them, or
 * if the device is in another network namespace.
 */
const struct link *vlan_below(const struct links *links, const struct link *link,
			      struct vlan_key *key);

/** Whether VLAN interfaces sit on top of a link. */
bool vlan_above(const struct links *links, uint32_t ifindex);

/** How much a VLAN is wanted in the table, which may be too short for all. */
enum vlan_rank { VLAN_NO, VLAN_IF_ROOM, VLAN_FIRST };

/**
 * Makes the table hold those VLANs that are up and wanted; `wanted` is asked with
 * the VLAN's link and the device below. One thread, once the tables are open.
 */
void vlan_follow(const struct links *links,
		 enum vlan_rank (*wanted)(uint32_t vlan, uint32_t device));

/** The table is gone, with all that it held. */
void vlan_forget(void);

#endif
