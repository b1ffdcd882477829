// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * Sends the client's datagrams, for BPF_PROG_TEST_RUN with live frames. The
 * kernel uses a frame again without undoing what the way through the server
 * wrote into it, so each one gets all its headers anew.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct frame_head);
	__uint(max_entries, 1);
} heads SEC(".maps");

const volatile __u32 head_count = 1;
const volatile __u32 out_ifindex = 0;

/* One thread generates, so plain variables do. */
__u64 offered;
__u32 next_head;

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct frame_head *to = (void *)(long)ctx->data;
	__u32 index = next_head;
	const struct frame_head *head = bpf_map_lookup_elem(&heads, &index);

	if (!head || (void *)(to + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*to = *head;
	next_head = index + 1 < head_count ? index + 1 : 0;
	offered++;
	return bpf_redirect(out_ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
