/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received datagrams that the kernel merges (GRO) before a program in generic mode sees them:
 * the program would relay several datagrams as one.
 */
#ifndef OFFLOAD_IFACE_GRO_H
#define OFFLOAD_IFACE_GRO_H

#include <stdbool.h>

#include "netlink/links.h"

/**
 * Whether rx-gro-list or rx-udp-gro-forwarding is on for an interface or for a device below it:
 * the members of a bridge or a bond, the device below a VLAN. False if the kernel does not say.
 * One thread.
 */
bool gro_merges_udp(const struct links *links, const struct link *link);

#endif
