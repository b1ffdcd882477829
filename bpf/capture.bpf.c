// SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
/*
 * The tracing programs of `turnutils_xdp capture`. The kernel runs one of them before each
 * run of the XDP program (fentry), and the other one after it (fexit). They look at the
 * packet and at the server's tables, and change neither.
 *
 * The first one finds the packet's flow, as the XDP program will. If the packet may be
 * wanted, it keeps the frame as it came in, and the verdict counters of this CPU. The second
 * one finds the verdict by the counter that has moved meanwhile, and if the packet is
 * wanted, it puts both forms of the frame into the ring buffer. Between the two, no other
 * packet passes the XDP program on this CPU.
 */
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "capture.h"
#include "channel.h"
#include "forward.h"
#include "packet.h"

/* What is needed of the kernel's own structs. Where their fields are is found when this is loaded. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct net_device {
	int ifindex;
	char name[CAPTURE_NAME];
};

struct xdp_rxq_info {
	struct net_device *dev;
	__u32 queue_index;
};

struct xdp_buff {
	void *data;
	void *data_end;
	struct xdp_rxq_info *rxq;
};
#pragma clang attribute pop

/* Ethernet, two tags, IPv6, UDP and ChannelData headers. */
#define HEADERS_LENGTH 74

struct scratch {
	__u64 counters[VERDICT_SLOTS];
	__u8 headers[HEADERS_LENGTH + 6];
	__u32 kept; /* 1: the record has the frame as it came in */
	__u32 zero;
	struct capture_record record;
	__u8 bytes[2 * CAPTURE_SNAP_MAX]; /* of the record */
};

/* By CPU. The tool sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct scratch);
	__uint(max_entries, 1);
} scratches SEC(".maps");

/* The tool sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} records SEC(".maps");

const volatile struct capture_filter filter = {};

/* Bytes that are kept of each form of a frame. */
const volatile __u32 snap = CAPTURE_SNAP_MAX;

/* Packets that were wanted and found no room in the ring buffer. */
__u64 lost;

static __always_inline struct scratch *scratch_of_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&scratches, &cpu);
}

static __always_inline const __u64 *counters_of_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&verdicts, &cpu);
}

static __always_inline __u32 length_of(struct xdp_buff *xdp)
{
	return frags ? bpf_xdp_get_buff_len((struct xdp_md *)xdp) : (__u32)(xdp->data_end - xdp->data);
}

/* ---- which flow ---- */

static __always_inline void find_ports(struct packet *packet, const __u8 *at, const int v6)
{
	const struct udphdr *udp = (const void *)at;
	const struct channel_header *channel = (const void *)(at + sizeof(*udp));

	if (v6) {
		packet->key.v6.sport = udp->source;
		packet->key.v6.dport = udp->dest;
		packet->key.v6.family = FLOW_KEY_V6;
	} else {
		packet->key.v4.sport = udp->source;
		packet->key.v4.dport = udp->dest;
		packet->key.v4.family = FLOW_KEY_V4;
	}
	packet->channel = *channel;
}

/*
 * Reads what the key of a flow has out of the first bytes of a frame: `family` becomes
 * FLOW_KEY_V4 or FLOW_KEY_V6. 0 if it is no UDP datagram that could have a flow. What is
 * wrong with the datagram otherwise is for the XDP program to say.
 */
