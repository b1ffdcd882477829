/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* Which flow a datagram belongs to, and whether coturn would relay it. */
#ifndef OFFLOAD_CHANNEL_H
#define OFFLOAD_CHANNEL_H

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
static __always_inline const struct flow *flow_find(struct packet *packet)
{
	__be16 number = packet->channel.number;

	if ((number & bpf_htons(CHANNEL_RANGE)) == bpf_htons(CHANNEL_FIRST)) {
		const struct flow *flow;

		packet->key.channel = number;
		flow = bpf_map_lookup_elem(&flows, &packet->key);
		if (flow)
			return flow;
		packet->key.channel = 0;
	}
	return bpf_map_lookup_elem(&flows, &packet->key);
}

/*
 * A copy that nobody changes any more. 0, or -1 if the element became another
 * flow's meanwhile: the packet goes up, as it would have a moment later.
 */
static __always_inline int flow_copy(const struct flow *found, const struct flow_key *key,
				     struct flow *copy)
{
	__u32 mark = flow_key_mark(key);

	__builtin_memcpy(copy, found, sizeof(*copy));
	barrier();
	return copy->key_mark == mark && *(const volatile __u32 *)&found->key_mark == mark ? 0 : -1;
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

/* The TTL to send, 0 if the packet must go to coturn for that. */
static __always_inline __u8 ttl_out(const struct flow *flow, __u8 received)
{
	if (flow->ttl_fixed)
		return received ? flow->ttl : 0;
	if (received <= 1)
		return 0;
	return received - 1 < flow->ttl ? received - 1 : flow->ttl;
}

static __always_inline int owner_alive(const struct flow *flow)
{
	return bpf_ktime_get_coarse_ns() < deadlines[flow->owner & (ABI_OWNERS - 1)];
}

#endif
