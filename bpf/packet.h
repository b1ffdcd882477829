/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Takes a frame apart into the facts of a datagram (struct packet). Whatever is not a plain,
 * whole UDP datagram for this host is refused here, before anything is looked up.
 */
#ifndef BPF_PACKET_H
#define BPF_PACKET_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "checksum.h"
#include "maps.h"

#define IPV4_VERSION_IHL 0x45
#define IPV4_MF 0x2000
#define IPV4_OFFSET 0x1fff
#define IPV6_VERSION 0x60
#define VLAN_ID 0x0fff

/* RFC 8656, section 12.4. */
struct channel_header {
	__be16 number;
	__be16 length;
};

struct packet {
	struct gate gate; /* of the device that the packet has come in by */
	__u32 device;     /* its ifindex */
	union {
		struct flow_key v4;
		struct flow_key6 v6;
	} key;
	struct channel_header channel; /* the first 4 bytes of the payload; 0 if it is shorter */
	__u16 offset;                  /* of the UDP payload in the frame */
	__u16 length;                  /* of the UDP payload */
	__sum16 check;                 /* of the UDP header, as received */
	__u8 tos;                      /* or traffic class */
	__u8 ttl;                      /* or hop limit */
	__u8 partial;                  /* the checksum is only the pseudo-header's: a local socket left the rest to the device */
	__u8 generic;                  /* GENERIC_*: the program runs on skbs; 0: on the driver's buffers */
};

/* So many entries of `attachments` are looked at in place. Most servers have no more. */
#define ATTACHMENTS_NEAR 4

/*
 * Looks for an interface among the other entries. The index, or ABI_PORTS. The function is not
 * static, so that the verifier walks the loop once. With the loop in place, it would walk all that follows
 * once for each entry.
 */
__noinline __u32 attachment_search(__u32 ifindex)
{
	for (__u32 i = ATTACHMENTS_NEAR; i < ABI_PORTS && attachments[i].ifindex; i++) {
		if (attachments[i].ifindex == ifindex)
			return i;
	}
	return ABI_PORTS;
}

/* What the server says of an interface; NULL if it says nothing. */
static __always_inline struct attachment *attachment_find(__u32 ifindex)
{
	__u32 index;

#pragma unroll
	for (int i = 0; i < ATTACHMENTS_NEAR; i++) {
		if (attachments[i].ifindex == ifindex)
			return &attachments[i];
		if (!attachments[i].ifindex)
			return NULL;
	}
	index = attachment_search(ifindex);
	/* The verifier does not know what a function returns that clang has seen through: the check is to stay. */
	barrier_var(index);
	if (index >= ABI_PORTS)
		return NULL;
	/* And it is to come before the address is computed. */
	barrier_var(index);
	return &attachments[index];
}

