// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * Sends the datagrams of client and peers, for BPF_PROG_TEST_RUN with live
 * frames. The kernel uses a frame again without undoing what the way through
 * the server wrote into it, so each one gets all its headers anew.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct generator_flow);
	__uint(max_entries, 1);
} flows SEC(".maps");

/* Interfaces of two network namespaces: a devmap holds the devices themselves. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, WAYS);
} devices SEC(".maps");

const volatile __u32 flow_count = 1;

/* Time between two frames of a CPU in 1/1024 ns; 0: as fast as it goes. */
__u64 interval;
struct generator_state states[GENERATOR_CPUS];

/* Is it time for a frame? Those that are not sent are dropped: that is how it waits. */
static __always_inline int is_due(struct generator_state *state)
{
	__u64 step = interval, now;

	if (!step)
		return 1;
	now = bpf_ktime_get_ns() << 10;
	if (now < state->due)
		return 0;
	state->due += step;
	if (now - state->due > GENERATOR_BURST * step && now > state->due)
		state->due = now;
	return 1;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct generator_state *state = &states[bpf_get_smp_processor_id() % GENERATOR_CPUS];
	struct frame_head *to = (void *)(long)ctx->data;
	__u32 index = state->next;
	const struct generator_flow *flow = bpf_map_lookup_elem(&flows, &index);

	if (!flow || (void *)(to + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (!is_due(state))
		return XDP_DROP;
	*to = flow->head;
	if (flow->cut && bpf_xdp_adjust_tail(ctx, -(int)flow->cut))
		return XDP_ABORTED;
	state->next = index + 1 < flow_count ? index + 1 : 0;
	state->offered[flow->way % WAYS]++;
	return bpf_redirect_map(&devices, flow->way, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
