/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where coturn and the offload meet; only the hook files know coturn's structs.
 * coturn calls in by its guarded macros (coturn_hooks.h) and by functions that
 * the linker wraps: __wrap_x() is called for x(), and __real_x() is upstream's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mainrelay.h"
#include "ns_turn_allocation.h"
#include "ns_turn_server.h"
#include "ns_turn_session.h"

#include "channel/eligibility.h"
#include "channel/channel.h"
#include "coturn/options.h"
#include "coturn/session.h"
#include "coturn/bandwidth.h"
#include "coturn/channel_iter.h"
#include "coturn/socket_options.h"
#include "base/log.h"
#include "offload.h"
#include "base/option.h"
#include "channel/source_address.h"
#include "channel/usage.h"

void __real_setup_server(void);
void __real_run_listener_server(struct listener_server *ls);
void __real_turn_report_session_usage(void *session, int force_invalid);
void __real_set_allocation_family_invalid(allocation *a, int family);
int __real_set_df_on_ioa_socket(ioa_socket_handle s, int value);

void __wrap_setup_server(void);
void __wrap_run_listener_server(struct listener_server *ls);
void __wrap_turn_report_session_usage(void *session, int force_invalid);
void __wrap_set_allocation_family_invalid(allocation *a, int family);
int __wrap_set_df_on_ioa_socket(ioa_socket_handle s, int value);
void *offload_hook_bind(void *server, void *session, void *chn, const void *peer);
void offload_hook_delete(void *handle);

/* ---- what differs between upstream's releases ---- */

/*
 * 4.6.1 counts the bytes of data for a packet sent to a peer, and sends to
 * clients with the TTL of a new socket. 4.17.1 counts 4 bytes more, and means
 * to pass the TTL on, less one, as it does towards peers.
 */
static bool upstream_is_4_6(void)
{
	return !strncmp(TURN_SERVER_VERSION, "4.6.", 4);
}

/* ---- start ---- */

static bool running;

static void log_to_coturn(enum log_level level, const char *line)
{
	static const TURN_LOG_LEVEL levels[] = {
		[LOG_LEVEL_INFO] = TURN_LOG_LEVEL_INFO,
		[LOG_LEVEL_WARNING] = TURN_LOG_LEVEL_WARNING,
		[LOG_LEVEL_ERROR] = TURN_LOG_LEVEL_ERROR,
	};

	TURN_LOG_FUNC(levels[level], "%s\n", line);
}

/* Those that coturn listens on and those that it relays from. */
static int start_for_addresses(const struct settings *settings)
{
	size_t listeners = turn_params.listener.addrs_number, relays = turn_params.relays_number;
	const char **addresses = calloc(listeners + relays + 1, sizeof(*addresses));
	unsigned int count = 0;
	int error;

	if (!addresses)
		return -ENOMEM;
	for (size_t i = 0; i < listeners; i++)
		addresses[count++] = turn_params.listener.addrs[i];
	for (size_t i = 0; i < relays; i++)
		addresses[count++] = turn_params.relay_addrs[i];
	error = offload_start(settings, addresses, count, upstream_is_4_6());
	free(addresses);
	return error;
}

void __wrap_setup_server(void)
{
	const struct options *given = command_options();
	struct settings settings;
	int error = -EINVAL;

	log_to(log_to_coturn);
	options_resolve(given, &settings);
	if (given->error[0])
		log_line(LOG_LEVEL_ERROR, "%s", given->error);
	else if (settings.enabled)
		error = start_for_addresses(&settings);

	running = !error;
	if (settings.required && !settings.enabled && !given->error[0])
		log_line(LOG_LEVEL_ERROR, "xdp-required is set, but xdp-offload is not");
	if (error && (settings.enabled || settings.required || given->error[0])) {
		log_line(LOG_LEVEL_ERROR, "the offload is off; everything is relayed in userspace");
		if (settings.required) {
			log_line(LOG_LEVEL_ERROR, "xdp-required: the server does not start without the offload");
			exit(EXIT_FAILURE);
		}
	}
	__real_setup_server();
}

/* By now the server runs as the user that it is to run as. */
void __wrap_run_listener_server(struct listener_server *ls)
{
	if (running)
		offload_privileges_dropped();
	__real_run_listener_server(ls);
}

/* ---- channels ---- */

