/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* Which flow a datagram belongs to, and whether coturn would relay it. */
#ifndef BPF_CHANNEL_H
#define BPF_CHANNEL_H

#include "flows.h"
#include "maps.h"
#include "packet.h"

/* RFC 8656, section 12: channel numbers, and so first bytes 0x40 to 0x7f. */
#define CHANNEL_RANGE 0xc000
#define CHANNEL_FIRST 0x4000

/*
 * A client's ChannelData is looked for first, when it can be one: media that
 * peers send (RTP, DTLS, STUN) begins otherwise (RFC 7983), so that either
 * direction costs one lookup. A peer's payload that looks like ChannelData
 * costs two.
 */
static __always_inline int flow_find(struct packet *packet, const int v6, struct flow_found *found)
{
	__be16 number = packet->channel.number;
	__be16 *key = v6 ? &packet->key.v6.channel : &packet->key.v4.channel;

	if ((number & bpf_htons(CHANNEL_RANGE)) == bpf_htons(CHANNEL_FIRST)) {
		*key = number;
		if (flow_at(packet, v6, found))
			return 1;
		*key = 0;
	}
	return flow_at(packet, v6, found);
}

/*
 * CLOCK_MONOTONIC of this jiffy. To read it for every packet would be a sixth of what the
 * program costs; jiffies are a load from the kernel's memory.
 */
static __always_inline __u64 clock_now(void)
{
	struct clock *clock = &clocks[bpf_get_smp_processor_id() & (CLOCKS - 1)];
	__u64 jiffies = bpf_jiffies64();

	if (clock->jiffies != jiffies) {
		clock->now = coarse_clock ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();
		clock->jiffies = jiffies;
	}
	return clock->now;
}

static __always_inline int owner_alive(const struct flow *flow)
{
	return clock_now() < deadlines[flow->owner & (ABI_OWNERS - 1)];
}

/*
 * The key of what leaves by `flow`, when it comes in again as a peer's data: the
 * peer is this server.
 */
static __always_inline void flow_key_hairpin(struct packet *packet, const struct flow *flow, const int v6)
{
	if (v6) {
		__builtin_memcpy(packet->key.v6.saddr, &flow->saddr, sizeof(flow->saddr));
		__builtin_memcpy(packet->key.v6.daddr, &flow->daddr, sizeof(flow->daddr));
		packet->key.v6.sport = flow->sport;
		packet->key.v6.dport = flow->dport;
		packet->key.v6.channel = 0;
		packet->key.v6.family = FLOW_KEY_V6;
	} else {
		packet->key.v4.saddr = flow->saddr.v4;
		packet->key.v4.daddr = flow->daddr.v4;
		packet->key.v4.sport = flow->sport;
		packet->key.v4.dport = flow->dport;
		packet->key.v4.channel = 0;
		packet->key.v4.family = FLOW_KEY_V4;
	}
}

/* VERDICT_CONTINUE with a copy of the flow of this datagram, whose relay thread is alive, and its slot. */
static __always_inline enum verdict flow_of(struct packet *packet, const int v6, struct flow *flow,
					    struct flow_slot **slot)
{
	struct flow_found found;

	if (!flow_find(packet, v6, &found) || flow_copy(&found, packet, v6, flow))
		return VERDICT_NO_FLOW;
	*slot = found.slot;
	return owner_alive(flow) ? VERDICT_CONTINUE : VERDICT_SERVER_SILENT;
}

/* The same of what leaves by `flow`, and comes in again as a peer's data: the peer is this server. */
static __always_inline enum verdict flow_hairpin(struct packet *packet, const int v6, struct flow *flow,
					      struct flow_slot **slot)
{
	struct flow_found found;

	flow_key_hairpin(packet, flow, v6);
	if (!flow_at(packet, v6, &found) || flow_copy(&found, packet, v6, flow))
		return VERDICT_NO_FLOW;
	*slot = found.slot;
	return owner_alive(flow) ? VERDICT_CONTINUE : VERDICT_SERVER_SILENT;
}

/*
 * Whether coturn accepts a ChannelData message of this length in a datagram
 * (stun_is_channel_message_str): bytes after the data are cut off in a
 * datagram of whole words, and padding of at most 3 bytes in any other, but
 * not after no data at all.
 */
static __always_inline int channel_length_ok(__u16 datagram, __u16 data)
{
	__u16 room = datagram - sizeof(struct channel_header);

	if (data > room)
		return 0;
	if (data == room || !(room & 3))
		return 1;
	return data != 0 && room - data <= 3;
}

/* The TTL to send by this hop, 0 if the packet must go to coturn for that. */
static __always_inline __u8 ttl_out(const struct flow *flow, const struct hop *hop, __u8 received)
{
	if (flow->ttl_from == FLOW_TTL_CONSTANT)
		return flow->ttl;
	if (flow->ttl_from == FLOW_TTL_ROUTE)
		return received ? hop->ttl : 0;
	if (received <= 1)
		return 0;
	return received - 1 < flow->ttl ? received - 1 : flow->ttl;
}

#endif
