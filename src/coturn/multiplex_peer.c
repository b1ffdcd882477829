/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coturn's option --multiplex-peer: all sessions of a relay thread share one relay socket of each
 * address family, which belongs to no session. A peer's address decides which session gets the peer's
 * data: the first session that has a permission or channel for the peer owns it, until its
 * permission ends or the session ends. Flows in the kernel are found by the peer's address as well;
 * the functions here make sure that only the owner of a peer gets flows for it. Everything here runs on the
 * session's relay thread.
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

ts_ur_super_session *release_session_of(ioa_socket_handle relay, const ioa_addr *peer)
{
	return relay->session ? relay->session : mp_peer_table_lookup(&relay->e->mp_table, peer);
}

bool release_collects_packets(void)
{
	return turn_params.udp_sendmmsg;
}

bool release_peer_owned(ts_ur_super_session *ss, const ioa_addr *peer)
{
	ioa_socket_handle relay = get_relay_socket(&ss->alloc, peer->ss.sa_family);

	if (!relay || relay->session == ss)
		return true;
	return mp_peer_table_lookup(&relay->e->mp_table, peer) == ss;
}

/*
 * A session registers as the owner of a peer. A channel of a mobile session was offered to the kernel before
 * that (mobility.c), when release_peer_owned still said no, so it is offered again now.
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

/*
 * A session, or one address family of it, gives up its peers. Its channels must end now, because another session
 * may own the peers next, long before coturn deletes the channels.
 */
void __wrap_mp_deregister_session_peers(ioa_engine_handle e, void *session, int family)
{
	ts_ur_super_session *ss = session;

	if (ss)
		session_channels_close(&ss->alloc, family);
	__real_mp_deregister_session_peers(e, session, family);
}

/* A client of the other address family turns DF off on the shared relay socket, for all of its sessions. */
void __wrap_set_do_not_use_df(ioa_socket_handle s)
{
	__real_set_do_not_use_df(s);
	session_relay_clear_df(s);
}