/* A channel in the kernel, as its relay thread knows it. */
struct hooked {
	ts_ur_super_session *session;
	struct channel *channel; /* NULL: it was closed a while ago, and coturn has yet to delete it */
	struct limited *limited; /* NULL: no max-bps, or the same */
	bool closed;
	ioa_socket_handle relay; /* its socket, not bound to anything; NULL: closed, or soon to be */
	bool df; /* that sends with DF, to IPv4 peers */
	struct hooked *previous, *next; /* of the same relay thread */
};

/* What is a relay thread's own; coturn keeps a session on one thread. */
struct relay {
	bool started;
	uint16_t owner;
	struct hooked *first;
};

static _Thread_local struct relay relay;
static uint32_t relays_started;

/* Adds what the kernel relayed to the session, with the reports that are due. */
static void fold(struct hooked *hooked)
{
	ts_ur_super_session *ss = hooked->session;
	struct usage to_peer, to_client;
	struct usage_sum rest = { 0 }, part;
	bool due;

	if (!hooked->channel)
		return;
	channel_read(hooked->channel, &to_peer, &to_client);
	hook_packets_processed(to_peer.packets);
	usage_add(&rest, &to_peer, &to_client, upstream_is_4_6() ? 0 : 4);
	if (hooked->limited)
		hook_limit_count(hooked->limited, &rest);
	while (!usage_empty(&rest)) {
		due = usage_take(&rest,
				 ss->received_packets + ss->sent_packets + ss->peer_received_packets +
					 ss->peer_sent_packets,
				 &part);
		ss->received_packets += (uint32_t)part.packets[USAGE_RECEIVED];
		ss->received_bytes += (uint32_t)part.bytes[USAGE_RECEIVED];
		ss->sent_packets += (uint32_t)part.packets[USAGE_SENT];
		ss->sent_bytes += (uint32_t)part.bytes[USAGE_SENT];
		ss->peer_received_packets += (uint32_t)part.packets[USAGE_PEER_RECEIVED];
		ss->peer_received_bytes += (uint32_t)part.bytes[USAGE_PEER_RECEIVED];
		ss->peer_sent_packets += (uint32_t)part.packets[USAGE_PEER_SENT];
		ss->peer_sent_bytes += (uint32_t)part.bytes[USAGE_PEER_SENT];
		if (due)
			__real_turn_report_session_usage(ss, 0);
	}
}

/* Ends the relaying of a channel and counts the last of it. */
static bool close_channel(struct hooked *hooked)
{
	if (hooked->channel)
		channel_close(hooked->channel);
	hooked->closed = true;
	hooked->relay = NULL;
	fold(hooked);
	return false;
}

/* What it has of the tables is another's. */
static void give_back(struct hooked *hooked)
{
	channel_free(hooked->channel);
	hook_limit_release(hooked->limited);
	hooked->channel = NULL;
	hooked->limited = NULL;
}

/*
 * Channels of a family that was released, or of a mobile session that has ended,
 * are closed up to minutes before coturn deletes them.
 */
static void tick(ioa_engine_handle engine, void *unused)
{
	(void)engine, (void)unused;
	for (struct hooked *hooked = relay.first; hooked; hooked = hooked->next) {
		fold(hooked);
		if (hooked->closed)
			give_back(hooked);
	}
	offload_beat(relay.owner);
}

/* The first channel of a relay thread. 0 or -errno. */
static int start_relay(ioa_engine_handle engine)
{
	uint32_t owner = __atomic_fetch_add(&relays_started, 1, __ATOMIC_RELAXED);

	if (owner >= ABI_OWNERS)
		return -ENOSPC;
	if (!set_ioa_timer(engine, 1, 0, tick, NULL, 1, "offload_tick"))
		return -ENOMEM;
	relay.owner = (uint16_t)owner;
	relay.started = true;
	offload_beat(relay.owner);
	return 0;
}

static union endpoint endpoint_of(const ioa_addr *address)
{
	union endpoint endpoint = { 0 };

	if (!address)
		return endpoint;
	if (address->ss.sa_family == AF_INET)
		endpoint.v4 = address->s4;
	else if (address->ss.sa_family == AF_INET6)
		endpoint.v6 = address->s6;
	return endpoint;
}

/*
 * Calls `act` for each offloaded channel of an allocation to peers of a family; 0:
 * any. Ends with the first for which that is true, and returns it.
 */
static struct hooked *for_channels(allocation *a, int family, bool (*act)(struct hooked *))
{
	struct hook_place place = { 0 };
	ch_info *chn;

