/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* What the programs that count lost frames share with the server: explicit padding, fixed widths, no pointers. */
#ifndef BPF_DROP_COUNT_H
#define BPF_DROP_COUNT_H

#include <linux/types.h>

/* Devices that are watched: a power of two. */
#define DROPS_DEVICES 64
/* A device stands at the place of its index, or in one of the next places. */
#define DROPS_PROBES 8

/* Frames that XDP programs of this host have sent, by one device and on one CPU. */
struct drops_count {
	__u64 sent;     /* redirected to the device, which has taken them */
	__u64 dropped;  /* redirected to the device, which has not taken them */
	__u64 failed;   /* came in by the device, whose driver did not do what the program returned (XDP_TX, XDP_REDIRECT) */
	__u64 refused;  /* came in by the device, and were redirected to a device that takes none or is down */
	__u64 received; /* came in by the device, and were passed to the network stack; counted only while the server wants it */
};

static inline __attribute__((always_inline)) __u32 drops_place(__u32 ifindex, __u32 probe)
{
	return (ifindex + probe) & (DROPS_DEVICES - 1);
}

#endif
