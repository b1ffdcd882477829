/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel says about coturn's sockets. All functions are for the relay thread of the socket. If the kernel
 * does not tell, the answer is false.
 */
#ifndef OFFLOAD_COTURN_SOCKET_OPTIONS_H
#define OFFLOAD_COTURN_SOCKET_OPTIONS_H

#include <stdbool.h>

#include "ns_turn_ioalib.h"

/**
 * Returns whether the UDP socket of a client is bound to a device (SO_BINDTOIFINDEX) or marks its packets
 * (SO_MARK), so that their route depends on more than their addresses. For a listener's socket, which
 * many clients share, "no" is remembered for the current second.
 */
bool socket_options_client_bound(ioa_socket_handle client);

/** Returns the same for the socket of a relayed transport address, and remembers nothing. */
bool socket_options_relay_bound(ioa_socket_handle relay);

/**
 * Returns whether this relay's socket would send the data of the next ChannelData by IPv4 with DF set.
 */
bool socket_options_relay_df(ioa_socket_handle relay);

#endif