static __always_inline int packet_key(const __u8 *headers, struct packet *packet)
{
	__be16 protocol = *(const __be16 *)(headers + offsetof(struct ethhdr, h_proto));
	const __u8 *at = headers + sizeof(struct ethhdr);

#pragma unroll
	for (int i = 0; i < ABI_TAGS; i++) {
		if (!is_tag(protocol))
			break;
		protocol = *(const __be16 *)(at + 2);
		at += sizeof(struct vlan_tag);
	}
	if (protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = (const void *)at;

		if (*at != IPV4_VERSION_IHL || ip->protocol != IPPROTO_UDP)
			return 0;
		packet->key.v4.saddr = ip->saddr;
		packet->key.v4.daddr = ip->daddr;
		find_ports(packet, at + sizeof(*ip), 0);
		return FLOW_KEY_V4;
	}
	if (protocol == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = (const void *)at;

		if ((*at & 0xf0) != IPV6_VERSION || ip->nexthdr != IPPROTO_UDP)
			return 0;
		__builtin_memcpy(packet->key.v6.saddr, &ip->saddr, sizeof(packet->key.v6.saddr));
		__builtin_memcpy(packet->key.v6.daddr, &ip->daddr, sizeof(packet->key.v6.daddr));
		find_ports(packet, at + sizeof(*ip), 1);
		return FLOW_KEY_V6;
	}
	return 0;
}

static __always_inline void end_of_key(const struct packet *packet, const int v6, const int source,
				       struct capture_end *end)
{
	if (v6) {
		__builtin_memcpy(&end->address, source ? packet->key.v6.saddr : packet->key.v6.daddr,
				 sizeof(end->address));
		end->port = source ? packet->key.v6.sport : packet->key.v6.dport;
		end->family = FLOW_KEY_V6;
	} else {
		end->address = (union abi_addr){ .v4 = source ? packet->key.v4.saddr : packet->key.v4.daddr };
		end->port = source ? packet->key.v4.sport : packet->key.v4.dport;
		end->family = FLOW_KEY_V4;
	}
}

static __always_inline void end_of_flow(const struct flow *flow, const int source, struct capture_end *end)
{
	end->address = source ? flow->saddr : flow->daddr;
	end->port = source ? flow->sport : flow->dport;
	end->family = flow->flags & FLOW_V6 ? FLOW_KEY_V6 : FLOW_KEY_V4;
}

/* The key has the number of a channel if its flow leads to the peer, and the flow has it otherwise. */
static __always_inline void channel_of(const struct packet *packet, const int v6, const struct flow *flow,
				       struct capture_channel *channel)
{
	if (flow->channel) {
		end_of_key(packet, v6, 1, &channel->peer);
		end_of_key(packet, v6, 0, &channel->relay);
		end_of_flow(flow, 0, &channel->client);
		channel->number = flow->channel;
	} else {
		end_of_key(packet, v6, 1, &channel->client);
		end_of_flow(flow, 1, &channel->relay);
		end_of_flow(flow, 0, &channel->peer);
		channel->number = packet->channel.number;
	}
}

/* The device that packets of a flow leave by, into the record; -1 if it is not known. */
static __always_inline int find_hop(const struct flow *flow, const struct flow_found *found, struct next_hop *hop,
				    struct capture_record *record)
{
	if (hop_copy(flow->hop, found, hop) != VERDICT_CONTINUE)
		return -1;
	record->out_ifindex = hop->egress.ifindex;
	return 0;
}

/* The peer is another client of this server: the channel that the packet leaves by. */
static __always_inline void find_other(struct packet *packet, struct flow *flow, const int v6,
				       struct capture_record *record)
{
	struct flow_found found;
	struct next_hop hop = {};

	flow_key_hairpin(packet, flow, v6);
	if (!flow_at(packet, v6, &found) || flow_copy(&found, packet, v6, flow) || !flow->channel)
		return;
	channel_of(packet, v6, flow, &record->other);
	find_hop(flow, &found, &hop, record);
}

static __always_inline void find_channel(struct packet *packet, const int v6, struct capture_record *record)
{
	struct flow flow = {};
	struct flow_found found;
	struct next_hop hop = {};

	if (!flow_find(packet, v6, &found) || flow_copy(&found, packet, v6, &flow))
		return;
	channel_of(packet, v6, &flow, &record->channel);
	if (find_hop(&flow, &found, &hop, record) || !(hop.entry.flags & HOP_LOCAL) || flow.channel)
		return;
	if (flow.flags & FLOW_V6)
		find_other(packet, &flow, 1, record);
	else
		find_other(packet, &flow, 0, record);
}

/* ---- whether it is wanted ---- */

