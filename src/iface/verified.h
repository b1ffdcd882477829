/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksums that this host has verified in software before a program in generic mode sees the packet. The
 * skb then remembers the sum over the bytes that were received (CHECKSUM_COMPLETE with csum_complete_sw), which the
 * program cannot see, and cannot change. A receiver that gets this skb by way of a virtual device drops it,
 * because the program has changed the bytes. A network card sends the bytes alone, so nothing is lost there. What
 * comes by the one sort of devices and leaves by the other is left to coturn. One thread at a time.
 */
#ifndef OFFLOAD_IFACE_VERIFIED_H
#define OFFLOAD_IFACE_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink/links.h"

/**
 * Whether something on this host may have verified what comes in by a link: conntrack for a bridge's ports
 * (bridge_filter.h), or the tunnel that the packets came through. Kinds of links that are not known may.
 */
bool verified_may_come(const struct links *links, const struct link *link);

/** Notes of all links whether they hand skbs on. Without memory for them, all count as links that do. */
void verified_follow(const struct links *links);

/**
 * Whether what leaves by a device may come to a receiver on this host as the same skb. This is as verified_follow
 * has noted it; a device that it has not seen does.
 */
bool verified_are_handed_on(uint32_t ifindex);

/** Forgets what verified_follow has noted. */
void verified_forget(void);

#endif
