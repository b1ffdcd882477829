/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Makes the packet that coturn's own socket would have sent. Everything that can fail is
 * done before the first header is written. The frame is resized (resize.h) before max-bps is applied
 * (limit.h), because a packet that is over the limit is dropped.
 */
#ifndef BPF_REWRITE_H
#define BPF_REWRITE_H

#include "checksum.h"
#include "flows.h"
#include "forward.h"
#include "packet.h"

/* The datagram that is to leave. */
struct outgoing {
	const struct flow *flow;
	struct flow_found found; /* where the flow stands, for its counters */
	struct next_hop hop;     /* a copy of the flow's */
	__u32 delta;             /* sum of the new addresses and ports less the old */
	__u16 data;              /* bytes of relayed data */
	__u16 payload;           /* bytes of the UDP payload: the data, and towards a client the ChannelData header */
	__u16 header;            /* bytes of the ChannelData header that the packet came with: 4 or 0 */
	__sum16 check;           /* of the UDP header */
	__be16 id;               /* of the IPv4 header */
	__u8 tos;
	__u8 ttl;
	__u8 first_limited; /* 1: max-bps limits the session of the flow that led to this server itself */
};

/*
 * The sum of the bytes behind the data, which are cut off, as they count in the datagram's
 * sum: after an odd number of bytes the halves of each word are exchanged. -1 if the bytes
 * cannot be read.
 */
static __always_inline long excess_sum(struct xdp_md *ctx, const struct packet *packet,
				       const struct outgoing *out)
{
	__u32 before = sizeof(struct channel_header) + out->data;
	long sum = payload_sum(ctx, packet->offset + before, packet->length - before);

	return sum >= 0 && (out->data & 1) ? __builtin_bswap16(sum) : sum;
}

/*
 * The new UDP checksum by difference (RFC 1624); 0 if it cannot be computed. Four things
 * change: the addresses and ports, whose difference is a constant of the flow; the
 * length, which counts twice, in the UDP header and in the pseudo-header; the ChannelData
 * header, which comes or goes; and the bytes behind the data, which go. A wrong checksum
 * stays wrong.
 */
static __always_inline __sum16 check_by_difference(struct xdp_md *ctx, const struct packet *packet,
						   const struct outgoing *out)
{
	__u64 sum = csum_complement(packet->check);

	sum += out->delta;
	sum += 2 * (__u32)csum_complement(bpf_htons(sizeof(struct udphdr) + packet->length));
	sum += 2 * (__u32)bpf_htons(sizeof(struct udphdr) + out->payload);
	if (out->flow->channel) {
		sum += out->flow->channel;
		sum += bpf_htons(out->data);
	}
	if (out->header) {
		sum += csum_complement(packet->channel.number);
		sum += csum_complement(packet->channel.length);
	}
	if (packet->length != out->data + out->header) {
		long excess = excess_sum(ctx, packet, out);

		if (excess < 0)
			return 0;
		sum += csum_complement(excess);
	}
	return sum_finish_udp(sum);
}

/* The new UDP checksum, computed over the whole datagram; 0 if it cannot be computed. */
static __always_inline __sum16 check_in_full(struct xdp_md *ctx, const struct packet *packet,
					     const struct outgoing *out, const int v6)
{
	const struct flow *flow = out->flow;
	__be16 udp_length = bpf_htons(sizeof(struct udphdr) + out->payload);
	long data_sum = payload_sum(ctx, packet->offset + out->header, out->data);
	__u64 sum;

	if (data_sum < 0)
		return 0;
	sum = data_sum;
	if (v6)
		sum += pseudo_sum(pseudo_addresses6(flow->saddr.word, flow->daddr.word), udp_length);
	else
		sum += pseudo_sum((__u64)flow->saddr.v4 + flow->daddr.v4, udp_length);
	sum += flow->sport;
	sum += flow->dport;
	sum += udp_length;
	if (flow->channel) {
		sum += flow->channel;
		sum += bpf_htons(out->data);
	}
	return sum_finish_udp(sum);
}