static __always_inline int end_is(const struct capture_end *end, const volatile struct capture_pattern *pattern)
{
	if (!pattern->set)
		return 1;
	if (pattern->port && pattern->port != end->port)
		return 0;
	if (!pattern->family)
		return 1;
	if (pattern->family != end->family)
		return 0;
	for (int i = 0; i < 4; i++) {
		if ((end->address.word[i] ^ pattern->address.word[i]) & pattern->mask.word[i])
			return 0;
	}
	return 1;
}

static __always_inline int channel_is_wanted(const struct capture_channel *channel)
{
	return channel->number && (!filter.number || filter.number == channel->number) &&
	       end_is(&channel->client, &filter.client) && end_is(&channel->relay, &filter.relay) &&
	       end_is(&channel->peer, &filter.peer);
}

static __always_inline int filter_is_empty(void)
{
	return !filter.client.set && !filter.relay.set && !filter.peer.set && !filter.number;
}

/*
 * Whether a datagram without a channel comes from a client or peer that is wanted, to a
 * relay address that is wanted, with a channel number that is wanted. The words of a frame
 * that is no datagram are 0.
 */
static __always_inline int stranger_is_wanted(const struct capture_end *source, const struct capture_end *destination,
					      __be16 number)
{
	if (filter_is_empty())
		return 1;
	if (!source->family || (filter.number && filter.number != number))
		return 0;
	if (!end_is(destination, &filter.relay))
		return 0;
	if (!filter.client.set && !filter.peer.set)
		return 1;
	return (filter.client.set && end_is(source, &filter.client)) || (filter.peer.set && end_is(source, &filter.peer));
}

/*
 * Whether a datagram cannot be wanted, whatever flow it has; this saves the look-up. What does
 * not begin as ChannelData does can only come from a peer, to a relay address.
 */
static __always_inline int cannot_be_wanted(const struct capture_end *source, const struct capture_end *destination,
					    __be16 number)
{
	if (filter.verdicts & CAPTURE_WITHOUT_FLOW ||
	    (number & bpf_htons(CHANNEL_RANGE)) == bpf_htons(CHANNEL_FIRST))
		return 0;
	return !end_is(source, &filter.peer) || !end_is(destination, &filter.relay);
}

/* Fills in the record what the flow tells, and returns whether the packet may be wanted. */
static __always_inline int datagram_may_be_wanted(struct packet *packet, const int v6, struct capture_record *record)
{
	struct capture_end source, destination;
	__be16 number = packet->channel.number;

	end_of_key(packet, v6, 1, &source);
	end_of_key(packet, v6, 0, &destination);
	if (cannot_be_wanted(&source, &destination, number))
		return 0;
	find_channel(packet, v6, record);
	if (record->channel.number)
		return channel_is_wanted(&record->channel) || channel_is_wanted(&record->other);
	return filter.verdicts & CAPTURE_WITHOUT_FLOW && stranger_is_wanted(&source, &destination, number);
}

/* A channel whose number is 0 is none: its other fields are cleared when the record is kept. */
static __always_inline int may_be_wanted(const __u8 *headers, struct capture_record *record)
{
	struct packet packet;
	int family;

	packet.key.v6.channel = packet.key.v4.channel = 0;
	family = packet_key(headers, &packet);
	record->out_ifindex = 0;
	record->channel.number = record->other.number = 0;
	if (family == FLOW_KEY_V6)
		return datagram_may_be_wanted(&packet, 1, record);
	if (family)
		return datagram_may_be_wanted(&packet, 0, record);
	return filter.verdicts & CAPTURE_WITHOUT_FLOW && filter_is_empty();
}

/* ---- the frame ---- */

/* Copies the first buffer of the frame, up to the snap length. How many bytes were copied. */
static __always_inline __u32 keep(struct xdp_buff *xdp, void *to)
{
	__u64 length = xdp->data_end - xdp->data;

	if (length > snap)
		length = snap;
	if (length > CAPTURE_SNAP_MAX)
		length = CAPTURE_SNAP_MAX;
	return bpf_probe_read_kernel(to, length, xdp->data) ? 0 : length;
}

