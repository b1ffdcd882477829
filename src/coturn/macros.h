/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiler includes this file (-include) before every file of coturn, whose source stays
 * unmodified. It defines macros that coturn defines only if they are not defined yet. It includes
 * nothing, so that it changes nothing else.
 */
#ifndef OFFLOAD_COTURN_MACROS_H
#define OFFLOAD_COTURN_MACROS_H

/*
 * Called for every ChannelBind request that succeeds, also one that refreshes a channel, before it is answered. The
 * arguments are coturn's turn_turnserver, ts_ur_super_session, ch_info and ioa_addr. Returns what coturn
 * keeps as kernel_channel of the channel: NULL if it stays in userspace. On the session's relay thread.
 */
void *session_channel_bind(void *server, void *session, void *channel, const void *peer);

/* Called when a channel ends, with its kernel_channel, which may be NULL. On the session's relay thread. */
void session_channel_delete(void *handle);

/*
 * coturn expands this where it binds or refreshes a channel (handle_turn_channel_bind in
 * ns_turn_server.c). server, ss, chn and peer_addr are variables there. The macro's own arguments
 * are not used, because the last two do not compile.
 */
#define CREATE_TURN_CHANNEL_KERNEL(number, client_family, peer_family, protocol, client, local, relay, \
				   relay_remote)                                                       \
	session_channel_bind(server, ss, chn, &peer_addr)

/* coturn expands this where a channel ends, for whatever reason. */
#define DELETE_TURN_CHANNEL_KERNEL(handle) session_channel_delete(handle)

/* coturn 4.6.1 calls FIPS_mode(), which OpenSSL 3 has removed. */
#define FIPS_mode() EVP_default_properties_is_fips_enabled(NULL)

#endif
