/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Force-included (-include) into every file of upstream, which is compiled
 * unmodified: it sets the macros that upstream guards with #if !defined. It
 * includes nothing, so that it changes nothing else.
 */
#ifndef OFFLOAD_COTURN_MACROS_H
#define OFFLOAD_COTURN_MACROS_H

void *session_channel_bind(void *server, void *session, void *channel, const void *peer);
void session_channel_delete(void *handle);

/*
 * A channel was bound or bound again. The names are those in scope where
 * upstream expands the macro (handle_turn_channel_bind); its own last two
 * arguments do not compile when they are used.
 */
#define CREATE_TURN_CHANNEL_KERNEL(number, client_family, peer_family, protocol, client, local, relay, \
				   relay_remote)                                                       \
	session_channel_bind(server, ss, chn, &peer_addr)

/* A channel ended, for whatever reason. */
#define DELETE_TURN_CHANNEL_KERNEL(handle) session_channel_delete(handle)

/* coturn 4.6.1 calls what OpenSSL 3 no longer has. */
#define FIPS_mode() EVP_default_properties_is_fips_enabled(NULL)

#endif
