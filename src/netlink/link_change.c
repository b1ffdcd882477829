/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/link_change.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/request.h"

#define REQUEST_SIZE 256

static struct nlmsghdr *begin(char *buffer, uint32_t ifindex)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_SETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header->ifi_index = (int)ifindex;
	return request;
}

int link_change_mtu(uint32_t ifindex, uint32_t mtu)
{
	char buffer[REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = begin(buffer, ifindex);

	mnl_attr_put_u32(request, IFLA_MTU, mtu);
	return request_ask_own(NETLINK_ROUTE, request, NULL, NULL);
}

/* `program` is -1 to detach `expected`. */
static struct nlmsghdr *xdp_request(char *buffer, uint32_t ifindex, int program, int expected)
{
	struct nlmsghdr *request = begin(buffer, ifindex);
	struct nlattr *nest = mnl_attr_nest_start(request, IFLA_XDP);

	mnl_attr_put_u32(request, IFLA_XDP_FD, (uint32_t)program);
	mnl_attr_put_u32(request, IFLA_XDP_FLAGS,
			 XDP_FLAGS_DRV_MODE | (program < 0 ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST));
	if (program < 0)
		mnl_attr_put_u32(request, IFLA_XDP_EXPECTED_FD, (uint32_t)expected);
	mnl_attr_nest_end(request, nest);
	return request;
}

/* The kernel's sentence stands in an attribute behind the error. */
static int read_answer(const struct nlmsghdr *answer, ssize_t length, char *sentence, size_t size)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(answer);
	const struct nlattr *attribute;

	if (!mnl_nlmsg_ok(answer, (int)length) || answer->nlmsg_type != NLMSG_ERROR ||
	    mnl_nlmsg_get_payload_len(answer) < sizeof(*error))
		return -EBADMSG;
	if (answer->nlmsg_flags & NLM_F_ACK_TLVS && answer->nlmsg_flags & NLM_F_CAPPED) {
		mnl_attr_for_each(attribute, answer, sizeof(*error)) {
			if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
				snprintf(sentence, size, "%.*s", (int)mnl_attr_get_payload_len(attribute),
					 (const char *)mnl_attr_get_payload(attribute));
		}
	}
	return error->error;
}

int link_change_ask_xdp(uint32_t ifindex, int program, char *sentence, size_t size)
{
	struct mnl_socket *socket = request_socket_open(NETLINK_ROUTE, 0);
	char buffer[REQUEST_SIZE] = { 0 }, answer[4096];
	struct nlmsghdr *request = xdp_request(buffer, ifindex, program, -1);
	int on = 1, error;
	ssize_t length;

	sentence[0] = '\0';
	if (!socket)
		return -errno;
	/* The second leaves the request out of the answer. */
	mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
	length = mnl_socket_sendto(socket, request, request->nlmsg_len);
	if (length >= 0)
		length = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	error = length < 0 ? -errno : read_answer((struct nlmsghdr *)(void *)answer, length, sentence, size);
	request_socket_close(socket);
	if (error)
		return error;
	sentence[0] = '\0';
	memset(buffer, 0, sizeof(buffer));
	return request_ask_own(NETLINK_ROUTE, xdp_request(buffer, ifindex, -1, program), NULL, NULL);
}
