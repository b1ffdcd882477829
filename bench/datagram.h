/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames with a UDP datagram of the bench: plain data, or ChannelData. */
#ifndef BENCH_DATAGRAM_H
#define BENCH_DATAGRAM_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <stdint.h>

#include "frame.h"

struct datagram {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[4 + PAYLOAD_MAX]; /* the ChannelData header first, if any */
} __attribute__((packed));

struct datagram_way {
	const char *from, *to; /* IPv4 addresses */
	unsigned int from_port, to_port;
	unsigned int channel; /* 0: no ChannelData header */
};

/*
 * Addresses of the Ethernet header: from `ifname` of this thread's network
 * namespace to `to`. Returns 0 or -errno.
 */
int datagram_ethernet(struct datagram *datagram, const char *ifname, const char *to);

/*
 * Fills in all but the Ethernet addresses and the data, which stays as it is;
 * `payload` bytes of it are sent. Returns the frame's size.
 */
unsigned int datagram_fill(struct datagram *datagram, const struct datagram_way *way, unsigned int payload);

#endif
