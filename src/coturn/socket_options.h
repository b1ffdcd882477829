/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says of coturn's sockets, which is asked no more often than it can change. */
#ifndef OFFLOAD_COTURN_SOCKET_OPTIONS_H
#define OFFLOAD_COTURN_SOCKET_OPTIONS_H

#include <stdbool.h>

#include "ns_turn_ioalib.h"

/**
 * Whether packets of a client's UDP socket are routed by more than their
 * addresses: it is bound to a device or marked. On the session's relay thread.
 */
bool socket_options_client_bound(ioa_socket_handle client);

/** The same of a relay's socket. */
bool socket_options_relay_bound(ioa_socket_handle relay);

/** Whether the next ChannelData's data would leave from this relay by IPv4 with DF. */
bool socket_options_relay_df(ioa_socket_handle relay);

#endif
