/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/request.h"

#define VALID_STATES (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

struct mnl_socket *rtnetlink_open(void)
{
	return request_socket_open(NETLINK_ROUTE, 0);
}

struct mnl_socket *rtnetlink_listen(void)
{
	static const int groups[] = {
		RTNLGRP_LINK,        RTNLGRP_NEIGH,      RTNLGRP_NEXTHOP,
		RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE,
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
	bool found;
	bool tunnel;
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

/* A gateway of the other family: struct rtvia, an address behind its family. */
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
	/* Rules may look at it, and the choice between several gateways does. */
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

static uint16_t get_u16(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) >= 2 ? mnl_attr_get_u16(attribute) : 0;
}

static void parse_vlan(const struct nlattr *data, struct link *link)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data) {
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_VLAN_ID:
			link->vlan_id = get_u16(attribute);
			break;
		case IFLA_VLAN_PROTOCOL:
			link->vlan_protocol = ntohs(get_u16(attribute));
			break;
		case IFLA_VLAN_EGRESS_QOS:
			link->vlan_qos = mnl_attr_get_payload_len(attribute) > 0;
			break;
		}
	}
}

static void parse_link_info(const struct nlattr *info, struct link *link)
{
	const struct nlattr *attribute, *data = NULL;
	const char *kind = "";

	mnl_attr_for_each_nested(attribute, info) {
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			kind = mnl_attr_get_str(attribute);
		else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA)
			data = attribute;
	}
	link->vlan = !strcmp(kind, "vlan");
	link->veth = !strcmp(kind, "veth");
	if (link->vlan && data)
		parse_vlan(data, link);
}

/* IFLA_AF_SPEC: a nest for each family; that of IPv6 has the sysctls of conf/. */
static void parse_families(const struct nlattr *families, struct link *link)
{
	const struct nlattr *family, *attribute;

	mnl_attr_for_each_nested(family, families) {
		if (mnl_attr_get_type(family) != AF_INET6)
			continue;
		mnl_attr_for_each_nested(attribute, family) {
			const int32_t *conf = mnl_attr_get_payload(attribute);

			if (mnl_attr_get_type(attribute) != IFLA_INET6_CONF ||
			    mnl_attr_get_payload_len(attribute) < (DEVCONF_MTU6 + 1) * sizeof(*conf))
				continue;
			link->hop_limit6 = (uint8_t)conf[DEVCONF_HOPLIMIT];
			link->mtu6 = (uint32_t)conf[DEVCONF_MTU6];
		}
	}
}

static int parse_link(const struct nlmsghdr *message, void *result)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct link *link = result;
	bool elsewhere = false;

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
		case IFLA_LINK:
			link->lower = mnl_attr_get_u32(attribute);
			break;
		case IFLA_MASTER:
			link->upper = mnl_attr_get_u32(attribute);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_LINKINFO:
			parse_link_info(attribute, link);
			break;
		case IFLA_AF_SPEC:
			parse_families(attribute, link);
			break;
		}
	}
	/* A link that is below none names itself, as older kernels do of many kinds. */
	if (elsewhere || link->lower == link->ifindex)
		link->lower = 0;
	return MNL_CB_OK;
}

int rtnetlink_link(struct mnl_socket *socket, uint32_t ifindex, struct link *link)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct link answer = { 0 };
	int error;

	request->nlmsg_type = RTM_GETLINK;
	header->ifi_index = (int)ifindex;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	error = request_ask(socket, request, parse_link, &answer);
	if (error)
		return error;
	*link = answer;
	return 0;
}

struct viewer {
	void (*each)(const struct link *link, void *data);
	void *data;
};

static int show_link(const struct nlmsghdr *message, void *result)
{
	const struct viewer *viewer = result;
	struct link link = { 0 };

	parse_link(message, &link);
	viewer->each(&link, viewer->data);
	return MNL_CB_OK;
}

int rtnetlink_links(struct mnl_socket *socket, void (*each)(const struct link *link, void *data),
		  void *data)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct viewer viewer = { each, data };

	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_DUMP;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return request_ask(socket, request, show_link, &viewer);
}
