/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to the kernel about routes, neighbours and links, by rtnetlink(7). */
#ifndef OFFLOAD_NETLINK_RTNETLINK_H
#define OFFLOAD_NETLINK_RTNETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct mnl_socket;

/** The way to an address. */
struct route {
	bool local;             /* to this very host: there is no gateway */
	bool mtu_locked;        /* it is not to be learned: IPv4 is sent without DF (ip_dont_fragment) */
	uint8_t hop_limit;      /* of the route; 0: the default */
	uint8_t gateway_family; /* that of the destination, or IPv6 for an IPv4 one (RFC 8950) */
	uint32_t ifindex;
	uint32_t mtu;           /* of the route, learned ones included; 0: the link's */
	union abi_addr gateway; /* the next IP hop; the destination itself if on-link */
};

struct link {
	uint32_t ifindex;
	uint32_t mtu;
	uint32_t mtu6;      /* for IPv6, which routers may lower; 0: the link has no IPv6 */
	uint8_t hop_limit6; /* what sockets send with by default, which routers may set */
	bool up;            /* administratively, and with a carrier */
	bool ethernet;      /* frames have Ethernet headers, and neighbours MACs */
	bool vlan;
	bool vlan_qos;          /* it maps packets' priorities to those of tags */
	uint16_t vlan_id;
	uint16_t vlan_protocol; /* ETH_P_8021Q or ETH_P_8021AD, in host order */
	uint32_t lower;         /* the link below, or the other end; 0: none in this namespace */
	uint32_t upper;         /* the bridge or bond that it is a member of; 0: none */
	bool veth;              /* `lower` is the other end */
	uint8_t mac[6];
	char name[IFNAMSIZ];
};

/** A socket for questions, or NULL with errno. For one thread at a time. */
struct mnl_socket *rtnetlink_open(void);

/**
 * A socket that hears of changes to routes, rules, addresses, links and
 * neighbours, not blocking; or NULL with errno.
 */
struct mnl_socket *rtnetlink_listen(void);

void rtnetlink_close(struct mnl_socket *socket);

/**
 * The way of a UDP datagram from a local address to another host, or to this one.
 * 0, -EHOSTUNREACH if there is none, or if the address is broadcast, multicast
 * or anycast; or another -errno.
 */
int rtnetlink_route(struct mnl_socket *socket, int family, const union abi_addr *from,
		  const union abi_addr *to, struct route *route);

/** A neighbour's MAC. 0, -EHOSTUNREACH if it is not known now, or another -errno. */
int rtnetlink_neighbour(struct mnl_socket *socket, int family, uint32_t ifindex,
		      const union abi_addr *address, uint8_t mac[6], bool *stale);

/**
 * Has the kernel resolve a neighbour, or confirm it if it is stale: what a
 * packet sent to it would do (NTF_USE). Not for a permanent one, which this
 * would turn into one to be resolved.
 */
int rtnetlink_probe(struct mnl_socket *socket, int family, uint32_t ifindex,
		  const union abi_addr *address);

/** A link by index. 0, -ENODEV or another -errno. */
int rtnetlink_link(struct mnl_socket *socket, uint32_t ifindex, struct link *link);

/**
 * Shows all links. 0; -EINTR if some changed meanwhile, so that one may have been
 * missed or shown twice; or another -errno.
 */
int rtnetlink_links(struct mnl_socket *socket, void (*each)(const struct link *link, void *data),
		  void *data);

#endif
