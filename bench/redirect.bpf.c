// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * The least that an XDP program can do to forward: new Ethernet addresses, out of
 * the other interface. What it achieves is the limit of the topology.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 2);
} devices SEC(".maps");

const volatile __u32 first_ifindex = 0;
/* Ethernet addresses, destination first, of what leaves by the first and the second interface. */
const volatile unsigned char addresses[2][2 * ETH_ALEN] = {};

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 out = ctx->ingress_ifindex == first_ifindex;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (out)
		__builtin_memcpy(eth, (const void *)addresses[1], 2 * ETH_ALEN);
	else
		__builtin_memcpy(eth, (const void *)addresses[0], 2 * ETH_ALEN);
	return bpf_redirect_map(&devices, out, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
