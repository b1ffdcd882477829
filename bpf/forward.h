/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* The way out of a packet. */
#ifndef OFFLOAD_FORWARD_H
#define OFFLOAD_FORWARD_H

#include "maps.h"

static __always_inline const struct hop *hop_find(const struct flow *flow)
{
	__u32 index = flow->hop;
	const struct hop_row *row = bpf_map_lookup_elem(&hops, &index);
	const struct hop *hop;

	if (!row)
		return NULL;
	hop = &row->slot[*(const volatile __u32 *)&row->current & 1];
	return hop->ifindex ? hop : NULL;
}

/*
 * XDP_TX or XDP_REDIRECT, or XDP_PASS where there is no way. The redirect is
 * only noted by the kernel: it happens when the program returns it.
 */
static __always_inline int hop_action(const struct hop *hop, __u32 ingress)
{
	if (hop->ifindex == ingress && hop->transmit)
		return XDP_TX;
	if (!hop->redirect)
		return XDP_PASS;
	return bpf_redirect_map(&devices, hop->ifindex, XDP_PASS);
}

#endif
