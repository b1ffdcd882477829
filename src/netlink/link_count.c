/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/link_count.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "netlink/request.h"

struct answer {
	struct link_count count;
	bool found;
};

static int parse_counts(const struct nlmsghdr *message, void *result)
{
	struct answer *answer = result;
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct if_stats_msg)) {
		struct rtnl_link_stats64 stats;

		/* Newer kernels append fields. */
		if (mnl_attr_get_type(attribute) != IFLA_STATS_LINK_64 ||
		    mnl_attr_get_payload_len(attribute) < offsetof(struct rtnl_link_stats64, rx_bytes))
			continue;
		memcpy(&stats, mnl_attr_get_payload(attribute), offsetof(struct rtnl_link_stats64, rx_bytes));
		answer->count.received = stats.rx_packets;
		answer->count.sent = stats.tx_packets;
		answer->found = true;
	}
	return MNL_CB_OK;
}

int link_count_read(uint32_t ifindex, struct link_count *count)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct if_stats_msg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct answer answer = { 0 };
	int error;

	request->nlmsg_type = RTM_GETSTATS;
	header->ifindex = ifindex;
	header->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	error = request_ask_own(NETLINK_ROUTE, request, parse_counts, &answer);
	if (!error && !answer.found)
		error = -ENODATA;
	if (!error)
		*count = answer.count;
	return error;
}
