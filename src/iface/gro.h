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

/**
 * Whether a feature of an interface is on, by the name that the kernel has for it, as "rx-lro". False if the
 * kernel does not say, or does not know the feature. One thread.
 */
bool gro_feature_is_on(const char *name, const char *feature);

#endif
