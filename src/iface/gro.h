/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received UDP that the kernel merges before generic XDP would see it: the skb
 * is several datagrams, which the program would relay as one.
 */
#ifndef OFFLOAD_IFACE_GRO_H
#define OFFLOAD_IFACE_GRO_H

#include <stdbool.h>

#include "netlink/links.h"

/**
 * Whether rx-gro-list or rx-udp-gro-forwarding is on for an interface or for a
 * device below it: the members of a bridge or a bond, what a VLAN sits on.
 */
bool gro_merges_udp(const struct links *links, const struct link *link);

#endif
