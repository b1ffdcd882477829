/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/routes_out.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink/request.h"

static void add(struct routes_out *routes, uint32_t ifindex, bool is_default)
{
	unsigned int i;

	for (i = 0; i < routes->count && routes->link[i].ifindex != ifindex; i++)
		;
	if (i == ROUTES_OUT_LINKS)
		return;
	if (i == routes->count) {
		routes->link[i].ifindex = ifindex;
		routes->link[i].is_default = false;
		routes->count++;
	}
	routes->link[i].is_default = routes->link[i].is_default || is_default;
}

/* The next hops of a route that has several (RTA_MULTIPATH), each a struct rtnexthop with attributes behind it. */
static void add_several(struct routes_out *routes, const struct nlattr *several, bool is_default)
{
	const char *place = mnl_attr_get_payload(several);
	size_t left = mnl_attr_get_payload_len(several);

	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *hop = (const void *)place;
		size_t size = RTNH_ALIGN(hop->rtnh_len);

		if (hop->rtnh_len < sizeof(*hop) || size > left)
			break;
		/* Attributes there are of gateways. */
		if (is_default || hop->rtnh_len > sizeof(*hop))
			add(routes, (uint32_t)hop->rtnh_ifindex, is_default);
		place += size;
		left -= size;
	}
}

static int parse(const struct nlmsghdr *message, void *result)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	bool is_default = header->rtm_dst_len == 0, gateway = false;
	struct routes_out *routes = result;
	const struct nlattr *attribute;
	uint32_t ifindex = 0;

	if (header->rtm_type != RTN_UNICAST || header->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		switch (mnl_attr_get_type(attribute)) {
		case RTA_OIF:
			ifindex = mnl_attr_get_u32(attribute);
			break;
		case RTA_GATEWAY:
		case RTA_VIA:
			gateway = true;
			break;
		case RTA_MULTIPATH:
			add_several(routes, attribute, is_default);
			break;
		}
	}
	if (ifindex && (is_default || gateway))
		add(routes, ifindex, is_default);
	return MNL_CB_OK;
}

int routes_out_read(int family, struct routes_out *routes)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct routes_out found = { 0 };
	int error;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_DUMP;
	header->rtm_family = (unsigned char)family;
	error = request_ask_own(NETLINK_ROUTE, request, parse, &found);
	if (!error)
		*routes = found;
	return error;
}
