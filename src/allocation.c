/* SPDX-License-Identifier: BSD-3-Clause */
#include "allocation.h"

#include <arpa/inet.h>

static const char *const texts[CHANNEL_REFUSALS] = {
	[CHANNEL_OK] = "relayed in the kernel",
	[CHANNEL_CLIENT_NOT_UDP] = "the client does not use plain UDP",
	[CHANNEL_RELAY_NOT_UDP] = "the relay is not UDP",
	[CHANNEL_FAMILY] = "client or peer is not IPv4",
	[CHANNEL_WILDCARD] = "the listener is bound to a wildcard address",
	[CHANNEL_BOUND] = "sockets are bound to a device (listening-device, relay-device) or marked",
	[CHANNEL_GROUP] = "the peer is a multicast or broadcast address",
	[CHANNEL_LOOPBACK] = "client or peer is on the loopback interface",
	[CHANNEL_LIMITED] = "max-bps limits the session",
	[CHANNEL_NUMBER] = "the channel number is out of range",
};

const char *channel_refusal_text(enum channel_refusal refusal)
{
	return texts[refusal];
}

static bool is_v4(const union endpoint *endpoint)
{
	return endpoint->any.sa_family == AF_INET;
}

static uint32_t host_v4(const union endpoint *endpoint)
{
	return ntohl(endpoint->v4.sin_addr.s_addr);
}

static bool is_loopback(const union endpoint *endpoint)
{
	return host_v4(endpoint) >> 24 == IN_LOOPBACKNET;
}

/* Directed broadcast is known by its route only: it never gets a next hop. */
static bool is_group(uint32_t address)
{
	return IN_MULTICAST(address) || address == INADDR_BROADCAST || IN_BADCLASS(address);
}

enum channel_refusal channel_check(const struct channel_request *request)
{
	if (!request->client_udp)
		return CHANNEL_CLIENT_NOT_UDP;
	if (!request->relay_udp)
		return CHANNEL_RELAY_NOT_UDP;
	if (!is_v4(&request->client) || !is_v4(&request->server) || !is_v4(&request->relay) ||
	    !is_v4(&request->peer))
		return CHANNEL_FAMILY;
	if (host_v4(&request->server) == INADDR_ANY || host_v4(&request->relay) == INADDR_ANY)
		return CHANNEL_WILDCARD;
	if (request->bound)
		return CHANNEL_BOUND;
	if (is_group(host_v4(&request->peer)) || host_v4(&request->peer) == INADDR_ANY)
		return CHANNEL_GROUP;
	if (is_loopback(&request->peer) || is_loopback(&request->client))
		return CHANNEL_LOOPBACK;
	/* RFC 8656, section 12; upstream's releases allow parts of this range. */
	if (request->number < 0x4000 || request->number > 0x7fff)
		return CHANNEL_NUMBER;
	if (request->limited)
		return CHANNEL_LIMITED;
	return CHANNEL_OK;
}
