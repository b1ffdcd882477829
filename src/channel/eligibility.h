/* SPDX-License-Identifier: BSD-3-Clause */
/* Which channels may be relayed in the kernel. */
#ifndef OFFLOAD_CHANNEL_ELIGIBILITY_H
#define OFFLOAD_CHANNEL_ELIGIBILITY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/** An address and port of either family. */
union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/** A channel as coturn binds it. */
struct channel_request {
	union endpoint client; /* where the client sends from */
	union endpoint server; /* where it sends to: the listener, or its address that the client uses */
	union endpoint relay;  /* the relayed transport address, as bound here */
	union endpoint peer;
	uint16_t number;
	bool client_udp; /* plain UDP: not TCP, TLS or DTLS */
	bool relay_udp;
	bool mapped;  /* the client is an IPv4 one on an IPv6 socket; its addresses are IPv4's here */
	bool bound;   /* a socket of it is bound to a device, or marks its packets */
	bool limited; /* max-bps applies to the session, */
	uint32_t limit; /* which then has this row: see channel_limit_take */
	bool df;      /* the relay's socket sends ChannelData's data with DF set */
};

/* Counted by number for onlookers: a change is one of ABI_VERSION. */
enum channel_refusal {
	CHANNEL_OK,
	CHANNEL_CLIENT_NOT_UDP,
	CHANNEL_RELAY_NOT_UDP,
	CHANNEL_FAMILY,
	CHANNEL_WILDCARD,
	CHANNEL_LINK_LOCAL,
	CHANNEL_BOUND,
	CHANNEL_GROUP,
	CHANNEL_LOOPBACK,
	CHANNEL_NUMBER,
	CHANNEL_REFUSALS,
};

/** Whether the kernel may relay a channel; if not, why. */
enum channel_refusal channel_check(const struct channel_request *request);

/** What the log says of a refusal. */
const char *channel_refusal_text(enum channel_refusal refusal);

/** A word for it, for programs. */
const char *channel_refusal_name(enum channel_refusal refusal);

#endif
