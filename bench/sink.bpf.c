// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * Counts and drops what arrives at a peer or a client, before its own stack
 * costs anything: the cheapest end there is, and the same for every row.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct sink_count);
	__uint(max_entries, 1);
} counts SEC(".maps");

const volatile __u32 address = 0;    /* network order */
const volatile __u16 first_port = 0; /* host order */
const volatile __u16 ports = 1;
const volatile __u16 length = 0;     /* bytes after the UDP header, a multiple of 4 */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Sum of `words` 32 bit words; 0 if the frame ends before them. */
static __always_inline __u64 sum_words(const void *data, const void *end, __u32 words)
{
	const __u32 *at = data;
	__u64 sum = 0;

	for (__u32 i = 0; i < (4 + PAYLOAD_MAX + sizeof(struct udphdr)) / 4 && i < words; i++) {
		if ((const void *)(at + 1) > end)
			return 0;
		sum += *at++;
	}
	return sum;
}

static __always_inline void sum_check(const struct frame *frame, const void *end,
				      struct sink_count *count)
{
	__u64 pseudo = (__u64)frame->ip.saddr + frame->ip.daddr + bpf_htons(IPPROTO_UDP) +
		       frame->udp.len;
	__u32 words = (sizeof(struct udphdr) + length) / 4;

	if (frame->udp.check == fold(pseudo))
		count->sum_partial++;
	else if (fold(pseudo + sum_words(&frame->udp, end, words)) == 0xffff)
		count->sum_full++;
	else
		count->sum_wrong++;
}

enum taken { NOT_OURS, COUNTED, BROKEN };

static __always_inline enum taken take(const void *data, const void *end)
{
	const struct frame *frame = data;
	const __u32 udp_length = sizeof(struct udphdr) + length;
	struct sink_count *count;
	__u32 key = 0;

	if ((const void *)(frame + 1) > end || frame->eth.h_proto != bpf_htons(ETH_P_IP) ||
	    frame->ip.protocol != IPPROTO_UDP || frame->ip.daddr != address ||
	    (__u16)(bpf_ntohs(frame->udp.dest) - first_port) >= ports)
		return NOT_OURS;
	count = bpf_map_lookup_elem(&counts, &key);
	if (!count)
		return BROKEN;
	if (*(const __u8 *)&frame->ip != 0x45 ||
	    frame->ip.tot_len != bpf_htons(sizeof(struct iphdr) + udp_length) ||
	    frame->udp.len != bpf_htons(udp_length) || (const void *)&frame->udp + udp_length > end ||
	    fold(sum_words(&frame->ip, end, sizeof(struct iphdr) / 4)) != 0xffff) {
		count->wrong++;
		return COUNTED;
	}
	if (!(count->packets++ % SINK_SAMPLE))
		sum_check(frame, end, count);
	return COUNTED;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	switch (take((void *)(long)ctx->data, (void *)(long)ctx->data_end)) {
	case NOT_OURS: return XDP_PASS;
	case COUNTED: return XDP_DROP;
	default: return XDP_ABORTED;
	}
}

/* The same for the ingress of a veth that must not copy its skbs, as it does for an XDP program. */
SEC("tc")
int sink_skb(struct __sk_buff *skb)
{
	return take((void *)(long)skb->data, (void *)(long)skb->data_end) == NOT_OURS ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
