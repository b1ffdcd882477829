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
#include "packet.h"
#include "rewrite.h"

/* Decides, and only then writes. *action is set with the two relayed verdicts. */
static __always_inline enum verdict relay(struct xdp_md *ctx, int *action)
{
	struct packet packet = {};
	struct outgoing out = {};
	const struct flow *found;
	struct flow flow;
	enum verdict verdict;
	struct usage_row *row;
	int to_peer;

	verdict = packet_parse(ctx, &packet);
	if (verdict != VERDICT_COUNT)
		return verdict;
	found = flow_find(&packet);
	if (!found || flow_copy(found, &packet.key, &flow))
		return VERDICT_NO_FLOW;
	out.flow = &flow;
	if (!owner_alive(out.flow))
		return VERDICT_SERVER_SILENT;

	to_peer = !out.flow->channel;
	if (to_peer) {
		out.data = bpf_ntohs(packet.channel.length);
		out.payload = out.data;
		if (!channel_length_ok(packet.length, out.data))
			return VERDICT_BAD_LENGTH;
	} else {
		out.data = packet.length;
		out.payload = out.data + sizeof(struct channel_header);
	}
	out.ttl = ttl_out(out.flow, packet.ttl);
	if (!out.ttl)
		return VERDICT_TTL;

	out.hop = hop_find(out.flow);
	if (!out.hop)
		return VERDICT_NO_NEXT_HOP;
	if (sizeof(struct iphdr) + sizeof(struct udphdr) + out.payload > out.hop->mtu)
		return VERDICT_TOO_BIG;
	*action = hop_action(out.hop, ctx->ingress_ifindex);
	if (*action == XDP_PASS)
		return VERDICT_NO_REDIRECT;

	/*
	 * An skb remembers where its partial sum starts, and here the headers would
	 * move from under it; and it may be several datagrams yet to be segmented.
	 */
	if (packet.partial && generic)
		return VERDICT_CHECKSUM;

	row = usage_find(out.flow);
	if (!row)
		return VERDICT_NO_FLOW;
	out.id = bpf_htons(out.flow->id_first + row->packets);
	if (!packet.check || packet.partial)
		out.check = check_in_full(ctx, &out);
	else
		out.check = check_by_difference(ctx, &packet, &out);
	if (!out.check)
		return VERDICT_CHECKSUM;

	if (frame_resize(ctx, &out) || headers_write(ctx, &packet, &out))
		return VERDICT_NO_ROOM;
	count_usage(row, packet.length, out.payload);
	return to_peer ? VERDICT_TO_PEER : VERDICT_TO_CLIENT;
}

SEC("xdp")
int turn(struct xdp_md *ctx)
{
	int action = XDP_PASS;
	enum verdict verdict = relay(ctx, &action);

	count_verdict(verdict);
	return verdict <= VERDICT_TO_CLIENT ? action : XDP_PASS;
}

/* The kernel lends some of the helpers above to GPL-compatible programs only. */
char _license[] SEC("license") = "Dual BSD/GPL";
