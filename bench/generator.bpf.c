// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * Sends the datagrams of client and peers, for BPF_PROG_TEST_RUN with live
 * frames. The kernel uses a frame again without undoing what the way through
 * the server wrote into it, so each one gets all its headers anew.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

#define NULL ((void *)0)
#define PAYLOAD_WORD (PAYLOAD_BYTE * 0x0101010101010101ull)
#define FRAME_MASK 2047

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

/* Of the ways that are used. */
const volatile struct generator_way ways[WAYS];
/* Bit mask of 1 << enum way. With both, every second flow is one to a client. */
const volatile __u32 way_mask = 1 << TO_PEER;
const volatile __u32 flow_count = 1;
/* How many CPUs generate. Each has flows of its own, as a card with several queues gives every flow to one CPU. */
const volatile __u32 cpus = 1;
/* By so many bytes a frame begins further to the front of its buffer than the kernel would have it. */
const volatile __u32 forward = 0;

/* Of the longest frame. */
__u32 size;
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

static __always_inline __u32 way_of(__u32 index)
{
	if (way_mask == BOTH_WAYS)
		return index % WAYS;
	return way_mask == 1 << TO_CLIENT ? TO_CLIENT : TO_PEER;
}

static __always_inline void head_write(struct frame_head *to, __u32 way, const struct generator_flow *flow)
{
	*to = ways[way].head;
	to->source = flow->source;
	to->dest = flow->dest;
	to->sum = flow->sum;
	to->channel = flow->channel;
}

/* The last 8 bytes but `before` of them; NULL: the frame has not so many. */
static __always_inline __u64 *word_at(const struct xdp_md *ctx, __u32 before)
{
	__u32 at = size - sizeof(__u64) - before;
	__u64 *word = (void *)(long)ctx->data + (at & FRAME_MASK);

	return at <= FRAME_MASK && (void *)(word + 1) <= (void *)(long)ctx->data_end ? word : NULL;
}

/*
 * Moves where the frame begins to the front of its buffer, so that it has less headroom. The data is
 * written there at the first use of the buffer, and is still there at the next ones.
 */
static __always_inline int move_forward(struct xdp_md *ctx)
{
	__u64 *word;

	if (bpf_xdp_adjust_head(ctx, -(int)forward) || bpf_xdp_adjust_tail(ctx, -(int)forward))
		return -1;
	word = word_at(ctx, 0);
	if (!word)
		return -1;
	if (*word == PAYLOAD_WORD)
		return 0;
	/* The last ones go into the head, which is written after this. */
	for (__u32 done = 0; done < PAYLOAD_MAX && (word = word_at(ctx, done)); done += sizeof(*word))
		*word = PAYLOAD_WORD;
	return 0;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct generator_state *state = &states[bpf_get_smp_processor_id() % GENERATOR_CPUS];
	struct frame_head *to;
	__u32 index = state->next, way = way_of(index), cut = ways[way].cut;
	const struct generator_flow *flow = bpf_map_lookup_elem(&flows, &index);

	if (!flow)
		return XDP_ABORTED;
	if (!is_due(state))
		return XDP_DROP;
	if (forward && move_forward(ctx))
		return XDP_ABORTED;
	to = (void *)(long)ctx->data;
	if ((void *)(to + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	head_write(to, way, flow);
	if (cut && bpf_xdp_adjust_tail(ctx, -(int)cut))
		return XDP_ABORTED;
	state->next = index + cpus < flow_count ? index + cpus : index % cpus;
	state->offered[way]++;
	return bpf_redirect_map(&devices, way, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
