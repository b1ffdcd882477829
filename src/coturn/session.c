/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hooks for the channels of a session: coturn binds them, reports their usage, closes and deletes them. It
 * calls the functions here by its macros (macros.h) or because the linker wraps its functions: where coturn calls
 * x(), __wrap_x() is called, and __real_x() is coturn's function. Everything here runs on the session's
 * relay thread.
 */
#include "coturn/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mainrelay.h"
#include "ns_turn_allocation.h"
#include "ns_turn_server.h"

#include "base/clock.h"
#include "coturn/bandwidth.h"
#include "coturn/channel_iter.h"
#include "coturn/channel_pool.h"
#include "coturn/channel_request.h"
#include "coturn/refusal.h"
#include "coturn/relay_thread.h"
#include "coturn/release.h"
#include "coturn/session_log.h"
#include "coturn/socket_options.h"
#include "coturn/startup.h"
#include "offload.h"

/* A resting channel that found no room tries again after so long. */
#define WAKE_PAUSE_MS 1000

void __real_turn_report_session_usage(void *session, int force_invalid);
void __real_set_allocation_family_invalid(allocation *a, int family);
int __real_set_df_on_ioa_socket(ioa_socket_handle s, int value);

void __wrap_turn_report_session_usage(void *session, int force_invalid);
void __wrap_set_allocation_family_invalid(allocation *a, int family);
int __wrap_set_df_on_ioa_socket(ioa_socket_handle s, int value);

/*
 * Calls `act` for each channel of an allocation that is or was in the kernel, to peers of `family` (0: both
 * families). Stops at the first channel for which `act` returns true, and returns it, else NULL.
 */
static struct hooked_channel *for_channels(allocation *a, int family, bool (*act)(struct hooked_channel *))
{
	struct channel_iter place = { 0 };
	ch_info *chn;

	while ((chn = channel_iter_next(a, &place))) {
		if (chn->kernel_channel && (!family || chn->peer_addr.ss.sa_family == family) &&
		    act(chn->kernel_channel))
			return chn->kernel_channel;
	}
	return NULL;
}

static bool is_open(struct hooked_channel *hooked)
{
	return hooked->relay != NULL;
}

/*
 * Returns another channel in the kernel that uses the same relay socket, or NULL. What was found out about the
 * socket for that channel still holds: the only option that coturn changes later is DF, and clear_df() updates
 * `df` then. There is no sibling on a socket that sessions share (--multiplex-peer).
 */
static struct hooked_channel *find_sibling(ts_ur_super_session *ss, int family)
{
	ioa_socket_handle relay_socket = get_relay_socket(&ss->alloc, family);
	struct hooked_channel *sibling;

	if (get_ioa_socket_session(relay_socket) != ss)
		return NULL;
	sibling = for_channels(&ss->alloc, family, is_open);
	return sibling && sibling->relay == relay_socket ? sibling : NULL;
}

static bool is_limited(struct hooked_channel *hooked)
{
	return hooked->bandwidth != NULL;
}

/* Gives a channel the bandwidth that all channels of its session share. Returns 0 or -errno. */
static int join_bandwidth(ts_ur_super_session *ss, ioa_engine_handle engine, struct hooked_channel *hooked)
{
	struct hooked_channel *other = for_channels(&ss->alloc, 0, is_limited);

	if (!other)
		return bandwidth_open(ss, engine, share_session(hooked->share), &hooked->bandwidth);
	hooked->bandwidth = bandwidth_hold(other->bandwidth);
	return 0;
}

static bool has_share(struct hooked_channel *hooked)
{
	return hooked->share != NULL;
}

/* Gives a session its number. Returns 0 or -ENOSPC. */
static int name_share(const ts_ur_super_session *ss, struct share *share)
{
	struct session_entry entry = { .id = ss->id };

	snprintf(entry.user, sizeof(entry.user), "%.*s", SESSION_NAME - 1, (const char *)ss->username);
	snprintf(entry.realm, sizeof(entry.realm), "%.*s", SESSION_NAME - 1, ss->realm_options.name);
	return share_name(share, &entry);
}

/* Takes one more place of the session's share. Returns 0 or -errno. */
static int join_share(ts_ur_super_session *ss, struct hooked_channel *hooked)
{
	struct hooked_channel *other = for_channels(&ss->alloc, 0, has_share);
	struct share *share = other ? other->share : NULL;
	int error = share_take(&share);

	if (!error && !other) {
		error = name_share(ss, share);
		if (error)
			share_give(share);
	}
	if (!error)
		hooked->share = share;
	return error;
}

/*
 * Starts to relay a channel in the kernel. Returns 0; -EDQUOT if the session has its share of the tables; or
 * another -errno. After an error `hooked` holds nothing.
 */
static int offload(ts_ur_super_session *ss, ioa_engine_handle engine, struct channel_request *request,
		   struct hooked_channel *hooked)
{
	int error = relay_thread_start(engine);

