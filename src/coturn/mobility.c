/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mobile allocations (RFC 8016). coturn does not expand CREATE_TURN_CHANNEL_KERNEL for their
 * channels, because it has no way to tell a kernel that the client has moved. So two of coturn's functions are
 * wrapped: the one that adds a channel to the allocation's map, and the one that gives a session
 * another client socket. Everything here runs on the session's relay thread.
 */
#include <stdbool.h>

#include "mainrelay.h"
#include "ns_turn_session.h"

#include "coturn/channel_iter.h"

ch_info *__real_allocation_get_new_ch_info(allocation *a, uint16_t chnum, ioa_addr *peer_addr);
void __real_set_ioa_socket_session(ioa_socket_handle s, ts_ur_super_session *ss);

ch_info *__wrap_allocation_get_new_ch_info(allocation *a, uint16_t chnum, ioa_addr *peer_addr);
void __wrap_set_ioa_socket_session(ioa_socket_handle s, ts_ur_super_session *ss);

static void bind_channel(ts_ur_super_session *ss, ch_info *chn)
{
	chn->kernel_channel = session_channel_bind(ss->server, ss, chn, &chn->peer_addr);
}

/*
 * coturn calls this for a ChannelBind request that is not a refresh, before it answers. The request can still
 * fail later: then coturn deletes the channel with the allocation at the latest.
 */
ch_info *__wrap_allocation_get_new_ch_info(allocation *a, uint16_t chnum, ioa_addr *peer_addr)
{
	ch_info *chn = __real_allocation_get_new_ch_info(a, chnum, peer_addr);
	ts_ur_super_session *ss = chn ? a->owner : NULL;

	if (ss && ss->is_mobile)
		bind_channel(ss, chn);
	return chn;
}

/*
 * A session gets its first or another client socket. If it is another, the client has moved: all channels are
 * removed from the kernel, and added again with the client's new address. If the client uses TCP now, they
 * stay in userspace until it moves again.
 */
void __wrap_set_ioa_socket_session(ioa_socket_handle s, ts_ur_super_session *ss)
{
	struct channel_iter place = { 0 };
	ch_info *chn;

	__real_set_ioa_socket_session(s, ss);
	if (!s || !ss || !ss->is_mobile || ss->client_socket != s)
		return;
	while ((chn = channel_iter_next(&ss->alloc, &place))) {
		session_channel_delete(chn->kernel_channel);
		chn->kernel_channel = NULL;
		bind_channel(ss, chn);
	}
}
