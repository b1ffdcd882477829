/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* Which flow a datagram belongs to, and whether coturn would relay the datagram. */
#ifndef BPF_CHANNEL_H
#define BPF_CHANNEL_H

#include "flows.h"
#include "gate.h"
#include "maps.h"
#include "packet.h"

/* Channel numbers begin with the bits 01 (RFC 8656, section 12), so that the first byte is 0x40 to 0x7f. */
#define CHANNEL_RANGE 0xc000
#define CHANNEL_FIRST 0x4000

/*
 * Finds the flow of a datagram. One that begins like ChannelData is looked up as a client's
 * first. The media that peers send (RTP, DTLS, STUN) begins otherwise (RFC 7983), so that
 * nearly every packet of either direction takes one look-up; a peer's payload that looks
 * like ChannelData takes two.
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
 * CLOCK_MONOTONIC, as it was when this CPU first asked in this jiffy. To read the clock for
 * every packet would be a sixth of the program's cost, while the number of the jiffy is a
 * load from the kernel's memory.
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

/* Whether the relay thread of a flow and the monitor thread have reported in the last 5 seconds. */
static __always_inline int owner_alive(const struct flow *flow)
{
	return clock_now() < deadlines[flow->owner];
}

/*
 * Sets the packet's key to that of a datagram which leaves by `flow` and comes in again as a
 * peer's data, because the peer is this server.
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

/* Copies the flow of this datagram and returns VERDICT_CONTINUE, if there is one that may relay it now. */
static __always_inline enum verdict flow_of(struct packet *packet, const int v6, struct flow *flow,
					    struct flow_found *found)
{
	if (!flow_find(packet, v6, found) || flow_copy(found, packet, v6, flow))
		return VERDICT_NO_FLOW;
	if (!owner_alive(flow))
		return VERDICT_SERVER_SILENT;
	return gate_check(flow, found, &packet->gate);
}

/* The same for a datagram that leaves by `flow` and comes in again; the copy replaces *flow. */
static __always_inline enum verdict flow_hairpin(struct packet *packet, const int v6, struct flow *flow,
						 struct flow_found *found)
{
	flow_key_hairpin(packet, flow, v6);
	if (!flow_at(packet, v6, found) || flow_copy(found, packet, v6, flow))
		return VERDICT_NO_FLOW;
	if (!owner_alive(flow))
		return VERDICT_SERVER_SILENT;
	return gate_check(flow, found, &hairpin);
}

/*
 * Whether coturn accepts a ChannelData message with `data` bytes in a UDP payload of
 * `datagram` bytes (stun_is_channel_message_str). If the payload is a multiple of 4 bytes, any
 * number of bytes may follow the data; otherwise at most 3, and only if there is data.
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

/* The TOS or traffic class to send with. */
static __always_inline __u8 tos_out(const struct flow *flow, __u8 received)
{
	/* Without a branch, after which the verifier would walk the rest of the program twice. */
	return received & ((flow->flags / FLOW_TOS_ZERO & 1) - 1);
}

/* The TTL or hop limit to send with; 0 if the packet must go to coturn because of it. */
static __always_inline __u8 ttl_out(const struct flow *flow, const struct hop_entry *hop, __u8 received)
{
	if (flow->flags & FLOW_TTL_CONSTANT)
		return flow->ttl;
	if (flow->flags & FLOW_TTL_ROUTE)
		return received ? hop->ttl : 0;
	if (received <= 1)
		return 0;
	return received - 1 < flow->ttl ? received - 1 : flow->ttl;
}

#endif
