/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The differences between the releases of coturn that can be built. Hooks for what only 4.17 and newer have are
 * in multiplex_peer.c and prometheus.c; a build of 4.6 has release_4_6.c in place of both.
 */
#ifndef OFFLOAD_COTURN_RELEASE_H
#define OFFLOAD_COTURN_RELEASE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ns_turn_session.h"

/**
 * Returns whether this is coturn 4.6, which differs from 4.17 in two ways. For a packet to a peer, 4.6 counts the
 * bytes of data, and 4.17 counts 4 bytes more. To clients, 4.6 sends with the TTL of a new socket, and
 * 4.17 with the TTL that was received, less one, as both do towards peers.
 */
static inline bool release_is_4_6(void)
{
	return !strncmp(TURN_SERVER_VERSION, "4.6.", 4);
}

/**
 * Returns whether the data that this peer sends to the session's relay socket is for the session. That is
 * always so, except with --multiplex-peer: there sessions share relay sockets, and each peer has one session
 * that owns it. On the session's relay thread.
 */
bool release_peer_owned(ts_ur_super_session *ss, const ioa_addr *peer);

/** Returns whether coturn collects the packets that it sends, and sends them later (send.c). */
bool release_collects_packets(void);

/** Returns the session that sends to a peer from a relay socket, or NULL. On the session's relay thread. */
ts_ur_super_session *release_session_of(ioa_socket_handle relay, const ioa_addr *peer);

/**
 * Adds datagrams that a client has sent, and that the kernel relayed in coturn's place, to the metric
 * turn_packet_processed, if this release has it. On the session's relay thread.
 */
void release_count_processed(uint64_t packets);

#endif
