/* SPDX-License-Identifier: BSD-3-Clause */
/* What the hook files do for each other; each is compiled like hook.c. */
#ifndef OFFLOAD_COTURN_SESSION_H
#define OFFLOAD_COTURN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "ns_turn_session.h"

/** Ends the relaying of all channels of an allocation to peers of `family`; 0: of any. */
void hook_channels_close(allocation *a, int family);

/** The channels that this relay has in the kernel leave without DF from now on. */
void hook_relay_clear_df(ioa_socket_handle relay);

/**
 * Whether what this peer sends to the session's relay is the session's: with
 * --multiplex-peer sessions share relays, and one of them owns the peer.
 */
bool hook_peer_owned(ts_ur_super_session *ss, const ioa_addr *peer);

/** Datagrams that clients have sent, and that the kernel took in coturn's place. */
void hook_packets_processed(uint64_t packets);

#endif
