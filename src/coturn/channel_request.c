/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/channel_request.h"

#include <string.h>

#include "mainrelay.h"
#include "ns_turn_allocation.h"

#include "coturn/socket_options.h"

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
 * Fills in what depends on the options of the sockets. It is called for UDP sockets only: others are refused
 * anyway.
 */
static void describe_sockets(ts_ur_super_session *ss, ioa_socket_handle relay_socket,
			     const bool *sibling_df, struct channel_request *request)
{
	request->bound = socket_options_client_bound(ss->client_socket);
	if (sibling_df) {
		request->df = *sibling_df;
		return;
	}
	request->bound = request->bound || socket_options_relay_bound(relay_socket);
	request->df = request->peer.any.sa_family == AF_INET && socket_options_relay_df(relay_socket);
}

/* Returns the IPv4 address and port in an IPv4-mapped IPv6 one. The IPv6 wildcard becomes the IPv4 wildcard. */
static union endpoint unmapped(const union endpoint *mapped)
{
	union endpoint endpoint = { .v4 = { .sin_family = AF_INET, .sin_port = mapped->v6.sin6_port } };

	memcpy(&endpoint.v4.sin_addr, &mapped->v6.sin6_addr.s6_addr[12], sizeof(endpoint.v4.sin_addr));
	return endpoint;
}

void channel_request_describe(ts_ur_super_session *ss, const ch_info *chn, const ioa_addr *peer,
			      const bool *sibling_df, struct channel_request *request)
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
		describe_sockets(ss, relay_socket, sibling_df, request);
	if (request->client.any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&request->client.v6.sin6_addr)) {
		request->mapped = true;
		request->client = unmapped(&request->client);
		request->server = unmapped(&request->server);
	}
	/* If there is no route to the client, the wildcard stays, and the channel is refused. */
	if (addr_any_no_port(server))
		source_address_find(&request->client, &request->server);
}