/* Bytes before the UDP header of the packet that leaves. */
static __always_inline __u32 headers_length(const struct outgoing *out, const int v6)
{
	return sizeof(struct ethhdr) + out->hop.egress.tags + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
}

/* The header has no options. Its ID counts up within the flow, as the kernel's does (__ip_select_ident). */
static __always_inline void ipv4_write(struct iphdr *ip, const struct outgoing *out)
{
	const struct flow *flow = out->flow;
	__be16 length = bpf_htons(sizeof(*ip) + sizeof(struct udphdr) + out->payload);

	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tos = out->tos;
	ip->tot_len = length;
	ip->id = out->id;
	ip->frag_off = flow->flags & FLOW_DF;
	ip->ttl = out->ttl;
	ip->protocol = IPPROTO_UDP;
	ip->check = ~sum_fold((__u64)flow->ip_sum + bpf_htons(out->tos) + length + out->id +
			      bpf_htons((__u16)out->ttl << 8));
	ip->saddr = flow->saddr.v4;
	ip->daddr = flow->daddr.v4;
}

static __always_inline void ipv6_write(struct ipv6hdr *ip, const struct outgoing *out)
{
	const struct flow *flow = out->flow;

	*(__be32 *)ip = flow->label | bpf_htonl((__u32)out->tos << 20);
	ip->payload_len = bpf_htons(sizeof(struct udphdr) + out->payload);
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = out->ttl;
	__builtin_memcpy(&ip->saddr, &flow->saddr, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &flow->daddr, sizeof(ip->daddr));
}

/*
 * Writes the Ethernet header with the tags of the hop, and returns where the next header
 * begins. NULL is for the verifier, see headers_write.
 */
static __always_inline void *ethernet_write(void *at, const void *end, const struct next_hop *hop, const int v6)
{
	const struct egress *egress = &hop->egress;
	__be16 *type = at + 2 * sizeof(egress->mac);

	if (at + sizeof(struct ethhdr) > end)
		return NULL;
	/*
	 * By words, because clang copies memory that may be unaligned byte by byte. The first one has two
	 * bytes too many, which the source then takes the place of.
	 */
	*(any64 *)at = *(const any64 *)hop->entry.mac;
	((__u16 *)at)[3] = *(const __u16 *)egress->mac;
	((__u32 *)at)[2] = *(const __u32 *)(egress->mac + 2);
	at += sizeof(struct ethhdr);
#pragma unroll
	for (int i = 0; i < ABI_TAGS; i++) {
		if (!egress->tag[i].protocol)
			break;
		if (at + sizeof(struct vlan_tag) > end)
			return NULL;
		/* The tag's protocol takes the place of the type, which follows the tag. */
		*type = egress->tag[i].protocol;
		type = at + 2;
		*(__be16 *)at = egress->tag[i].tci;
		at += sizeof(struct vlan_tag);
	}
	*type = v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	return at;
}

/*
 * Writes all headers. It never fails, as frame_resize has made room for them; -1 is only for
 * the verifier, which does not know that.
 */
static __always_inline int headers_write(struct xdp_md *ctx, const struct outgoing *out, const int v6)
{
	const struct flow *flow = out->flow;
	void *end = (void *)(long)ctx->data_end;
	void *at = ethernet_write((void *)(long)ctx->data, end, &out->hop, v6);
	struct channel_header *channel;
	struct udphdr *udp;

	if (!at)
		return -1;
	if (v6) {
		if (at + sizeof(struct ipv6hdr) + sizeof(*udp) > end)
			return -1;
		ipv6_write(at, out);
		udp = at + sizeof(struct ipv6hdr);
	} else {
		if (at + sizeof(struct iphdr) + sizeof(*udp) > end)
			return -1;
		ipv4_write(at, out);
		udp = at + sizeof(struct iphdr);
	}
	channel = (void *)(udp + 1);
	udp->source = flow->sport;
	udp->dest = flow->dport;
	udp->len = bpf_htons(sizeof(*udp) + out->payload);
	udp->check = out->check;
	if (flow->channel) {
		if ((void *)(channel + 1) > end)
			return -1;
		channel->number = flow->channel;
		channel->length = bpf_htons(out->data);
	}
	return 0;
}

#endif
