/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "bus.h"

#define VALID_STATES (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

struct mnl_socket *netlink_open(void)
{
	return bus_open(NETLINK_ROUTE, 0);
}

struct mnl_socket *netlink_listen(void)
{
	static const int groups[] = {
		RTNLGRP_LINK,       RTNLGRP_NEIGH,     RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_NEXTHOP,
	};
	struct mnl_socket *socket = bus_open(NETLINK_ROUTE, SOCK_NONBLOCK);

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

void netlink_close(struct mnl_socket *socket)
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
	int family;
	bool found;
	bool foreign; /* by a gateway of the other family, or a tunnel */
};

static void parse_route_metrics(const struct nlattr *metrics, struct route *route)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, metrics) {
		if (mnl_attr_get_type(attribute) == RTAX_MTU)
			route->mtu = mnl_attr_get_u32(attribute);
	}
}

static int parse_route(const struct nlmsghdr *message, void *result)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	struct route_answer *answer = result;
	const struct nlattr *attribute;

	if (header->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		switch (mnl_attr_get_type(attribute)) {
		case RTA_OIF:
			answer->route.ifindex = mnl_attr_get_u32(attribute);
			answer->found = true;
			break;
		case RTA_GATEWAY:
			get_address(attribute, answer->family, &answer->route.gateway);
			break;
		case RTA_METRICS:
			parse_route_metrics(attribute, &answer->route);
			break;
		case RTA_VIA:
		case RTA_ENCAP:
			answer->foreign = true;
			break;
		}
	}
	return MNL_CB_OK;
}

int netlink_route(struct mnl_socket *socket, int family, const union abi_addr *from,
		  const union abi_addr *to, struct route *route)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct route_answer answer = { .family = family, .route.gateway = *to };
	uint8_t bits = (uint8_t)(8 * address_size(family));
	int error;

	request->nlmsg_type = RTM_GETROUTE;
	header->rtm_family = (unsigned char)family;
	header->rtm_dst_len = header->rtm_src_len = bits;
	mnl_attr_put(request, RTA_DST, address_size(family), to);
	mnl_attr_put(request, RTA_SRC, address_size(family), from);
	error = bus_ask(socket, request, parse_route, &answer);
	if (error)
		return error == -ENETUNREACH || error == -EINVAL ? -EHOSTUNREACH : error;
	if (!answer.found || answer.foreign)
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

int netlink_neighbour(struct mnl_socket *socket, int family, uint32_t ifindex,
		      const union abi_addr *address, uint8_t mac[6], bool *stale)
{
	char buffer[256] = { 0 };
	struct neighbour_answer answer = { 0 };
	int error;

	error = bus_ask(socket, neighbour_request(buffer, RTM_GETNEIGH, family, ifindex, address, 0),
		    parse_neighbour, &answer);
	if (error)
		return error == -ENOENT ? -EHOSTUNREACH : error;
	if (!answer.found)
		return -EHOSTUNREACH;
	memcpy(mac, answer.mac, sizeof(answer.mac));
	*stale = answer.stale;
	return 0;
}

int netlink_probe(struct mnl_socket *socket, int family, uint32_t ifindex,
		  const union abi_addr *address)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request;

	request = neighbour_request(buffer, RTM_NEWNEIGH, family, ifindex, address, NTF_USE);
	request->nlmsg_flags = NLM_F_CREATE;
	return bus_ask(socket, request, NULL, NULL);
}

static int parse_link(const struct nlmsghdr *message, void *result)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct link *link = result;

	link->ifindex = (uint32_t)header->ifi_index;
	link->up = (header->ifi_flags & IFF_UP) && (header->ifi_flags & IFF_RUNNING);
	link->ethernet = header->ifi_type == ARPHRD_ETHER;
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_MTU:
			link->mtu = mnl_attr_get_u32(attribute);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attribute) == sizeof(link->mac))
				memcpy(link->mac, mnl_attr_get_payload(attribute), sizeof(link->mac));
			break;
		case IFLA_IFNAME:
			strncpy(link->name, mnl_attr_get_str(attribute), sizeof(link->name) - 1);
			break;
		}
	}
	return MNL_CB_OK;
}

int netlink_link(struct mnl_socket *socket, uint32_t ifindex, struct link *link)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct link answer = { 0 };
	int error;

	request->nlmsg_type = RTM_GETLINK;
	header->ifi_index = (int)ifindex;
	error = bus_ask(socket, request, parse_link, &answer);
	if (error)
		return error;
	*link = answer;
	return 0;
}

struct upper_answer {
	uint32_t ifindex;
	const char *kind;
	bool has;
};

static bool is_kind(const struct nlattr *info, const char *kind)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, info) {
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND &&
		    !strcmp(mnl_attr_get_str(attribute), kind))
			return true;
	}
	return false;
}

static int parse_upper(const struct nlmsghdr *message, void *result)
{
	struct upper_answer *answer = result;
	const struct nlattr *attribute;
	bool above = false, kind = false;

	mnl_attr_for_each(attribute, message, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attribute) == IFLA_LINK)
			above = mnl_attr_get_u32(attribute) == answer->ifindex;
		else if (mnl_attr_get_type(attribute) == IFLA_LINKINFO)
			kind = is_kind(attribute, answer->kind);
	}
	answer->has = answer->has || (above && kind);
	return MNL_CB_OK;
}

int netlink_has_upper(struct mnl_socket *socket, uint32_t ifindex, const char *kind, bool *has)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct upper_answer answer = { .ifindex = ifindex, .kind = kind };
	int error;

	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_DUMP;
	error = bus_ask(socket, request, parse_upper, &answer);
	if (error)
		return error;
	*has = answer.has;
	return 0;
}
