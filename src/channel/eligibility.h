/* SPDX-License-Identifier: BSD-3-Clause */
/* Decides which channels may be relayed in the kernel. The functions work on their arguments alone. */
#ifndef OFFLOAD_CHANNEL_ELIGIBILITY_H
#define OFFLOAD_CHANNEL_ELIGIBILITY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/** An address and port of IPv4 or IPv6, as the socket functions use them. */
union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/** A channel that coturn binds, described for the offload. Ports of endpoints are in network order. */
struct channel_request {
	union endpoint client; /* the address that the client sends from */
	union endpoint server; /* the server's address that the client sends to */
	union endpoint relay;  /* the relayed transport address, as its socket is bound (not external-ip) */
	union endpoint peer;
	uint16_t number;  /* the channel number */
	bool client_udp;  /* the client uses plain UDP: not TCP, TLS or DTLS */
	bool relay_udp;   /* the relayed transport address is UDP */
	bool mapped;      /* an IPv4 client of an IPv6 socket; `client` and `server` are then IPv4 */
	bool bound;       /* the client's or the relay's socket is bound to a device or marks its packets */
	bool limited;     /* max-bps applies to the session */
	uint32_t session; /* the session's number (sessions_take) */
	bool df;          /* the relay's socket sends the data of ChannelData with DF set */
};

/*
 * Why a channel stays in userspace. Inspectors know the numbers: when they change, so must ABI_VERSION. A new
 * reason has the next number.
 */
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
	REFUSAL_MAPPED,
	/* What is found out later (channel/examples.h). */
	REFUSAL_TRANSLATED,
	REFUSAL_HOST,
	REFUSAL_UNSEEN,
	REFUSAL_ONE_WAY,
	REFUSAL_SHARE,
	REFUSAL_COUNT,
};

/** Returns REFUSAL_NONE if the kernel may relay a channel, else the first reason against it. */
enum refusal eligibility_check(const struct channel_request *request);

/** Returns the text of a refusal for people, as it follows "channels stay in userspace where". Valid for ever. */
const char *eligibility_refusal_text(enum refusal refusal);

/** Returns the name of a refusal for programs. Valid for ever. */
const char *eligibility_refusal_name(enum refusal refusal);

#endif