	while ((chn = hook_map_next(a, &place))) {
		if (chn->kernel_channel && (!family || chn->peer_addr.ss.sa_family == family) &&
		    act(chn->kernel_channel))
			return chn->kernel_channel;
	}
	return NULL;
}

static bool is_told(struct hooked *hooked)
{
	return hooked->relay != NULL;
}

/*
 * Another channel by the same relay, if one was found fit for the kernel: coturn
 * sets no more about the socket than DF, which clear_df() follows. A socket that
 * allocations share (multiplex-peer) is anyone's.
 */
static struct hooked *find_sibling(ts_ur_super_session *ss, ioa_socket_handle relay_socket, int family)
{
	struct hooked *sibling;

	if (get_ioa_socket_session(relay_socket) != ss)
		return NULL;
	sibling = for_channels(&ss->alloc, family, is_told);
	return sibling && sibling->relay == relay_socket ? sibling : NULL;
}

/* What sockets do that plain ones do not. Others than UDP are refused without it. */
static void describe_sockets(ts_ur_super_session *ss, ioa_socket_handle relay_socket,
			     struct channel_request *request)
{
	int family = request->peer.any.sa_family;
	struct hooked *sibling = find_sibling(ss, relay_socket, family);

	request->bound = hook_client_is_bound(ss->client_socket);
	if (sibling) {
		request->df = sibling->df;
		return;
	}
	request->bound = request->bound || hook_relay_is_bound(relay_socket);
	request->df = family == AF_INET && hook_relay_sends_df(relay_socket);
}

/* The IPv4 address and port in an IPv4-mapped one; the wildcard is IPv4's as well. */
static union endpoint unmapped(const union endpoint *mapped)
{
	union endpoint endpoint = { .v4 = { .sin_family = AF_INET, .sin_port = mapped->v6.sin6_port } };

	memcpy(&endpoint.v4.sin_addr, &mapped->v6.sin6_addr.s6_addr[12], sizeof(endpoint.v4.sin_addr));
	return endpoint;
}

static void describe(ts_ur_super_session *ss, const ch_info *chn, const ioa_addr *peer,
		     struct channel_request *request)
{
	ioa_socket_handle client = ss->client_socket;
	ioa_socket_handle relay_socket = get_relay_socket(&ss->alloc, peer->ss.sa_family);
	const ioa_addr *server = get_local_addr_from_ioa_socket(client);

	*request = (struct channel_request){
		.client = endpoint_of(get_remote_addr_from_ioa_socket(client)),
		.server = endpoint_of(server),
		.relay = endpoint_of(get_local_addr_from_ioa_socket(relay_socket)),
		.peer = endpoint_of(peer),
		.number = chn->chnum,
		.client_udp = get_ioa_socket_type(client) == UDP_SOCKET,
		.relay_udp = get_ioa_socket_type(relay_socket) == UDP_SOCKET,
		.limited = ss->bps > 0,
	};
	if (request->client_udp && request->relay_udp)
		describe_sockets(ss, relay_socket, request);
	if (request->client.any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&request->client.v6.sin6_addr)) {
		request->mapped = true;
		request->client = unmapped(&request->client);
		request->server = unmapped(&request->server);
	}
	/* Without a way to the client it stays the wildcard, which is refused. */
	if (addr_any_no_port(server))
		source_find(&request->client, &request->server);
}

/* Each reason once: a busy server would otherwise say the same all day. */
static void log_refusal(enum channel_refusal refusal)
{
	static bool said[CHANNEL_REFUSALS];

	offload_count_refusal(refusal);
	if (!__atomic_exchange_n(&said[refusal], true, __ATOMIC_RELAXED))
		log_line(LOG_LEVEL_INFO, "channels stay in userspace where %s (said once)",
			 channel_refusal_text(refusal));
}

static void log_failure(int error)
{
	static bool said_full, said_other;

	if (error == -ENOSPC) {
		if (!__atomic_exchange_n(&said_full, true, __ATOMIC_RELAXED))
			log_line(LOG_LEVEL_WARNING, "the kernel's tables are full; further channels are relayed in userspace: "
						    "raise xdp-max-channels (said once)");
	} else if (!__atomic_exchange_n(&said_other, true, __ATOMIC_RELAXED)) {
		log_line(LOG_LEVEL_ERROR, "a channel stays in userspace: %s (said once)", strerror(-error));
	}
}

static bool is_limited(struct hooked *hooked)
{
	return hooked->limited != NULL;
}

