/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The aliases of devices in native mode: their members, by which the program sees their frames (member.h).
 * One thread.
 */
#ifndef OFFLOAD_IFACE_ALIAS_H
#define OFFLOAD_IFACE_ALIAS_H

#include "netlink/links.h"

/**
 * Makes the members of each device that carries the program in native mode its aliases, and no other
 * interface; and follows their MAC addresses and which of them are backups. The frames of members that find
 * no room are relayed in userspace, which the log says once.
 */
void alias_follow(const struct links *links);

#endif
