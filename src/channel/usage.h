/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel counters become coturn's. coturn reports a session's usage whenever
 * its four packet counters add up to a multiple of 4096, and then starts them
 * anew (turn_report_session_usage). Adding a second's worth at once would step
 * over those multiples, so it is added in parts that end on them.
 */
#ifndef OFFLOAD_CHANNEL_USAGE_H
#define OFFLOAD_CHANNEL_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* coturn reports when its packet counters add up to a multiple of this. */
#define USAGE_REPORT_PACKETS 4096

/* A session's counters, each with packets and bytes. */
enum usage_counter {
	USAGE_RECEIVED,      /* from the client */
	USAGE_SENT,          /* to the client */
	USAGE_PEER_RECEIVED,
	USAGE_PEER_SENT,
	USAGE_COUNTERS,
};

/** What one direction of a channel carried. */
struct usage {
	uint64_t packets;
	uint64_t bytes_in;  /* UDP payload as received */
	uint64_t bytes_out; /* UDP payload as sent */
};

/**
 * From what a flow counts: packets, bytes of data, and of padding that was cut off. Clients'
 * datagrams have ChannelData's header, which peers' have not. Pure.
 */
void usage_of_flow(bool to_client, uint64_t packets, uint64_t data, uint64_t trimmed, struct usage *usage);

/** What is to be added to a session. */
struct usage_sum {
	uint64_t packets[USAGE_COUNTERS];
	uint64_t bytes[USAGE_COUNTERS];
};

/**
 * Adds what the two directions of a channel carried. Client bytes include the
 * ChannelData header (and padding received); `peer_header` is what upstream's
 * release counts on top of the data for each packet sent to a peer: 0 or 4.
 */
void usage_add(struct usage_sum *sum, const struct usage *to_peer, const struct usage *to_client,
	       unsigned int peer_header);

/**
 * Moves from `rest` into `part` what may be added at once to a session whose
 * packet counters now add up to `counted`. True if a report is then due.
 */
bool usage_take(struct usage_sum *rest, uint32_t counted, struct usage_sum *part);

/** Whether nothing is left. */
bool usage_empty(const struct usage_sum *sum);

#endif
