/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_bonding.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/request.h"

/* 0 if the attribute is too short. */
static uint8_t get_u8(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) >= 1 ? mnl_attr_get_u8(attribute) : 0;
}

/* 0 if the attribute is too short. */
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

static void parse_bond(const struct nlattr *data, struct link *link)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data) {
		if (mnl_attr_get_type(attribute) == IFLA_BOND_MODE)
			link->bond_mode = get_u8(attribute);
		else if (mnl_attr_get_type(attribute) == IFLA_BOND_XMIT_HASH_POLICY)
			link->bond_policy = get_u8(attribute);
	}
}

static void parse_bond_member(const struct nlattr *data, struct link *link)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data) {
		if (mnl_attr_get_type(attribute) == IFLA_BOND_SLAVE_STATE)
			link->backup = get_u8(attribute) == BOND_STATE_BACKUP;
	}
}

static void parse_bridge(const struct nlattr *data, struct link *link)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data) {
		uint16_t type = mnl_attr_get_type(attribute);

		if ((type == IFLA_BR_NF_CALL_IPTABLES || type == IFLA_BR_NF_CALL_IP6TABLES) &&
		    mnl_attr_get_payload_len(attribute) >= 1 && mnl_attr_get_u8(attribute))
			link->bridge_filter = true;
	}
}

static void parse_link_info(const struct nlattr *info, struct link *link)
{
	const struct nlattr *attribute, *data = NULL, *member_data = NULL;
	const char *kind = "", *member_kind = "";

	mnl_attr_for_each_nested(attribute, info) {
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_INFO_KIND:
			kind = mnl_attr_get_str(attribute);
			break;
		case IFLA_INFO_DATA:
			data = attribute;
			break;
		case IFLA_INFO_SLAVE_KIND:
			member_kind = mnl_attr_get_str(attribute);
			break;
		case IFLA_INFO_SLAVE_DATA:
			member_data = attribute;
			break;
		}
	}
	strncpy(link->kind, kind, sizeof(link->kind) - 1);
	link->vlan = !strcmp(kind, "vlan");
	link->veth = !strcmp(kind, "veth");
	link->bond = !strcmp(kind, "bond");
	if (link->vlan && data)
		parse_vlan(data, link);
	if (link->bond && data)
		parse_bond(data, link);
	if (!strcmp(member_kind, "bond") && member_data)
		parse_bond_member(member_data, link);
	if (!strcmp(kind, "bridge") && data)
		parse_bridge(data, link);
}

/* IFLA_AF_SPEC has a nest for each family. That of IPv6 has the values of net.ipv6.conf.NAME. */
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
	bool lower_is_elsewhere = false;

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
			lower_is_elsewhere = true;
			break;
		case IFLA_LINKINFO:
			parse_link_info(attribute, link);
			break;
		case IFLA_AF_SPEC:
			parse_families(attribute, link);
			break;
		}
	}
	/*
	 * Older kernels name a link itself as its lower one if it has none. An index in another
	 * network namespace means nothing in this one.
	 */
	if (lower_is_elsewhere || link->lower == link->ifindex)
		link->lower = 0;
	return MNL_CB_OK;
}

int link_read(struct mnl_socket *socket, uint32_t ifindex, struct link *link)
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

struct visitor {
	void (*each)(const struct link *link, void *data);
	void *data;
};

static int visit_link(const struct nlmsghdr *message, void *result)
{
	const struct visitor *visitor = result;
	struct link link = { 0 };

	parse_link(message, &link);
	visitor->each(&link, visitor->data);
	return MNL_CB_OK;
}

int link_each(void (*each)(const struct link *link, void *data), void *data)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct visitor visitor = { each, data };

	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_DUMP;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return request_ask_own(NETLINK_ROUTE, request, visit_link, &visitor);
}