/* The tool may run in another network namespace than the server, so it cannot ask for the name. */
static __always_inline void keep_device(const struct net_device *device, struct capture_record *record)
{
	record->in_ifindex = device->ifindex;
	if (bpf_probe_read_kernel_str(record->in_name, sizeof(record->in_name), device->name) < 0)
		record->in_name[0] = '\0';
}

static __always_inline void keep_counters(struct scratch *scratch)
{
	const __u64 *counters = counters_of_cpu();

	if (!counters)
		return;
	for (int i = 0; i < VERDICT_SLOTS; i++)
		scratch->counters[i] = counters[i];
}

/* The verdict whose counter has moved. */
static __always_inline __u32 moved(const struct scratch *scratch)
{
	const __u64 *counters = counters_of_cpu();

	if (!counters)
		return VERDICT_SLOTS;
	for (int i = 0; i < VERDICT_SLOTS; i++) {
		if (scratch->counters[i] != counters[i])
			return i;
	}
	return VERDICT_SLOTS;
}

SEC("fentry/turn")
int frame_in(__u64 *arguments)
{
	struct xdp_buff *xdp = (void *)arguments[0];
	struct scratch *scratch = scratch_of_cpu();
	struct capture_record *record;
	__u64 length = xdp->data_end - xdp->data;

	if (!scratch)
		return 0;
	scratch->kept = 0;
	/* The bytes behind a short frame must not be those of an earlier one. */
	if (length < HEADERS_LENGTH)
		__builtin_memset(scratch->headers, 0, sizeof(scratch->headers));
	else
		length = HEADERS_LENGTH;
	if (bpf_probe_read_kernel(scratch->headers, length, xdp->data))
		return 0;
	record = &scratch->record;
	if (!may_be_wanted(scratch->headers, record))
		return 0;
	if (!record->channel.number)
		__builtin_memset(&record->channel, 0, sizeof(record->channel));
	if (!record->other.number)
		__builtin_memset(&record->other, 0, sizeof(record->other));
	keep_device(xdp->rxq->dev, record);
	record->queue = xdp->rxq->queue_index;
	record->in_length = length_of(xdp);
	record->in_kept = keep(xdp, scratch->bytes);
	keep_counters(scratch);
	scratch->kept = 1;
	record->entered = bpf_ktime_get_ns();
	return 0;
}

/* A verdict that this file does not know yet has a bit of its own, too. */
static __always_inline int verdict_is_wanted(__u32 verdict)
{
	return verdict >= VERDICT_SLOTS || filter.verdicts & 1u << verdict;
}

SEC("fexit/turn")
int frame_out(__u64 *arguments)
{
	struct xdp_buff *xdp = (void *)arguments[0];
	struct scratch *scratch = scratch_of_cpu();
	struct capture_record *record;
	__u64 now, kept;

	if (!scratch || !scratch->kept)
		return 0;
	now = bpf_ktime_get_ns();
	scratch->kept = 0;
	record = &scratch->record;
	record->verdict = moved(scratch);
	if (!verdict_is_wanted(record->verdict))
		return 0;
	record->left = now;
	record->action = arguments[1];
	record->out_length = record->out_kept = 0;
	kept = record->in_kept;
	if (kept > CAPTURE_SNAP_MAX)
		return 0;
	if (record->action == XDP_TX || record->action == XDP_REDIRECT) {
		record->out_length = length_of(xdp);
		record->out_kept = keep(xdp, scratch->bytes + kept);
		kept += record->out_kept;
	} else {
		record->out_ifindex = 0;
	}
	if (kept > 2 * CAPTURE_SNAP_MAX)
		return 0;
	if (bpf_ringbuf_output(&records, record, sizeof(*record) + kept, 0))
		__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
	return 0;
}

/* The kernel offers some of the helpers above only to programs with a GPL-compatible license. */
char _license[] SEC("license") = "Dual BSD/GPL";
