/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions to the kernel about routes and neighbours, and the socket that hears of
 * changes, by rtnetlink(7). A socket is for one thread at a time.
 */
#ifndef OFFLOAD_NETLINK_RTNETLINK_H
#define OFFLOAD_NETLINK_RTNETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct mnl_socket;

/** The route that the kernel would choose to a destination. */
struct route {
	bool local;             /* the destination is this host itself: there is no gateway */
	bool mtu_locked;        /* the MTU is fixed: the kernel sends IPv4 without DF (ip_dont_fragment) */
	uint8_t hop_limit;      /* that the route sets; 0: it sets none */
	uint8_t gateway_family; /* that of the destination, or AF_INET6 for an IPv4 one (RFC 8950) */
	uint32_t ifindex;       /* the interface that packets leave by */
	uint32_t mtu;           /* that the route sets, or that was learned for its path; 0: none */
	union abi_addr gateway; /* the next IP hop; the destination itself if it is on-link */
};

/**
 * Opens a socket for questions, which blocks until they are answered. Returns the
 * socket, which rtnetlink_close closes, or NULL with errno. Any thread.
 */
struct mnl_socket *rtnetlink_open(void);

/**
 * Opens a socket that hears of changes to routes, next hop objects, rules,
 * addresses, links and neighbours of both families. It does not block. Returns the
 * socket, which rtnetlink_close closes, or NULL with errno. Any thread.
 */
struct mnl_socket *rtnetlink_listen(void);

/** Closes a socket. Does nothing if `socket` is NULL. */
void rtnetlink_close(struct mnl_socket *socket);

/**
 * Asks for the route of UDP datagrams from a local address to `to`, which may be on
 * this host (RTM_GETROUTE). `family` is AF_INET or AF_INET6. 0; -EHOSTUNREACH if
 * there is none, if it leads into a tunnel of the kernel's (RTA_ENCAP), or if `to` is
 * a broadcast, multicast or anycast address; or another -errno. After an error
 * `route` is untouched.
 */
int rtnetlink_route(struct mnl_socket *socket, int family, const union abi_addr *from,
		    const union abi_addr *to, struct route *route);

/**
 * Asks for a neighbour's MAC address (RTM_GETNEIGH); `stale` says whether the kernel
 * would confirm it before long if it were used (NUD_STALE). 0; -EHOSTUNREACH if the
 * kernel does not know it now; or another -errno. After an error `mac` and `stale`
 * are untouched.
 */
int rtnetlink_neighbour(struct mnl_socket *socket, int family, uint32_t ifindex,
			const union abi_addr *address, uint8_t mac[6], bool *stale);

/**
 * Has the kernel resolve a neighbour, or confirm it if it is stale, as a packet to it
 * would (NTF_USE). Needs CAP_NET_ADMIN. Not for a permanent neighbour: the kernel
 * would make it one that has to be resolved. 0 or -errno.
 */
int rtnetlink_probe(struct mnl_socket *socket, int family, uint32_t ifindex,
		    const union abi_addr *address);

#endif