	if (!error)
		error = join_share(ss, hooked);
	if (error)
		return error;
	if (request->limited)
		error = join_bandwidth(ss, engine, hooked);
	if (error)
		goto share;
	request->session = share_session(hooked->share);
	error = offload_channel_open(request, relay_thread_owner(), &hooked->memory);
	if (!error) {
		hooked->channel = &hooked->memory;
		return 0;
	}
	bandwidth_release(hooked->bandwidth);
	hooked->bandwidth = NULL;
share:
	share_give(hooked->share);
	hooked->share = NULL;
	return error;
}

void session_channel_wake(ts_ur_super_session *ss, const ch_info *chn, struct hooked_channel *hooked)
{
	struct channel_request request;
	uint64_t now = clock_coarse_ms();

	if (now < hooked->next_try_ms)
		return;
	/* Where there is no room yet, a later packet tries again. */
	hooked->next_try_ms = now + WAKE_PAUSE_MS;
	channel_request_describe(ss, chn, &chn->peer_addr, &hooked->df, &request);
	if (eligibility_check(&request) == REFUSAL_NONE && !offload(ss, hooked->relay->e, &request, hooked))
		relay_thread_wake(hooked);
}

/* See macros.h. */
void *session_channel_bind(void *server, void *session, void *channel, const void *peer)
{
	ts_ur_super_session *ss = session;
	const ch_info *chn = channel;
	const ioa_addr *address = peer;
	struct hooked_channel *hooked, *sibling;
	struct channel_request request;
	enum refusal refusal;
	int error;

	if (!startup_offload_runs())
		return chn->kernel_channel;
	/* A refresh changes nothing here, because coturn's own timer decides when the channel ends. */
	if (chn->kernel_channel)
		return chn->kernel_channel;
	if (!release_peer_owned(ss, address))
		return NULL;
	sibling = find_sibling(ss, address->ss.sa_family);
	channel_request_describe(ss, chn, address, sibling ? &sibling->df : NULL, &request);
	refusal = eligibility_check(&request);
	if (refusal != REFUSAL_NONE) {
		refusal_log(ss, refusal);
		return NULL;
	}
	hooked = channel_pool_take();
	if (!hooked) {
		refusal_log_failure(ss, -ENOMEM);
		return NULL;
	}
	error = offload(ss, turn_server_get_engine(server), &request, hooked);
	if (error) {
		if (error == -EDQUOT)
			refusal_log(ss, REFUSAL_SHARE);
		else
			refusal_log_failure(ss, error);
		channel_pool_give(hooked);
		return NULL;
	}
	hooked->session = ss;
	hooked->relay = get_relay_socket(&ss->alloc, address->ss.sa_family);
	hooked->df = request.df;
	session_log_kernel(ss);
	return hooked;
}

/* See macros.h. The session may be closing, but still exists. */
void session_channel_delete(void *handle)
{
	struct hooked_channel *hooked = handle;

	if (!hooked)
		return;
	relay_thread_close(hooked);
	relay_thread_remove(hooked);
}

static bool close_channel(struct hooked_channel *hooked)
{
	relay_thread_close(hooked);
	return false;
}

/*
 * coturn calls this for every packet that it handles, after it has counted the packet. With force_invalid it calls
 * it when it begins to close a session, while the sockets are still open. Then the relaying of the session's
 * channels ends before coturn's report, so that the report has everything that they carried, and the session that
 * gets these ports next gets none of their packets.
 */
void __wrap_turn_report_session_usage(void *session, int force_invalid)
{
	ts_ur_super_session *ss = session;
	struct hooked_channel *hooked;

	if (startup_offload_runs() && ss && force_invalid) {
		for_channels(&ss->alloc, 0, close_channel);
		session_log_forget(ss);
	} else if (startup_offload_runs() && ss && ss->bps) {
		hooked = for_channels(&ss->alloc, 0, is_limited);
		if (hooked)
			bandwidth_share(hooked->bandwidth);
	}
	__real_turn_report_session_usage(session, force_invalid);
}

void session_channels_close(allocation *a, int family)
{
	if (startup_offload_runs() && a)
		for_channels(a, family, close_channel);
}

/* coturn closes the relay socket of one address family here, and deletes its channels much later. */
void __wrap_set_allocation_family_invalid(allocation *a, int family)
{
	session_channels_close(a, family);
	__real_set_allocation_family_invalid(a, family);
}

static bool clear_df(struct hooked_channel *hooked)
{
	if (hooked->channel)
		offload_channel_clear_df(hooked->channel);
	hooked->df = false;
	return false;
}

static void clear_df_of_relay(struct hooked_channel *hooked, void *relay)
{
	if (hooked->relay == relay)
		clear_df(hooked);
}

/* Sessions may share the socket, so all channels of the thread are looked at. */
void session_relay_clear_df(ioa_socket_handle relay)
{
	relay_thread_each(clear_df_of_relay, relay);
}

/*
 * coturn sets DF on a relay's socket for a Send indication that asks for it, and clears DF before it sends the data
 * of the next ChannelData. So from now on that data is sent without DF.
 */
int __wrap_set_df_on_ioa_socket(ioa_socket_handle s, int value)
{
	if (startup_offload_runs() && value && s) {
		if (s->session)
			for_channels(&s->session->alloc, s->family, clear_df);
		else if (s->family == AF_INET && socket_options_relay_df(s))
			session_relay_clear_df(s);
	}
	return __real_set_df_on_ioa_socket(s, value);
}
