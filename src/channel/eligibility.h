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
	uint32_t limit; /* which then has this slot: see channel_limit_take */
	bool df;      /* the relay's socket sends ChannelData's data with DF set */
};

/* Counted by number for inspectors: a change is one of ABI_VERSION. */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_CLIENT_NOT_UDP,
	REFUSAL_RELAY_NOT_UDP,
	REFUSAL_FAMILY,
	REFUSAL_WILDCARD,
	REFUSAL_LINK_LOCAL,
	REFUSAL_BOUND,
	REFUSAL_GROUP,
	REFUSAL_LOOPBACK,
	REFUSAL_NUMBER,
	REFUSAL_COUNT,
};

/** Whether the kernel may relay a channel; if not, why. */
enum refusal eligibility_check(const struct channel_request *request);

/** What the log says of a refusal. */
const char *eligibility_refusal_text(enum refusal refusal);

/** A word for it, for programs. */
const char *eligibility_refusal_name(enum refusal refusal);

#endif
