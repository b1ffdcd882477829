/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * What `turnutils_xdp capture` and its tracing programs (capture.bpf.c) share: which packets
 * are wanted, and the record of a packet. Both are built together, so there is no version.
 */
#ifndef BPF_CAPTURE_H
#define BPF_CAPTURE_H

#include "abi.h"

/* The most bytes that are kept of each of the two forms of a packet. */
#define CAPTURE_SNAP_MAX 16384

/* IFNAMSIZ of linux/if.h */
#define CAPTURE_NAME 16

/* A transport address: one of a channel's. */
struct capture_end {
	union abi_addr address;
	__be16 port;
	__u16 family; /* FLOW_KEY_V4 or FLOW_KEY_V6; 0: there is none */
};

/* A channel, as one of its flows tells it. */
struct capture_channel {
	struct capture_end client;
	struct capture_end relay;
	struct capture_end peer;
	__be16 number; /* 0: there is no channel */
	__u16 zero;
};

/* Transport addresses that are wanted. */
struct capture_pattern {
	union abi_addr address;
	union abi_addr mask;
	__be16 port; /* 0: any */
	__u8 family; /* FLOW_KEY_V4 or FLOW_KEY_V6; 0: any address */
	__u8 set;    /* 0: all are wanted */
};

struct capture_filter {
	struct capture_pattern client;
	struct capture_pattern relay;
	struct capture_pattern peer;
	__be16 number; /* 0: any */
	__u16 zero;
	__u32 verdicts; /* a bit for each verdict that is wanted */
};

/* The verdicts of packets that were not found to belong to a channel. */
#define CAPTURE_WITHOUT_FLOW                                                                               \
	(1u << VERDICT_NOT_IP | 1u << VERDICT_NOT_UDP | 1u << VERDICT_NOT_OURS | 1u << VERDICT_TRUNCATED | \
	 1u << VERDICT_IP_OPTIONS | 1u << VERDICT_IP_CHECKSUM | 1u << VERDICT_FRAGMENT | 1u << VERDICT_NO_FLOW)

/*
 * The record of a packet. After it come `in_kept` bytes of the frame as it came in, and
 * `out_kept` bytes of the frame as it left the program. A frame that goes up or is dropped
 * has no second form.
 */
struct capture_record {
	__u64 entered; /* CLOCK_MONOTONIC in nanoseconds */
	__u64 left;
	__u32 verdict; /* VERDICT_SLOTS: it is not known */
	__u32 action;  /* enum xdp_action */
	__u32 in_ifindex;
	__u32 out_ifindex; /* 0: it does not leave, or it is not known by which device */
	__u32 queue;
	__u32 in_length; /* bytes of the whole frame */
	__u32 out_length;
	__u32 in_kept;
	__u32 out_kept;
	__u32 zero;
	char in_name[CAPTURE_NAME]; /* of the interface with in_ifindex; "" if it cannot be read */
	struct capture_channel channel;
	struct capture_channel other; /* the other client's, if the peer is a client of this server, too */
};

_Static_assert(sizeof(struct capture_end) == 20, "capture_end has no padding");
_Static_assert(sizeof(struct capture_channel) == 64, "capture_channel has no padding");
_Static_assert(sizeof(struct capture_pattern) == 36, "capture_pattern has no padding");
_Static_assert(sizeof(struct capture_filter) == 116, "capture_filter has no padding");
_Static_assert(sizeof(struct capture_record) == 56 + CAPTURE_NAME + 2 * 64, "capture_record has no padding");

#endif
