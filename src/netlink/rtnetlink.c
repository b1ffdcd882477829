/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/request.h"

/* NUD_VALID of the kernel's include/net/neighbour.h: in these states the MAC is known. */
#define VALID_STATES (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

struct mnl_socket *rtnetlink_open(void)
{
	return request_socket_open(NETLINK_ROUTE, 0);
}

struct mnl_socket *rtnetlink_listen(void)
{
	static const int groups[] = {
		RTNLGRP_LINK,
		RTNLGRP_NEIGH,
		RTNLGRP_NEXTHOP,
		RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV4_RULE,
		RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV6_RULE,
	};
	struct mnl_socket *socket = request_socket_open(NETLINK_ROUTE, SOCK_NONBLOCK);

	if (!socket)
		return NULL;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, (void *)&groups[i],
					  sizeof(groups[i])) < 0) {
			int error = errno;

			mnl_socket_close(socket);
			errno = error;
			return NULL;
		}
	}
	return socket;
}

void rtnetlink_close(struct mnl_socket *socket)
{
	if (socket)
		mnl_socket_close(socket);
}

static size_t address_size(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void get_address(const struct nlattr *attribute, int family, union abi_addr *address)
{
	memset(address, 0, sizeof(*address));
	if (mnl_attr_get_payload_len(attribute) >= address_size(family))
		memcpy(address, mnl_attr_get_payload(attribute), address_size(family));
}

struct route_answer {
	struct route route;
	bool found;  /* the answer names an interface */
	bool tunnel; /* the kernel would encapsulate packets */
};

static void parse_route_metrics(const struct nlattr *metrics, struct route *route)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, metrics) {
		if (mnl_attr_get_type(attribute) == RTAX_MTU)
			route->mtu = mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == RTAX_HOPLIMIT)
			route->hop_limit = (uint8_t)mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == RTAX_LOCK)
			route->mtu_locked = mnl_attr_get_u32(attribute) & 1 << RTAX_MTU;
	}
}

/* A gateway of another family than the destination's is a struct rtvia: a family, then an address. */
static void parse_via(const struct nlattr *attribute, struct route *route)
{
	const struct rtvia *via = mnl_attr_get_payload(attribute);
	size_t size = mnl_attr_get_payload_len(attribute);

	memset(&route->gateway, 0, sizeof(route->gateway));
	route->gateway_family = AF_UNSPEC;
	if (size == sizeof(*via) + 16 && via->rtvia_family == AF_INET6) {
		route->gateway_family = AF_INET6;
		memcpy(&route->gateway, via->rtvia_addr, 16);
	}
}

static int parse_route(const struct nlmsghdr *message, void *result)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	struct route_answer *answer = result;
	const struct nlattr *attribute;

	if (header->rtm_type != RTN_UNICAST && header->rtm_type != RTN_LOCAL)
		return MNL_CB_OK;
	answer->route.local = header->rtm_type == RTN_LOCAL;
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		switch (mnl_attr_get_type(attribute)) {
		case RTA_OIF:
			answer->route.ifindex = mnl_attr_get_u32(attribute);
			answer->found = true;
			break;
		case RTA_GATEWAY:
			get_address(attribute, answer->route.gateway_family, &answer->route.gateway);
			break;
		case RTA_VIA:
			parse_via(attribute, &answer->route);
			break;
		case RTA_METRICS:
			parse_route_metrics(attribute, &answer->route);
			break;
		case RTA_ENCAP:
			answer->tunnel = true;
			break;
		}
	}
	return MNL_CB_OK;
}

int rtnetlink_route(struct mnl_socket *socket, int family, const union abi_addr *from,
		    const union abi_addr *to, struct route *route)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct route_answer answer = { .route.gateway_family = (uint8_t)family, .route.gateway = *to };
	uint8_t bits = (uint8_t)(8 * address_size(family));
	int error;

	request->nlmsg_type = RTM_GETROUTE;
	header->rtm_family = (unsigned char)family;
	header->rtm_dst_len = header->rtm_src_len = bits;
	mnl_attr_put(request, RTA_DST, address_size(family), to);
	mnl_attr_put(request, RTA_SRC, address_size(family), from);
	/* Policy rules may match the protocol, and the choice between several gateways depends on it. */
	mnl_attr_put_u8(request, RTA_IP_PROTO, IPPROTO_UDP);
	error = request_ask(socket, request, parse_route, &answer);
	if (error)
		return error == -ENETUNREACH || error == -EINVAL ? -EHOSTUNREACH : error;
	if (!answer.found || answer.tunnel || answer.route.gateway_family == AF_UNSPEC)
		return -EHOSTUNREACH;
	*route = answer.route;
	return 0;
}

struct neighbour_answer {
	uint8_t mac[6];
	bool found;
	bool stale;
};

static int parse_neighbour(const struct nlmsghdr *message, void *result)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	struct neighbour_answer *answer = result;
	const struct nlattr *attribute;

	if (!(header->ndm_state & VALID_STATES))
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		if (mnl_attr_get_type(attribute) == NDA_LLADDR &&
		    mnl_attr_get_payload_len(attribute) == sizeof(answer->mac)) {
			memcpy(answer->mac, mnl_attr_get_payload(attribute), sizeof(answer->mac));
			answer->found = true;
			answer->stale = header->ndm_state & NUD_STALE;
		}
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *neighbour_request(char *buffer, int type, int family, uint32_t ifindex,
					  const union abi_addr *address, int flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = (uint16_t)type;
	header->ndm_family = (uint8_t)family;
	header->ndm_ifindex = (int)ifindex;
	header->ndm_flags = (uint8_t)flags;
	mnl_attr_put(request, NDA_DST, address_size(family), address);
	return request;
}

int rtnetlink_neighbour(struct mnl_socket *socket, int family, uint32_t ifindex,
			const union abi_addr *address, uint8_t mac[6], bool *stale)
{
	char buffer[256] = { 0 };
	struct neighbour_answer answer = { 0 };
	int error;

	error = request_ask(socket, neighbour_request(buffer, RTM_GETNEIGH, family, ifindex, address, 0),
			    parse_neighbour, &answer);
	if (error)
		return error == -ENOENT ? -EHOSTUNREACH : error;
	if (!answer.found)
		return -EHOSTUNREACH;
	memcpy(mac, answer.mac, sizeof(answer.mac));
	*stale = answer.stale;
	return 0;
}

int rtnetlink_probe(struct mnl_socket *socket, int family, uint32_t ifindex,
		    const union abi_addr *address)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request;

	request = neighbour_request(buffer, RTM_NEWNEIGH, family, ifindex, address, NTF_USE);
	request->nlmsg_flags = NLM_F_CREATE;
	return request_ask(socket, request, NULL, NULL);
}
