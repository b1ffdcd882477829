// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * Round trips between two XDP programs: one sends numbered frames one at a time
 * (BPF_PROG_TEST_RUN, live frames), one at the peer sends them back, one at the
 * client's interface takes the time. No socket and no skb is part of it at
 * either end.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} device SEC(".maps");

struct probe_number {
	__u32 number;
	__u32 complement; /* so that the UDP checksum is the same for every number */
} __attribute__((packed));

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

const volatile __u32 header = 0;      /* bytes between the UDP header and the number */
const volatile __u16 client_port = 0; /* network order, as those below */
const volatile __u32 client_addr = 0;
const volatile __u16 peer_port = 0;
const volatile __u32 peer_addr = 0;
const volatile __u32 data_sum = 0; /* of an echo's data, words in network order */
const volatile __u64 gap = 0;      /* ns from one probe to the next */

struct probe_head head;
struct probe_state state;
__u32 times[PROBES_MAX]; /* ns */

/* The number in a frame of ours, or NULL. */
static __always_inline struct probe_number *number_find(const struct frame *frame, const void *end,
							__u32 addr, __u16 port, __u32 skip)
{
	struct probe_number *number = (void *)(frame + 1) + skip;

	if ((const void *)(number + 1) > end || frame->eth.h_proto != bpf_htons(ETH_P_IP) ||
	    frame->ip.protocol != IPPROTO_UDP || frame->ip.daddr != addr || frame->udp.dest != port)
		return 0;
	return number;
}

SEC("xdp")
int probe_send(struct xdp_md *ctx)
{
	volatile struct probe_state *now_state = &state;
	struct probe_head *to = (void *)(long)ctx->data;
	struct probe_number *number = (void *)to + sizeof(struct frame) + header;
	__u64 now = bpf_ktime_get_ns();

	if ((void *)(to + 1) > (void *)(long)ctx->data_end ||
	    (void *)(number + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (now_state->waiting) {
		if (now - now_state->sent < PROBE_TIMEOUT_NS)
			return XDP_DROP;
		now_state->lost++;
		now_state->waiting = 0;
	}
	if (now < now_state->next || now_state->count >= PROBES_MAX)
		return XDP_DROP;
	*to = head;
	number->number = ++now_state->number;
	number->complement = ~number->number;
	now_state->next = now + gap;
	now_state->waiting = 1;
	now_state->sent = bpf_ktime_get_ns();
	return bpf_redirect_map(&device, 0, 0);
}

/*
 * The checksum of an echo. It is made anew for every row, because what a local
 * socket has sent (turnserver's, with the offload off) has only the beginning of one.
 */
static __always_inline __u16 sum_make(const struct frame *frame)
{
	__u64 sum = (__u64)frame->ip.saddr + frame->ip.daddr + bpf_htons(IPPROTO_UDP) + frame->udp.len;

	sum += (__u64)frame->udp.len + frame->udp.source + frame->udp.dest + data_sum;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	return sum ? sum : 0xffff;
}

SEC("xdp")
int probe_echo(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	unsigned char mac[ETH_ALEN];
	__u32 addr;
	__u16 port;

	if (!number_find(frame, (void *)(long)ctx->data_end, peer_addr, peer_port, 0))
		return XDP_PASS;
	__builtin_memcpy(mac, frame->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_dest, frame->eth.h_source, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, mac, ETH_ALEN);
	addr = frame->ip.daddr;
	frame->ip.daddr = frame->ip.saddr;
	frame->ip.saddr = addr;
	port = frame->udp.dest;
	frame->udp.dest = frame->udp.source;
	frame->udp.source = port;
	frame->udp.check = sum_make(frame);
	/* Not XDP_TX: without a program at its other end a veth would not wake it. */
	return bpf_redirect(ctx->ingress_ifindex, 0);
}

SEC("xdp")
int probe_return(struct xdp_md *ctx)
{
	volatile struct probe_state *now_state = &state;
	const struct frame *frame = (void *)(long)ctx->data;
	__u64 now = bpf_ktime_get_ns();
	const struct probe_number *number =
		number_find(frame, (void *)(long)ctx->data_end, client_addr, client_port, header);
	__u32 count = now_state->count;

	if (!number)
		return XDP_PASS;
	/* A late one has another number. */
	if (now_state->waiting && number->number == now_state->number && count < PROBES_MAX) {
		times[count] = now - now_state->sent;
		now_state->count = count + 1;
		now_state->waiting = 0;
	}
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
