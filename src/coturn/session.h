/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What other hooks do with the channels of a session. The functions are for the relay thread of the session, or of
 * the relay's socket.
 */
#ifndef OFFLOAD_COTURN_SESSION_H
#define OFFLOAD_COTURN_SESSION_H

#include "ns_turn_session.h"

/**
 * Ends the relaying of all channels of an allocation to peers of `family` (AF_INET or AF_INET6; 0: both). The
 * channels are deleted when coturn deletes its own. NULL is allowed.
 */
void session_channels_close(allocation *a, int family);

struct hooked_channel;

/** Gives slots to a channel that is resting, if there is room. */
void session_channel_wake(ts_ur_super_session *ss, const ch_info *chn, struct hooked_channel *hooked);

/** From now on all channels in the kernel that use this relay's socket send without DF. */
void session_relay_clear_df(ioa_socket_handle relay);

#endif
