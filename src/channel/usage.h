/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns what the XDP program counts into coturn's counters of a session. coturn reports a session's
 * usage when the sum of its four packet counters is a multiple of 4096, and then sets all counters to 0
 * (turn_report_session_usage in ns_turn_server.c). If all packets of a second were added at once, the
 * sum would step over those multiples, so they are added in parts that end on them.
 *
 * All functions work on their arguments alone.
 */
#ifndef OFFLOAD_CHANNEL_USAGE_H
#define OFFLOAD_CHANNEL_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* coturn reports when the sum of the packet counters is a multiple of this. */
#define USAGE_REPORT_PACKETS 4096

/* The counters of a session. There is one of packets and one of bytes for each. */
enum usage_counter {
	USAGE_RECEIVED,      /* from the client */
	USAGE_SENT,          /* to the client */
	USAGE_PEER_RECEIVED, /* from peers */
	USAGE_PEER_SENT,     /* to peers */
	USAGE_COUNTERS,
};

/** What one direction of a channel carried. */
struct usage {
	uint64_t packets;
	uint64_t bytes_in;  /* UDP payload as received */
	uint64_t bytes_out; /* UDP payload as sent */
};

/**
 * Computes what a direction carried from what its flow counts: packets, bytes of data, and bytes of
 * padding that were cut off. A client's datagram has a ChannelData header of 4 bytes (RFC 8656,
 * section 12.4) and may have padding; a peer's has neither.
 */
void usage_of_flow(bool to_client, uint64_t packets, uint64_t data, uint64_t trimmed, struct usage *usage);

/** What is to be added to the counters of a session. */
struct usage_sum {
	uint64_t packets[USAGE_COUNTERS];
	uint64_t bytes[USAGE_COUNTERS];
};

/**
 * Adds what the two directions of a channel carried to `sum`. `peer_header` is how many bytes
 * coturn's release counts in addition to the data of each packet to a peer: 0 or 4.
 */
void usage_add(struct usage_sum *sum, const struct usage *to_peer, const struct usage *to_client,
	       unsigned int peer_header);

/**
 * Moves from `rest` into `part` as much as may be added at once to a session whose packet
 * counters have the sum `counted`. Returns true if a report is due after it was added.
 */
bool usage_take(struct usage_sum *rest, uint32_t counted, struct usage_sum *part);

/** Returns whether all counters of `sum` are 0. */
bool usage_empty(const struct usage_sum *sum);

#endif
