// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * TURN channels in XDP: takes the 4 bytes of ChannelData off what a client
 * sends and puts them on what a peer sends (RFC 8656, section 12). The server
 * says which channels; every other packet goes up to it untouched.
 *
 * parse, look up, decide, rewrite, forward: see DESIGN.md.
 */
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "channel.h"
#include "counter.h"
#include "forward.h"
#include "limit.h"
#include "packet.h"
#include "rewrite.h"

/*
 * From a client to the peer that is this server's other client: the second flow
 * in place of the first. There is no third: it leads to a client, and one that
 * is on this host gets its packets from coturn.
 */
static __always_inline enum verdict turn_to_client(struct packet *packet, struct flow *flow,
						   struct outgoing *out, const int v6)
{
	enum verdict verdict;

	verdict = flow_hairpin(packet, v6, flow, &out->slot);
	if (verdict != VERDICT_CONTINUE)
		return verdict == VERDICT_NO_FLOW ? VERDICT_LOCAL : verdict;
	if (!flow->channel)
		return VERDICT_LOCAL;
	out->hop = hop_find(flow);
	if (!out->hop)
		return VERDICT_NO_NEXT_HOP;
	if (out->hop->flags & HOP_LOCAL)
		return VERDICT_LOCAL;
	out->delta += flow->udp_delta;
	out->payload = out->data + sizeof(struct channel_header);
	out->tos &= flow->tos_mask;
	out->ttl = ttl_out(flow, out->hop, out->ttl);
	return out->ttl ? VERDICT_CONTINUE : VERDICT_TTL;
}

/* By the session whose flow the packet leaves by. */
static __always_inline int limit_allows(const struct packet *packet, const struct outgoing *out)
{
	struct limit *limit = limit_find(out->flow);

	if (!limit)
		return 1;
	if (out->flow->channel)
		return limit_to_client(limit, out->flow, out->data, out->payload);
	return limit_from_client(limit, packet->length);
}

/*
 * What is known of the packet's way is enough: asks for the rest, and only then
 * writes. `first` is the slot of the flow that led to this server itself, or NULL.
 */
static __always_inline enum verdict send(struct xdp_md *ctx, const struct packet *packet, struct outgoing *out,
					 struct flow_slot *first, int *action, const int v6)
{
	__u16 trimmed = packet->length - out->header - out->data;
	enum verdict verdict;

	if ((v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + sizeof(struct udphdr) + out->payload >
	    out->hop->mtu)
		return VERDICT_TOO_BIG;
	verdict = hop_action(ctx, packet, out->hop, action);
	if (verdict != VERDICT_CONTINUE)
		return verdict;

	/*
	 * An skb remembers where its partial sum starts, and here the headers would
	 * move from under it; and it may be several datagrams yet to be segmented.
	 */
	if (packet->partial && packet->generic)
		return VERDICT_CHECKSUM;

	out->id = bpf_htons(out->flow->id_first + *(const volatile __u64 *)&out->slot->packets);
	if (!packet->check || packet->partial)
		out->check = check_in_full(ctx, packet, out, v6);
	else
		out->check = check_by_difference(ctx, packet, out);
	if (!out->check)
		return VERDICT_CHECKSUM;

	if (frame_resize(ctx, packet, out, v6))
		return VERDICT_NO_ROOM;
	/* Last: what goes up is charged by coturn, and a packet that is dropped may be half made. */
	if (first && out->first_limit && !limit_from_client(out->first_limit, packet->length))
		return VERDICT_LIMITED;
	if (out->flow->flags & FLOW_LIMITED && !limit_allows(packet, out)) {
		if (first)
			count_usage(first, out->data, trimmed);
		return VERDICT_LIMITED;
	}
	if (headers_write(ctx, out, v6))
		return VERDICT_NO_ROOM;
	if (first) {
		count_usage(first, out->data, trimmed);
		count_usage(out->slot, out->data, 0);
		return VERDICT_TO_OTHER_CLIENT;
	}
	count_usage(out->slot, out->data, trimmed);
	return out->flow->channel ? VERDICT_TO_CLIENT : VERDICT_TO_PEER;
}

/* Of a packet of either family. *action is set with the verdicts that relay. */
static __always_inline enum verdict relay(struct xdp_md *ctx, struct packet *packet, int *action, const int v6)
{
	struct flow_slot *first = NULL;
	struct outgoing out = {};
	struct flow flow;
	enum verdict verdict;

	verdict = packet_parse(ctx, packet, v6);
	if (verdict != VERDICT_CONTINUE)
		return verdict;
	verdict = flow_of(packet, v6, &flow, &out.slot);
	if (verdict != VERDICT_CONTINUE)
		return verdict;
	/* RFC 8200, section 8.1: the kernel drops it. */
	if (v6 && !packet->check)
		return VERDICT_CHECKSUM;

	if (flow.channel) {
		out.data = packet->length;
		out.payload = out.data + sizeof(struct channel_header);
	} else {
		out.data = bpf_ntohs(packet->channel.length);
		out.payload = out.data;
		out.header = sizeof(struct channel_header);
		if (!channel_length_ok(packet->length, out.data))
			return VERDICT_BAD_LENGTH;
	}
	out.flow = &flow;
	out.hop = hop_find(&flow);
	if (!out.hop)
		return VERDICT_NO_NEXT_HOP;
	out.delta = flow.udp_delta;
	out.tos = packet->tos & flow.tos_mask;
	out.ttl = ttl_out(&flow, out.hop, packet->ttl);
	if (!out.ttl)
		return VERDICT_TTL;
	if (out.hop->flags & HOP_LOCAL) {
		if (flow.channel)
			return VERDICT_LOCAL;
		first = out.slot;
		if (flow.flags & FLOW_LIMITED)
			out.first_limit = limit_find(&flow);
		if (flow.flags & FLOW_V6)
			verdict = turn_to_client(packet, &flow, &out, 1);
		else
			verdict = turn_to_client(packet, &flow, &out, 0);
		if (verdict != VERDICT_CONTINUE)
			return verdict;
	}
	if (flow.flags & FLOW_V6)
		return send(ctx, packet, &out, first, action, 1);
	return send(ctx, packet, &out, first, action, 0);
}

static __always_inline enum verdict frame_relay(struct xdp_md *ctx, int *action)
{
	struct packet packet;
	enum verdict verdict;
	__be16 protocol;

	verdict = frame_is_ours(ctx, &packet, &protocol);
	if (verdict != VERDICT_CONTINUE)
		return verdict;
	if (protocol == bpf_htons(ETH_P_IP))
		return relay(ctx, &packet, action, 0);
	return relay(ctx, &packet, action, 1);
}

SEC("xdp")
int turn(struct xdp_md *ctx)
{
	int action = XDP_PASS;
	enum verdict verdict = frame_relay(ctx, &action);
	__u32 index = 0;

	/* Never. But by this the kernel counts a table among the program's that only inspectors read. */
	if (!flow_slots)
		return bpf_map_lookup_elem(&begun, &index) ? XDP_PASS : XDP_ABORTED;

	count_verdict(verdict);
	switch (verdict) {
	case VERDICT_TO_PEER:
	case VERDICT_TO_CLIENT:
	case VERDICT_TO_OTHER_CLIENT:
		return action;
	case VERDICT_LIMITED:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

/* The kernel lends some of the helpers above to GPL-compatible programs only. */
char _license[] SEC("license") = "Dual BSD/GPL";
