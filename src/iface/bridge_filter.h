/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether what comes in by a bridge's ports passes filters of IP first, and so conntrack. Any thread. */
#ifndef OFFLOAD_IFACE_BRIDGE_FILTER_H
#define OFFLOAD_IFACE_BRIDGE_FILTER_H

#include <stdbool.h>

#include "netlink/link.h"

/**
 * Whether br_netfilter is on for a bridge, for all bridges of this network namespace (net.bridge.bridge-nf-call-iptables and
 * -ip6tables) or for this one; or whether the kernel has loaded conntrack for bridges (nf_conntrack_bridge).
 */
bool bridge_filter_is_on(const struct link *bridge);

#endif
