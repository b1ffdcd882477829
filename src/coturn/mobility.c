/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mobile allocations (RFC 8016), whose channels coturn does not offer to a kernel
 * (CREATE_TURN_CHANNEL_KERNEL), as it could not tell it that a client has moved.
 * Here the map of channels says that there is a new one, and the session's new
 * socket that its client is somewhere else. All of this
 * runs on the session's relay thread.
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
 * A ChannelBind that is not a refresh, before it is answered. If it fails after
 * all, the channel is deleted with the allocation at the latest.
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
 * The client is where its new socket leads. From then on the kernel knows nothing
 * of where it was; and if it comes by TCP now, coturn relays, until it moves again.
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
