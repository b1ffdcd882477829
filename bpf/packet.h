/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * From a frame to the facts of a datagram. What is not a plain, whole UDP
 * datagram for this interface is refused here, before anything is looked up.
 */
#ifndef OFFLOAD_PACKET_H
#define OFFLOAD_PACKET_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "checksum.h"
#include "maps.h"

#define IPV4_VERSION_IHL 0x45
#define IPV4_MF 0x2000
#define IPV4_OFFSET 0x1fff

/* Headers of an untagged frame that this program reads and writes. */
struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* RFC 8656, section 12.4. */
struct channel_header {
	__be16 number;
	__be16 length;
};

struct packet {
	struct flow_key key;
	struct channel_header channel; /* first bytes of the payload, or 0 */
	__u16 length;                  /* of the UDP payload */
	__sum16 check;                 /* of the UDP header, as received */
	__u8 tos;
	__u8 ttl;
	__u8 partial; /* of a local socket: the sum is left for the device to finish */
};

/* Promiscuous ports and flooding switches hand up frames for other hosts. */
static __always_inline int port_owns(__u32 ifindex, const __u8 *mac)
{
	__u32 low = *(__u32 *)mac;
	__u16 high = *(__u16 *)(mac + 4);

	for (int i = 0; i < ABI_PORTS; i++) {
		const struct port *port = &ports[i];

		if (port->ifindex == ifindex)
			return *(__u32 *)port->mac == low && *(__u16 *)(port->mac + 4) == high;
		if (port->ifindex == 0)
			return 0;
	}
	return 0;
}

/*
 * Reads the frame into `packet`. VERDICT_COUNT stands for "go on". The checks
 * are those that the kernel's own receive path makes before coturn would see
 * the datagram (net/ipv4/ip_input.c, net/ipv4/udp.c), but for the sum over the
 * UDP payload: a wrong one stays wrong, and its receiver drops it.
 */
static __always_inline enum verdict packet_parse(struct xdp_md *ctx, struct packet *packet)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct headers *h = data;
	struct channel_header *channel = (void *)(h + 1);
	__u32 ip_length, udp_length;

	if (data + sizeof(h->eth) > end || h->eth.h_proto != bpf_htons(ETH_P_IP))
		return VERDICT_NOT_IP;
	if (!port_owns(ctx->ingress_ifindex, h->eth.h_dest))
		return VERDICT_NOT_OURS;
	if (data + offsetof(struct headers, udp) > end)
		return VERDICT_TRUNCATED;
	if (*(__u8 *)(data + offsetof(struct headers, ip)) != IPV4_VERSION_IHL)
		return h->ip.version == 4 && h->ip.ihl > 5 ? VERDICT_IP_OPTIONS : VERDICT_NOT_IP;
	if (h->ip.protocol != IPPROTO_UDP)
		return VERDICT_NOT_UDP;
	if (h->ip.frag_off & bpf_htons(IPV4_MF | IPV4_OFFSET))
		return VERDICT_FRAGMENT;

	if ((void *)channel > end)
		return VERDICT_TRUNCATED;
	ip_length = bpf_ntohs(h->ip.tot_len);
	udp_length = bpf_ntohs(h->udp.len);
	if (ip_length != sizeof(h->ip) + udp_length || udp_length < sizeof(h->udp) ||
	    ip_length > end - data - sizeof(h->eth))
		return VERDICT_TRUNCATED;
	if (!ip_sum_ok(data + offsetof(struct headers, ip)))
		return VERDICT_IP_CHECKSUM;

	packet->key.saddr = h->ip.saddr;
	packet->key.daddr = h->ip.daddr;
	packet->key.sport = h->udp.source;
	packet->key.dport = h->udp.dest;
	packet->length = udp_length - sizeof(h->udp);
	packet->check = h->udp.check;
	packet->tos = h->ip.tos;
	packet->ttl = h->ip.ttl;
	packet->partial = h->udp.check == pseudo_sum(h->ip.saddr, h->ip.daddr, h->udp.len);
	if (packet->length >= sizeof(*channel) && (void *)(channel + 1) <= end)
		packet->channel = *channel;
	return VERDICT_COUNT;
}

#endif
