/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --multiplex-peer: the sessions of a relay thread share one relay socket in each
 * family, which belongs to none of them. Whose a peer's data is, is told by the
 * peer: the first session that names it has it, until its permission ends or the
 * session does. Flows in the kernel are told apart by peer as well; here it is seen
 * to that they are the owner's. All of this runs on the session's relay thread.
 */
#include "mainrelay.h"
#include "ns_turn_allocation.h"

#include "coturn/release.h"
#include "coturn/session.h"

int __real_mp_register_peer(ioa_engine_handle e, const ioa_addr *peer, void *session);
void __real_mp_deregister_session_peers(ioa_engine_handle e, void *session, int family);
void __real_set_do_not_use_df(ioa_socket_handle s);

int __wrap_mp_register_peer(ioa_engine_handle e, const ioa_addr *peer, void *session);
void __wrap_mp_deregister_session_peers(ioa_engine_handle e, void *session, int family);
void __wrap_set_do_not_use_df(ioa_socket_handle s);

bool release_peer_owned(ts_ur_super_session *ss, const ioa_addr *peer)
{
	ioa_socket_handle relay = get_relay_socket(&ss->alloc, peer->ss.sa_family);

	if (!relay || relay->session == ss)
		return true;
	return mp_peer_table_lookup(&relay->e->mp_table, peer) == ss;
}

/*
 * The channels of mobile sessions are bound before it is known whether the peer is
 * another's (mobility.c): it is known now.
 */
int __wrap_mp_register_peer(ioa_engine_handle e, const ioa_addr *peer, void *session)
{
	int error = __real_mp_register_peer(e, peer, session);
	ts_ur_super_session *ss = session;
	ioa_addr copy;
	ch_info *chn;

	if (error || !ss->is_mobile)
		return error;
	addr_cpy(&copy, peer);
	chn = allocation_get_ch_info_by_peer_addr(&ss->alloc, &copy);
	if (chn)
		chn->kernel_channel = session_channel_bind(ss->server, ss, chn, &chn->peer_addr);
	return error;
}

/* The session ends, or one family of it, long before the channels are deleted. */
void __wrap_mp_deregister_session_peers(ioa_engine_handle e, void *session, int family)
{
	ts_ur_super_session *ss = session;

	if (ss)
		session_channels_close(&ss->alloc, family);
	__real_mp_deregister_session_peers(e, session, family);
}

/* A client of another family wants none on the relay: then all its sessions have none. */
void __wrap_set_do_not_use_df(ioa_socket_handle s)
{
	__real_set_do_not_use_df(s);
	session_relay_clear_df(s);
}
