/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What members have against a mode (member.h). Reasons are as in mode_check.h. All of this is for one
 * thread.
 */
#ifndef OFFLOAD_IFACE_MEMBER_CHECK_H
#define OFFLOAD_IFACE_MEMBER_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "iface/mode_check.h"
#include "netlink/links.h"

/**
 * Whether nothing of this speaks against native mode on a device: it is no member itself; its bond's
 * mode has XDP; and each of its members can run the program (mode_check_device). 0, also for a device
 * without members; -EBUSY if another program is on a member; or -EOPNOTSUPP.
 */
int member_check_native(const struct links *links, const struct link *device, const struct mode_wish *wish, char *why,
			size_t size);

/**
 * Whether a device that carries the program in native mode still sees its own frames: it has not
 * become a member itself, and each of its members has XDP. A bond with a program takes no others,
 * but hv_netvsc takes any virtual function. 0 or -EOPNOTSUPP.
 */
int member_check_runs(const struct links *links, const struct link *device, char *why, size_t size);

/** Whether a link is no member: its frames would be another device's. 0 or -EOPNOTSUPP. */
int member_check_none(const struct links *links, const struct link *link, char *why, size_t size);

#endif
