/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel/eligibility.h"

#include <arpa/inet.h>

/* Programs read the names (JSON, metrics), so a name never changes. People read the texts. */
static const struct {
	const char *name, *text;
} refusals[REFUSAL_COUNT] = {
	[REFUSAL_NONE] = { "none", "relayed in the kernel" },
	[REFUSAL_CLIENT_NOT_UDP] = { "client-not-udp", "the client does not use plain UDP" },
	[REFUSAL_RELAY_NOT_UDP] = { "relay-not-udp", "the relayed transport address is not UDP" },
	[REFUSAL_FAMILY] = { "family", "an address is neither IPv4 nor IPv6" },
	[REFUSAL_WILDCARD] = { "wildcard", "the relay is bound to a wildcard address, or there is no route to the client" },
	[REFUSAL_LINK_LOCAL] = { "link-local", "client, server, relay or peer has a link-local IPv6 address" },
	[REFUSAL_BOUND] = { "bound", "a socket is bound to a device (listening-device, relay-device) or marks its packets" },
	[REFUSAL_GROUP] = { "group", "the peer is a multicast or broadcast address" },
	[REFUSAL_LOOPBACK] = { "loopback", "client or peer has a loopback address" },
	[REFUSAL_NUMBER] = { "number", "the channel number is not from 0x4000 to 0x7fff" },
	[REFUSAL_MAPPED] = { "mapped", "client or peer has an IPv4-mapped IPv6 address (::ffff:0:0/96)" },
	[REFUSAL_TRANSLATED] = { "translated", "this host translates their addresses or ports (NAT)" },
	[REFUSAL_HOST] = { "host", "this host refuses some of their packets (firewall, cgroup program, reverse path filter)" },
	[REFUSAL_UNSEEN] = { "unseen", "their packets come in by no interface that carries the program" },
	[REFUSAL_SHARE] = { "share", "one session has as many channels in the kernel as there is room left for others" },
	[REFUSAL_ONE_WAY] = { "one-way", "only one direction has carried data so far, and this host has NAT, so that both must have" },
};

const char *eligibility_refusal_text(enum refusal refusal)
{
	return refusals[refusal].text;
}

const char *eligibility_refusal_name(enum refusal refusal)
{
	return refusals[refusal].name;
}

static bool is_ip(const union endpoint *endpoint)
{
	return endpoint->any.sa_family == AF_INET || endpoint->any.sa_family == AF_INET6;
}

/* Such an address is IPv4 on the wire, where its flow would be looked for as IPv6. */
static bool is_mapped(const union endpoint *endpoint)
{
	return endpoint->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&endpoint->v6.sin6_addr);
}

static uint32_t host_v4(const union endpoint *endpoint)
{
	return ntohl(endpoint->v4.sin_addr.s_addr);
}

static bool is_any(const union endpoint *endpoint)
{
	if (endpoint->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&endpoint->v6.sin6_addr);
	return host_v4(endpoint) == INADDR_ANY;
}

static bool is_loopback(const union endpoint *endpoint)
{
	if (endpoint->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&endpoint->v6.sin6_addr);
	return host_v4(endpoint) >> 24 == IN_LOOPBACKNET;
}

/*
 * A link-local address is only valid together with an interface (RFC 4007), which neither the packet nor the
 * key of a flow has.
 */
static bool is_link_local(const union endpoint *endpoint)
{
	return endpoint->any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&endpoint->v6.sin6_addr);
}

/*
 * The broadcast address of a subnet is not recognised here, but its route says what it is, so that it never
 * gets a next hop.
 */
static bool is_group(const union endpoint *endpoint)
{
	uint32_t address;

	if (endpoint->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_MULTICAST(&endpoint->v6.sin6_addr);
	address = host_v4(endpoint);
	return IN_MULTICAST(address) || address == INADDR_BROADCAST || IN_BADCLASS(address);
}

enum refusal eligibility_check(const struct channel_request *request)
{
	const union endpoint *client = &request->client, *peer = &request->peer;

	if (!request->client_udp)
		return REFUSAL_CLIENT_NOT_UDP;
	if (!request->relay_udp)
		return REFUSAL_RELAY_NOT_UDP;
	if (!is_ip(client) || client->any.sa_family != request->server.any.sa_family || !is_ip(peer) ||
	    peer->any.sa_family != request->relay.any.sa_family)
		return REFUSAL_FAMILY;
	if (is_mapped(peer) || is_mapped(client))
		return REFUSAL_MAPPED;
	if (is_any(&request->server) || is_any(&request->relay))
		return REFUSAL_WILDCARD;
	if (request->bound)
		return REFUSAL_BOUND;
	if (is_group(peer) || is_any(peer))
		return REFUSAL_GROUP;
	if (is_loopback(peer) || is_loopback(client))
		return REFUSAL_LOOPBACK;
	if (is_link_local(peer) || is_link_local(client) || is_link_local(&request->relay) ||
	    is_link_local(&request->server))
		return REFUSAL_LINK_LOCAL;
	/*
	 * RFC 8656, section 12, allows 0x4000 to 0x4fff, and RFC 5766 up to 0x7fff. Each release of coturn
	 * has its own limit within the larger range.
	 */
	if (request->number < 0x4000 || request->number > 0x7fff)
		return REFUSAL_NUMBER;
	return REFUSAL_NONE;
}
