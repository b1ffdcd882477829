/* SPDX-License-Identifier: BSD-3-Clause */
/* The hooks of a session's channels: bound, closed, deleted. */
#ifndef OFFLOAD_COTURN_SESSION_H
#define OFFLOAD_COTURN_SESSION_H

#include "ns_turn_session.h"

/**
 * Ends the relaying of all channels of an allocation to peers of `family` (0: of
 * any). On the session's relay thread, as all here.
 */
void session_channels_close(allocation *a, int family);

/** Has all channels that the kernel relays by this relay leave without DF from now on. */
void session_relay_clear_df(ioa_socket_handle relay);

#endif
