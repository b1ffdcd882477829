/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/ipsec.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/log.h"
#include "netlink/request.h"
#include "table/status.h"

static bool blocks;
static bool unanswered;

bool ipsec_blocks(void)
{
	return blocks;
}

bool ipsec_is_unanswered(void)
{
	return unanswered;
}

static int parse_counts(const struct nlmsghdr *message, void *result)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(uint32_t)) {
		const struct xfrmu_spdinfo *info = mnl_attr_get_payload(attribute);

		if (mnl_attr_get_type(attribute) == XFRMA_SPD_INFO &&
		    mnl_attr_get_payload_len(attribute) >= sizeof(*info))
			*(bool *)result = info->incnt || info->outcnt || info->fwdcnt;
	}
	return MNL_CB_OK;
}

int ipsec_ask(bool *any)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	uint32_t *flags = mnl_nlmsg_put_extra_header(request, sizeof(*flags));
	bool answer = false;
	int error;

	request->nlmsg_type = XFRM_MSG_GETSPDINFO;
	*flags = UINT32_MAX;
	error = request_ask_own(NETLINK_XFRM, request, parse_counts, &answer);
	if (!error)
		*any = answer;
	return error;
}

bool ipsec_refresh(void)
{
	bool any, changed;

	unanswered = ipsec_ask(&any) != 0;
	if (unanswered)
		return false;
	changed = any != blocks;
	blocks = any;
	status_blocked_put(any);
	if (changed)
		log_line(any ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
			 any ? "this host has IPsec policies, which XDP would bypass: everything is relayed in userspace "
			       "until they are gone" :
			       "IPsec policies are gone: channels are offloaded again");
	return changed;
}

struct mnl_socket *ipsec_listen(void)
{
	struct mnl_socket *socket = request_socket_open(NETLINK_XFRM, SOCK_NONBLOCK);
	int group = XFRMNLGRP_POLICY;

	if (socket && mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		int error = errno;

		request_socket_close(socket);
		errno = error;
		return NULL;
	}
	return socket;
}
