// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * The XDP program. It takes the 4-byte ChannelData header off the datagrams that a client
 * sends to a peer, and puts one on the datagrams that a peer sends to the client (RFC 8656,
 * section 12). The server's tables say for which channels; every other packet goes up to
 * the server untouched.
 *
 * A packet passes five stages, each in a header of its own: parse (packet.h), look up
 * (channel.h, flows.h), decide (channel.h, gate.h, forward.h), rewrite (rewrite.h, checksum.h, resize.h,
 * and limit.h between the resizing of the frame and the writing of its headers) and
 * forward (forward.h). See docs/architecture.md.
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
#include "resize.h"
#include "rewrite.h"

/*
 * The peer is another client of this server: the packet leaves by that client's flow,
 * which is looked up with what the first flow would have sent. There is never a third
 * flow, since the second one leads to a client; a client on this very host gets its
 * packets from coturn.
 */
static __always_inline enum verdict to_other_client(struct packet *packet, struct flow *flow,
						    struct outgoing *out, const int v6)
{
	enum verdict verdict;

	verdict = flow_hairpin(packet, v6, flow, &out->found);
	if (verdict == VERDICT_CONTINUE && flow->channel)
		verdict = hop_copy(flow->hop, &out->found, &out->hop);
	if (verdict != VERDICT_CONTINUE)
		return verdict == VERDICT_NO_FLOW ? VERDICT_LOCAL : verdict;
	if (!flow->channel)
		return VERDICT_LOCAL;
	if (out->hop.entry.flags & HOP_LOCAL)
		return VERDICT_LOCAL;
	out->delta += flow->udp_delta;
	out->payload = out->data + sizeof(struct channel_header);
	out->tos = tos_out(flow, out->tos);
	out->ttl = ttl_out(flow, &out->hop.entry, out->ttl);
	return out->ttl ? VERDICT_CONTINUE : VERDICT_TTL;
}

/* Whether max-bps of the session whose flow the packet leaves by lets it pass. */
static __always_inline int limit_allows(const struct packet *packet, const struct outgoing *out)
{
	if (out->flow->channel)
		return limit_to_client(out->found.index, out->flow->flags & FLOW_LIMITED_V6, out->data, out->payload);
	return limit_from_client(out->found.index, packet->length);
}

/*
 * In generic mode the packet is an skb, and what that remembers of its checksum stays as it is. Of a partial
 * checksum it remembers where the sum starts. The program would move the headers, and a device that
 * completes the checksum later would write into the ports. The skb may also be several datagrams that
 * have yet to be segmented. Of a checksum that this host has verified in software it remembers the sum over
 * the bytes that were received, and a receiver that gets the same skb would drop it, because the sum is another
 * one now (udp4_csum_init of Linux).
 */
static __always_inline int skb_remembers(const struct packet *packet, const struct hop_entry *hop)
{
	return packet->partial || (packet->generic & GENERIC_VERIFIED && hop->flags & HOP_HANDS_ON);
}

/*
 * Flow and hop are known. Asks for all that can still fail, and only then writes to the
 * packet. `first` is the slot of the flow that led to this server itself, FLOW_NONE if the peer
 * is none of its clients.
 */
static __always_inline enum verdict send(struct xdp_md *ctx, const struct packet *packet, struct outgoing *out,
					 const __u32 first, int *action, const int v6)
{
	__u16 trimmed = packet->length - out->header - out->data;
	enum verdict verdict;

	if ((v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + sizeof(struct udphdr) + out->payload >
	    out->hop.entry.mtu)
		return VERDICT_TOO_BIG;
	verdict = hop_action(ctx, packet, &out->hop, action);
	if (verdict != VERDICT_CONTINUE)
		return verdict;

	if (packet->generic && skb_remembers(packet, &out->hop.entry))
		return VERDICT_CHECKSUM;

	out->id = bpf_htons(out->flow->id_first + (*(const volatile __u64 *)&out->found.slot->usage >> USAGE_SHIFT));
	if (!packet->check || packet->partial)
		out->check = check_in_full(ctx, packet, out, v6);
	else
		out->check = check_by_difference(ctx, packet, out);
	if (!out->check)
		return VERDICT_CHECKSUM;

	if (frame_resize(ctx, packet, out, v6)) {
		attachment_no_room(ctx->ingress_ifindex);
		return VERDICT_NO_ROOM;
	}
	/*
	 * max-bps comes last, because coturn charges whatever goes up. A packet that is over
	 * the limit is dropped, so that it does not matter that its frame was resized.
	 */
	if (first != FLOW_NONE && out->first_limited && !limit_from_client(first, packet->length))
		return VERDICT_LIMITED;
	if (out->flow->flags & FLOW_LIMITED && !limit_allows(packet, out)) {
		if (first != FLOW_NONE)
			count_usage(slot_at(first), first, out->data, trimmed);
		return VERDICT_LIMITED;
	}
	if (headers_write(ctx, out, v6))
		return VERDICT_NO_ROOM;
	if (first != FLOW_NONE) {
		count_usage(slot_at(first), first, out->data, trimmed);
		count_usage(out->found.slot, out->found.index, out->data, 0);
		return VERDICT_TO_OTHER_CLIENT;
	}
	count_usage(out->found.slot, out->found.index, out->data, trimmed);
	return out->flow->channel ? VERDICT_TO_CLIENT : VERDICT_TO_PEER;
}

/* Relays a packet whose family is `v6`. *action is set if the verdict is one that relays. */
static __always_inline enum verdict relay(struct xdp_md *ctx, struct packet *packet, int *action, const int v6)
{
	__u32 first = FLOW_NONE;
	struct outgoing out;
	struct flow flow;
	enum verdict verdict;

	out.first_limited = 0;
	out.header = 0;
	verdict = packet_parse(ctx, packet, v6);
	if (verdict != VERDICT_CONTINUE)
		return verdict;
	verdict = flow_of(packet, v6, &flow, &out.found);
	if (verdict != VERDICT_CONTINUE)
		return verdict;
	/* The kernel drops an IPv6 datagram without a UDP checksum (RFC 8200, section 8.1). */
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
	verdict = hop_copy(flow.hop, &out.found, &out.hop);
	if (verdict != VERDICT_CONTINUE)
		return verdict;
	out.delta = flow.udp_delta;
	out.tos = tos_out(&flow, packet->tos);
	out.ttl = ttl_out(&flow, &out.hop.entry, packet->ttl);
	if (!out.ttl)
		return VERDICT_TTL;
	if (out.hop.entry.flags & HOP_LOCAL) {
		if (flow.channel)
			return VERDICT_LOCAL;
		first = out.found.index;
		out.first_limited = !!(flow.flags & FLOW_LIMITED);
		if (flow.flags & FLOW_V6)
			verdict = to_other_client(packet, &flow, &out, 1);
		else
			verdict = to_other_client(packet, &flow, &out, 0);
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

/* The kernel offers some of the helpers above only to programs with a GPL-compatible license. */
char _license[] SEC("license") = "Dual BSD/GPL";
