/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* Where a packet leaves, and how. */
#ifndef BPF_FORWARD_H
#define BPF_FORWARD_H

#include "maps.h"
#include "packet.h"

/* The next hop of this index; NULL if it is not known now. */
static __always_inline const struct hop *hop_find(__u32 index)
{
	const struct hop_entry *entry = bpf_map_lookup_elem(&hops, &index);
	const struct hop *hop;

	if (!entry)
		return NULL;
	hop = &entry->slot[*(const volatile __u32 *)&entry->current & 1];
	return hop->ifindex || hop->flags & HOP_LOCAL ? hop : NULL;
}

/*
 * Sets *action to XDP_TX or XDP_REDIRECT and returns VERDICT_CONTINUE, or says why the
 * packet cannot leave by this hop. bpf_redirect_map only notes the device: the redirect
 * happens when the program returns XDP_REDIRECT.
 */
static __always_inline enum verdict hop_action(struct xdp_md *ctx, const struct packet *packet,
					       const struct hop *hop, int *action)
{
	if (hop->ifindex == ctx->ingress_ifindex && hop->flags & HOP_TRANSMIT) {
		*action = XDP_TX;
		return VERDICT_CONTINUE;
	}
	if (!packet->generic && !(hop->flags & HOP_REDIRECT))
		return VERDICT_NO_REDIRECT;
	if (frags && !packet->generic && !(hop->flags & HOP_FRAGS) &&
	    frame_length(ctx) > ctx->data_end - ctx->data)
		return VERDICT_FRAGS;
	*action = bpf_redirect_map(&devices, hop->ifindex, XDP_PASS);
	return *action == XDP_REDIRECT ? VERDICT_CONTINUE : VERDICT_NO_REDIRECT;
}

#endif