/* The same, and notes that a frame has come in. */
static __always_inline const struct attachment *attachment_of(__u32 ifindex)
{
	struct attachment *attachment = attachment_find(ifindex);

	if (!attachment) {
		stray.ifindex = ifindex;
		__atomic_fetch_add(&stray.count, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	if (!*(volatile __u32 *)&attachment->seen)
		*(volatile __u32 *)&attachment->seen = 1;
	return attachment;
}

/* Counts a frame that could not be resized. */
static __always_inline void attachment_no_room(__u32 ifindex)
{
	struct attachment *attachment = attachment_find(ifindex);

	if (attachment)
		__atomic_fetch_add(&attachment->no_room, 1, __ATOMIC_RELAXED);
}

static __always_inline int mac_is(const __u8 *mac, const __u8 *other)
{
	return *(__u32 *)mac == *(__u32 *)other && *(__u16 *)(mac + 4) == *(__u16 *)(other + 4);
}

static __always_inline int is_tag(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/*
 * Whether the frame is for this host: promiscuous interfaces and flooding switches hand up
 * frames for others, and each VLAN of this host has a MAC address of its own. Steps over
 * the tags; *protocol becomes that of what follows them. A priority tag (identifier 0) names
 * no VLAN.
 */
static __always_inline enum verdict frame_is_ours(const struct xdp_md *ctx, struct packet *packet,
						  __be16 *protocol)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct vlan_key key = {};
	const struct attachment *attachment;
	const __u8 *mac;

	if (data + sizeof(*eth) > end)
		return VERDICT_NOT_IP;
	*protocol = *(const __be16 *)(data + offsetof(struct ethhdr, h_proto));
	attachment = attachment_of(ctx->ingress_ifindex);
	if (!attachment)
		return VERDICT_NOT_OURS;
	key.ifindex = packet->device = attachment->device;
	packet->generic = attachment->generic;
	packet->gate = attachment->gate;
	packet->offset = sizeof(*eth);
	mac = attachment->mac;
	if (is_tag(*protocol)) {
#pragma unroll
		for (int i = 0; i < ABI_TAGS; i++) {
			struct {
				__be16 tci;
				__be16 protocol;
			} *tag = data + sizeof(*eth) + i * sizeof(struct vlan_tag);
			__u16 id;

			if (!is_tag(*protocol))
				break;
			if ((void *)(tag + 1) > end)
				return VERDICT_TRUNCATED;
			id = bpf_ntohs(tag->tci) & VLAN_ID;
			if (id && *protocol == bpf_htons(ETH_P_8021AD))
				id |= VLAN_8021AD;
			if (id && !key.id[0])
				key.id[0] = id;
			else if (id)
				key.id[1] = id;
			*protocol = tag->protocol;
			packet->offset += sizeof(*tag);
		}
		if (key.id[0]) {
			const struct vlan *vlan = bpf_map_lookup_elem(&vlans, &key);

			if (!vlan)
				return VERDICT_NOT_OURS;
			mac = vlan->mac;
		}
	}
	if (*protocol != bpf_htons(ETH_P_IP) && *protocol != bpf_htons(ETH_P_IPV6))
		return VERDICT_NOT_IP;
	return mac_is(mac, eth->h_dest) ? VERDICT_CONTINUE : VERDICT_NOT_OURS;
}

/* How many bytes the frame has, in all of its buffers. */
static __always_inline __u32 frame_length(struct xdp_md *ctx)
{
	return frags ? bpf_xdp_get_buff_len(ctx) : ctx->data_end - ctx->data;
}

/*
 * Reads the IP header. The checks are those that the kernel's receive path makes before a
 * socket gets the datagram (net/ipv4/ip_input.c, net/ipv6/ip6_input.c), so that nothing is
 * relayed that coturn would not have been given. *length becomes that of what follows
 * the header.
 */
static __always_inline enum verdict parse_v4(struct packet *packet, const void *at, const void *end,
					     __u32 *length)
{
	const struct iphdr *ip = at;

	if ((const void *)(ip + 1) > end)
		return VERDICT_TRUNCATED;
	if (*(const __u8 *)at != IPV4_VERSION_IHL)
		return ip->version == 4 && ip->ihl > 5 ? VERDICT_IP_OPTIONS : VERDICT_NOT_IP;
	if (ip->protocol != IPPROTO_UDP)
		return VERDICT_NOT_UDP;
	if (ip->frag_off & bpf_htons(IPV4_MF | IPV4_OFFSET))
		return VERDICT_FRAGMENT;
	if (!ip_sum_ok(at))
		return VERDICT_IP_CHECKSUM;
	packet->key.v4.saddr = ip->saddr;
	packet->key.v4.daddr = ip->daddr;
	packet->tos = ip->tos;
	packet->ttl = ip->ttl;
	packet->offset += sizeof(*ip);
	*length = bpf_ntohs(ip->tot_len) - sizeof(*ip);
	return VERDICT_CONTINUE;
}

static __always_inline enum verdict parse_v6(struct packet *packet, const void *at, const void *end,
					     __u32 *length)
{
	const struct ipv6hdr *ip = at;
	const __u8 *byte = at;

	if ((const void *)(ip + 1) > end)
		return VERDICT_TRUNCATED;
	if ((byte[0] & 0xf0) != IPV6_VERSION)
		return VERDICT_NOT_IP;
	switch (ip->nexthdr) {
	case IPPROTO_UDP:
		break;
	case IPPROTO_FRAGMENT:
		return VERDICT_FRAGMENT;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
		return VERDICT_IP_OPTIONS;
	default:
		return VERDICT_NOT_UDP;
	}
	__builtin_memcpy(packet->key.v6.saddr, &ip->saddr, sizeof(packet->key.v6.saddr));
	__builtin_memcpy(packet->key.v6.daddr, &ip->daddr, sizeof(packet->key.v6.daddr));
	packet->tos = byte[0] << 4 | byte[1] >> 4;
	packet->ttl = ip->hop_limit;
	packet->offset += sizeof(*ip);
	*length = bpf_ntohs(ip->payload_len);
	return VERDICT_CONTINUE;
}

/* No header begins beyond this offset. The code ensures it; the mask lets the verifier see it. */
#define HEADERS_MAX 0x7f

static __always_inline const void *header_at(const struct xdp_md *ctx, __u32 offset)
{
	barrier_var(offset);
	return (const void *)(long)ctx->data + (offset & HEADERS_MAX);
}

/*
 * Reads the IP and UDP headers into `packet`. The UDP checksum is not verified: a wrong one
 * stays wrong, and the receiver drops the datagram. `v6` is a constant here and in the later
 * stages: each family has its own copy of the code, without the other family's branches.
 */
static __always_inline enum verdict packet_parse(struct xdp_md *ctx, struct packet *packet, const int v6)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct channel_header *channel;
	const struct udphdr *udp;
	enum verdict verdict;
	__u64 addresses;
	__u32 length;

	if (v6)
		verdict = parse_v6(packet, header_at(ctx, packet->offset), end, &length);
	else
		verdict = parse_v4(packet, header_at(ctx, packet->offset), end, &length);
	if (verdict != VERDICT_CONTINUE)
		return verdict;

	udp = header_at(ctx, packet->offset);
	if ((const void *)(udp + 1) > end)
		return VERDICT_TRUNCATED;
	if (bpf_ntohs(udp->len) != length || length < sizeof(*udp) ||
	    packet->offset + length > frame_length(ctx))
		return VERDICT_TRUNCATED;
	if (v6) {
		packet->key.v6.sport = udp->source;
		packet->key.v6.dport = udp->dest;
		packet->key.v6.channel = 0;
		packet->key.v6.family = FLOW_KEY_V6;
		addresses = pseudo_addresses6(packet->key.v6.saddr, packet->key.v6.daddr);
	} else {
		packet->key.v4.sport = udp->source;
		packet->key.v4.dport = udp->dest;
		packet->key.v4.channel = 0;
		packet->key.v4.family = FLOW_KEY_V4;
		addresses = (__u64)packet->key.v4.saddr + packet->key.v4.daddr;
	}
	packet->partial = udp->check == pseudo_sum(addresses, udp->len);
	packet->check = udp->check;
	packet->length = length - sizeof(*udp);
	packet->offset += sizeof(*udp);
	channel = (const void *)(udp + 1);
	if (packet->length >= sizeof(*channel) && (const void *)(channel + 1) <= end)
		packet->channel = *channel;
	else
		packet->channel.number = packet->channel.length = 0;
	return VERDICT_CONTINUE;
}

#endif
