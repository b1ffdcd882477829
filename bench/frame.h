/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* What the bench's BPF programs and their loaders share. */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <linux/types.h>

/*
 * The first bytes of a frame, up to the ChannelData header and two bytes of
 * data: 14 Ethernet, 20 IPv4, 8 UDP, 4 ChannelData (or data without TURN).
 * Words, so that the program copies it in six moves. Network byte order.
 */
struct frame_head {
	union {
		__u64 words[6];
		struct {
			__u16 ethernet_ip[17];
			__u16 source, dest, length, sum; /* UDP */
			__u16 channel;                   /* or data */
			__u16 rest[2];
		};
	};
};

/* The two ways through the server, by the end that data goes to. */
enum way { TO_PEER, TO_CLIENT, WAYS };
#define BOTH_WAYS (1 << TO_PEER | 1 << TO_CLIENT)

/*
 * One flow of the generator: only what differs between the flows of one way. A card would not fill the CPU's
 * caches, which the server's table of flows needs, so this has to be small. Network byte order.
 */
struct generator_flow {
	__u16 source, dest; /* UDP ports */
	__u16 sum;          /* UDP checksum */
	__u16 channel;      /* or the first two bytes of data, where there is no ChannelData header */
};

/* What all flows of one way have in common. */
struct generator_way {
	struct frame_head head; /* the fields of generator_flow are 0 */
	__u32 cut;              /* bytes by which its frames are shorter than the longest ones */
	__u32 pad;
};

/* The generator on one CPU; only that CPU writes it. */
struct generator_state {
	__u64 offered[WAYS];
	__u64 due;  /* when the next frame is, in 1/1024 ns */
	__u32 next; /* flow */
	__u32 pad[9];
};

#define GENERATOR_CPUS 64
/* How many frames late the generator may be and still make up for it. */
#define GENERATOR_BURST 64

/* What the sink saw on one CPU. */
struct sink_count {
	__u64 packets;     /* right headers and length, to one of the ports */
	__u64 sum_full;    /* of the sampled ones: UDP checksum right */
	__u64 sum_partial; /* pseudo-header only: a local socket's, as on any veth */
	__u64 sum_wrong;
	__u64 wrong;       /* to the ports, but header or length wrong */
	__u64 zero[3];
};

_Static_assert(sizeof(struct frame_head) == 48, "frame_head has no padding");
_Static_assert(__builtin_offsetof(struct frame_head, source) == 34, "UDP comes after Ethernet and IPv4");
_Static_assert(sizeof(struct generator_flow) == 8, "generator_flow has no padding");
_Static_assert(sizeof(struct generator_way) == 56, "generator_way has no hidden padding");
_Static_assert(sizeof(struct generator_state) == 64, "generator_state fills a cache line");
_Static_assert(sizeof(struct sink_count) == 64, "sink_count fills a cache line");

/* One datagram of so many has its UDP checksum verified. */
#define SINK_SAMPLE 64
/* What a payload is filled with: any byte, but its sum is not 0. */
#define PAYLOAD_BYTE 0x5a
#define PAYLOAD_MIN 16
#define PAYLOAD_MAX 1468

#endif