/* All channels of a session have one limit. 0 or -errno. */
static int join_limit(ts_ur_super_session *ss, ioa_engine_handle engine, struct hooked *hooked)
{
	struct hooked *other = for_channels(&ss->alloc, 0, is_limited);

	if (!other)
		return hook_limit_open(ss, engine, &hooked->limited);
	hooked->limited = hook_limit_hold(other->limited);
	return 0;
}

/* Called for every ChannelBind that succeeds, before it is answered. */
void *offload_hook_bind(void *server, void *session, void *channel, const void *peer)
{
	ts_ur_super_session *ss = session;
	const ch_info *chn = channel;
	struct channel_request request;
	enum channel_refusal refusal;
	struct hooked *hooked;
	int error = 0;

	if (!running)
		return chn->kernel_channel;
	/* A refresh. coturn's own timer says when it ends; nothing to extend here. */
	if (chn->kernel_channel)
		return chn->kernel_channel;
	if (!hook_peer_owned(ss, peer))
		return NULL;
	describe(ss, chn, peer, &request);
	refusal = channel_check(&request);
	if (refusal != CHANNEL_OK) {
		log_refusal(refusal);
		return NULL;
	}
	if (!relay.started)
		error = start_relay(turn_server_get_engine(server));
	hooked = calloc(1, sizeof(*hooked));
	if (!error && !hooked)
		error = -ENOMEM;
	if (!error && request.limited)
		error = join_limit(ss, turn_server_get_engine(server), hooked);
	if (hooked && hooked->limited)
		request.limit = hook_limit_row(hooked->limited);
	if (!error)
		error = channel_open(&request, relay.owner, &hooked->channel);
	if (error) {
		offload_count_failure(error);
		log_failure(error);
		if (hooked)
			hook_limit_release(hooked->limited);
		free(hooked);
		return NULL;
	}
	hooked->session = ss;
	hooked->relay = get_relay_socket(&ss->alloc, request.peer.any.sa_family);
	hooked->df = request.df;
	hooked->next = relay.first;
	if (relay.first)
		relay.first->previous = hooked;
	relay.first = hooked;
	return hooked;
}

/* A channel ended; its session may be closing, but is still there. */
void offload_hook_delete(void *handle)
{
	struct hooked *hooked = handle;

	if (!hooked)
		return;
	close_channel(hooked);
	if (hooked->previous)
		hooked->previous->next = hooked->next;
	else
		relay.first = hooked->next;
	if (hooked->next)
		hooked->next->previous = hooked->previous;
	give_back(hooked);
	free(hooked);
}

/*
 * Every packet that coturn handles is reported, when it is counted. Forced
 * reports come first when a session is shut down, while its sockets are
 * open: from here on the kernel relays nothing more of it, so that whoever gets
 * its ports next gets none of its packets, and the report has the last of it.
 */
void __wrap_turn_report_session_usage(void *session, int force_invalid)
{
	ts_ur_super_session *ss = session;

	struct hooked *hooked;

	if (running && force_invalid && ss) {
		for_channels(&ss->alloc, 0, close_channel);
	} else if (running && ss && ss->bps) {
		hooked = for_channels(&ss->alloc, 0, is_limited);
		if (hooked)
			hook_limit_share(hooked->limited);
	}
	__real_turn_report_session_usage(session, force_invalid);
}

void hook_channels_close(allocation *a, int family)
{
	if (running && a)
		for_channels(a, family, close_channel);
}

/* A relay of an allocation closes, long before its channels are deleted. */
void __wrap_set_allocation_family_invalid(allocation *a, int family)
{
	hook_channels_close(a, family);
	__real_set_allocation_family_invalid(a, family);
}

static bool clear_df(struct hooked *hooked)
{
	if (hooked->channel)
		channel_clear_df(hooked->channel);
	hooked->df = false;
	return false;
}

/* One that sessions share may have channels of all of them. */
void hook_relay_clear_df(ioa_socket_handle s)
{
	for (struct hooked *hooked = relay.first; hooked; hooked = hooked->next) {
		if (hooked->relay == s)
			clear_df(hooked);
	}
}

/* A Send indication asks for DF: the ChannelData after it goes without. */
int __wrap_set_df_on_ioa_socket(ioa_socket_handle s, int value)
{
	if (running && value && s) {
		if (s->session)
			for_channels(&s->session->alloc, s->family, clear_df);
		else if (s->family == AF_INET && hook_relay_sends_df(s))
			hook_relay_clear_df(s);
	}
	return __real_set_df_on_ioa_socket(s, value);
}
