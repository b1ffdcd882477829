/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels for tests, in all four combinations of the address families of client and peer. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "channel/eligibility.h"
#include "unit.h"

static const struct combination {
	const char *name;
	int client, peer;
} combinations[] = {
	{ "IPv4 to IPv4", AF_INET, AF_INET },
	{ "IPv4 to IPv6", AF_INET, AF_INET6 },
	{ "IPv6 to IPv4", AF_INET6, AF_INET },
	{ "IPv6 to IPv6", AF_INET6, AF_INET6 },
};

static inline union endpoint endpoint(const char *address, uint16_t port)
{
	union endpoint endpoint;

	memset(&endpoint, 0, sizeof(endpoint));
	if (inet_pton(AF_INET, address, &endpoint.v4.sin_addr) == 1) {
		endpoint.v4.sin_family = AF_INET;
		endpoint.v4.sin_port = htons(port);
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &endpoint.v6.sin6_addr), 1);
		endpoint.v6.sin6_family = AF_INET6;
		endpoint.v6.sin6_port = htons(port);
	}
	return endpoint;
}

static inline const char *client_address(int family)
{
	return family == AF_INET6 ? "2001:db8:1::10" : "192.0.2.10";
}

static inline const char *server_address(int family)
{
	return family == AF_INET6 ? "2001:db8:1::1" : "192.0.2.1";
}

static inline const char *relay_address(int family)
{
	return family == AF_INET6 ? "2001:db8:2::1" : "198.51.100.1";
}

static inline const char *peer_address(int family)
{
	return family == AF_INET6 ? "2001:db8:3::20" : "203.0.113.20";
}

/* The n-th channel of a client. Channels differ in their number and in the port of the peer. */
static inline struct channel_request sample_request(const struct combination *families, uint16_t n)
{
	return (struct channel_request){
		.client = endpoint(client_address(families->client), 40000),
		.server = endpoint(server_address(families->client), 3478),
		.relay = endpoint(relay_address(families->peer), 50000),
		.peer = endpoint(peer_address(families->peer), (uint16_t)(4000 + n)),
		.number = (uint16_t)(0x4000 + n),
		.client_udp = true,
		.relay_udp = true,
		.df = true,
	};
}

#endif
