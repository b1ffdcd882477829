/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* Where a packet leaves, and how. */
#ifndef BPF_FORWARD_H
#define BPF_FORWARD_H

#include "flows.h"
#include "maps.h"
#include "packet.h"

/* A copy of a next hop. */
struct next_hop {
	struct hop_entry entry;
	struct egress egress;
};

/*
 * Copies the next hop of a flow, so that it does not change any more while the packet is made.
 * Returns VERDICT_CONTINUE; VERDICT_NO_NEXT_HOP if it is not known now or was just changing; or
 * VERDICT_NO_FLOW if the flow has ended or changed meanwhile, so that the entry may be for
 * other addresses already.
 */
static __always_inline enum verdict hop_copy(__u32 index, const struct flow_found *found, struct next_hop *copy)
{
	const struct hop_entry *entry = bpf_map_lookup_elem(&hops, &index);
	any64 *word = (any64 *)&copy->entry;
	const volatile any64 *egress;
	__u64 loaded;

	if (!entry)
		return VERDICT_NO_NEXT_HOP;
	/* The sequence comes along with the index of the egress. */
	loaded = word[0] = *(const volatile any64 *)entry;
	if (!(copy->entry.seq & 1))
		return VERDICT_NO_NEXT_HOP;
	entry = load_after(entry, loaded);
	loaded |= word[1] = ((const volatile any64 *)entry)[1];
	egress = (const volatile any64 *)&egresses[copy->entry.egress & (ABI_EGRESSES - 1)];
	word = (any64 *)&copy->egress;
	for (int i = 0; i < 3; i++)
		loaded |= word[i] = egress[i];
	entry = load_after(entry, loaded);
	if (*(const volatile __u32 *)&entry->seq != copy->entry.seq)
		return VERDICT_NO_NEXT_HOP;
	return slot_seq(load_after(found->slot, loaded)) == found->seq ? VERDICT_CONTINUE : VERDICT_NO_FLOW;
}

/*
 * Sets *action to XDP_TX or XDP_REDIRECT and returns VERDICT_CONTINUE, or says why the
 * packet cannot leave by this hop. bpf_redirect_map only notes the device: the redirect
 * happens when the program returns XDP_REDIRECT.
 */
static __always_inline enum verdict hop_action(struct xdp_md *ctx, const struct packet *packet,
					       const struct next_hop *hop, int *action)
{
	if (hop->egress.ifindex == packet->device && hop->entry.flags & HOP_TRANSMIT) {
		*action = XDP_TX;
		return VERDICT_CONTINUE;
	}
	if (!packet->generic && !(hop->entry.flags & HOP_REDIRECT))
		return VERDICT_NO_REDIRECT;
	if (frags && !packet->generic && !(hop->entry.flags & HOP_FRAGS) &&
	    frame_length(ctx) > ctx->data_end - ctx->data)
		return VERDICT_FRAGS;
	*action = bpf_redirect_map(&devices, hop->egress.ifindex, XDP_PASS);
	return *action == XDP_REDIRECT ? VERDICT_CONTINUE : VERDICT_NO_REDIRECT;
}

#endif
