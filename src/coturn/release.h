/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What differs between the releases of coturn that are pinned. What only 4.17 and newer
 * releases have is in multiplex_peer.c and prometheus.c; the build of 4.6 has
 * release_4_6.c in their place.
 */
#ifndef OFFLOAD_COTURN_RELEASE_H
#define OFFLOAD_COTURN_RELEASE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ns_turn_session.h"

/**
 * Whether this is coturn 4.6. It counts the bytes of data for a packet that is sent to
 * a peer, and sends to clients with the TTL of a new socket; 4.17 counts 4 bytes
 * more, and means to pass the TTL on, less one, as it does towards peers.
 */
static inline bool release_is_4_6(void)
{
	return !strncmp(TURN_SERVER_VERSION, "4.6.", 4);
}

/**
 * Whether what this peer sends to the session's relay belongs to the session: with
 * --multiplex-peer sessions share relays, and one of them owns the peer. On the
 * session's relay thread.
 */
bool release_peer_owned(ts_ur_super_session *ss, const ioa_addr *peer);

/**
 * Counts datagrams that a client has sent and that the kernel relayed in coturn's place,
 * for the metric turn_packet_processed. On the session's relay thread.
 */
void release_count_processed(uint64_t packets);

#endif
