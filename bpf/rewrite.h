/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * The packet as coturn's own socket would have sent it. All that can fail is
 * done before the first byte is written.
 */
#ifndef OFFLOAD_REWRITE_H
#define OFFLOAD_REWRITE_H

#include "checksum.h"
#include "packet.h"

/* The datagram that is to leave. */
struct outgoing {
	const struct flow *flow;
	const struct hop *hop;
	__u16 data;    /* bytes of relayed data */
	__u16 payload; /* bytes of the UDP payload: data, and a header to a client */
	__sum16 check; /* of the UDP header */
	__be16 id;     /* of the IP header */
	__u8 ttl;
};

/*
 * The sum of what is behind the data and is cut off, placed as it stands in the
 * datagram: behind an odd number of bytes, the words are shifted by one.
 */
static __always_inline long excess_sum(struct xdp_md *ctx, const struct packet *packet,
				       const struct outgoing *out)
{
	__u32 offset = sizeof(struct headers) + sizeof(struct channel_header) + out->data;
	long sum = payload_sum(ctx, offset, packet->length - sizeof(struct channel_header) - out->data);

	return sum >= 0 && (out->data & 1) ? __builtin_bswap16(sum) : sum;
}

/*
 * The new checksum by difference (RFC 1624): addresses and ports by the flow's
 * constant; the length stands in the UDP header and in the pseudo-header; the
 * ChannelData header comes or goes, with what is behind the data. So a wrong
 * checksum stays wrong. 0 if that cannot be.
 */
static __always_inline __sum16 check_by_difference(struct xdp_md *ctx, const struct packet *packet,
						   const struct outgoing *out)
{
	__u64 sum = sum_less(packet->check);

	sum += out->flow->udp_delta;
	sum += 2 * (__u32)sum_less(bpf_htons(sizeof(struct udphdr) + packet->length));
	sum += 2 * (__u32)bpf_htons(sizeof(struct udphdr) + out->payload);
	if (out->flow->channel) {
		sum += out->flow->channel;
		sum += bpf_htons(out->data);
		return sum_finish_udp(sum);
	}
	sum += sum_less(packet->channel.number);
	sum += sum_less(packet->channel.length);
	if (packet->length != out->data + sizeof(struct channel_header)) {
		long excess = excess_sum(ctx, packet, out);

		if (excess < 0)
			return 0;
		sum += sum_less(excess);
	}
	return sum_finish_udp(sum);
}

/* The new checksum from scratch; 0 if that cannot be. */
static __always_inline __sum16 check_in_full(struct xdp_md *ctx, const struct outgoing *out)
{
	const struct flow *flow = out->flow;
	__u32 offset = sizeof(struct headers);
	__be16 udp_length = bpf_htons(sizeof(struct udphdr) + out->payload);
	long data_sum;
	__u64 sum;

	if (!flow->channel)
		offset += sizeof(struct channel_header);
	data_sum = payload_sum(ctx, offset, out->data);
	if (data_sum < 0)
		return 0;
	sum = data_sum;
	sum += pseudo_sum(flow->saddr.v4, flow->daddr.v4, udp_length);
	sum += flow->sport;
	sum += flow->dport;
	sum += udp_length;
	if (flow->channel) {
		sum += flow->channel;
		sum += bpf_htons(out->data);
	}
	return sum_finish_udp(sum);
}

/*
 * Moves the start and the end of the frame to where those of the new one are.
 * 0, or -1 with the frame as it was.
 */
static __always_inline int frame_resize(struct xdp_md *ctx, const struct outgoing *out)
{
	int shift = out->flow->channel ? -(int)sizeof(struct channel_header) :
					 (int)sizeof(struct channel_header);
	void *data, *end;
	long size;
	int excess;

	if (bpf_xdp_adjust_head(ctx, shift))
		return -1;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	size = end - data;
	barrier_var(size); /* or clang 14 adds to the pointer in 32 bits */
	excess = (int)size - (int)sizeof(struct headers) - out->payload;
	if (excess > 0 && bpf_xdp_adjust_tail(ctx, -excess)) {
		bpf_xdp_adjust_head(ctx, -shift);
		return -1;
	}
	return 0;
}

/*
 * Writes the headers. The IP header has no options, and an ID that counts up in
 * its flow, as that of the kernel does (__ip_select_ident). The -1 is for the
 * verifier, which cannot know that frame_resize has made room for all of it.
 */
static __always_inline int headers_write(struct xdp_md *ctx, const struct packet *packet,
					 const struct outgoing *out)
{
	const struct flow *flow = out->flow;
	struct headers *h = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct channel_header *channel = (void *)(h + 1);
	__be16 ip_length = bpf_htons(sizeof(h->ip) + sizeof(h->udp) + out->payload);

	if ((void *)channel > end)
		return -1;
	if (flow->channel) {
		if ((void *)(channel + 1) > end)
			return -1;
		channel->number = flow->channel;
		channel->length = bpf_htons(out->data);
	}
	__builtin_memcpy(&h->eth, out->hop->eth, sizeof(out->hop->eth));
	h->eth.h_proto = bpf_htons(ETH_P_IP);

	h->ip.version = 4;
	h->ip.ihl = sizeof(h->ip) / 4;
	h->ip.tos = packet->tos;
	h->ip.tot_len = ip_length;
	h->ip.id = out->id;
	h->ip.frag_off = flow->frag_off;
	h->ip.ttl = out->ttl;
	h->ip.protocol = IPPROTO_UDP;
	h->ip.check = ~sum_fold((__u64)flow->ip_sum + bpf_htons(packet->tos) + ip_length + out->id +
				bpf_htons((__u16)out->ttl << 8));
	h->ip.saddr = flow->saddr.v4;
	h->ip.daddr = flow->daddr.v4;

	h->udp.source = flow->sport;
	h->udp.dest = flow->dport;
	h->udp.len = bpf_htons(sizeof(h->udp) + out->payload);
	h->udp.check = out->check;
	return 0;
}

#endif
