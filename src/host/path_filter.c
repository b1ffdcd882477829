/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/path_filter.h"

#include <errno.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/request.h"

#define STRICT 1
#define TRIES 5
/* So many interfaces are named. */
#define NAMED 3

/* What the kernel says of all interfaces, by how strict they are themselves. */
struct filters {
	int32_t all;              /* net.ipv4.conf.all.rp_filter; the higher of both holds */
	unsigned int off, strict; /* interfaces */
	int32_t named_off[NAMED];
	int32_t named_strict[NAMED];
	struct survey *survey;
};

static void keep(unsigned int *count, int32_t *named, int32_t ifindex)
{
	if (*count < NAMED)
		named[*count] = ifindex;
	(*count)++;
}

static int parse(const struct nlmsghdr *message, void *result)
{
	struct filters *filters = result;
	const struct nlattr *attribute;
	int32_t ifindex = 0, value = -1;

	mnl_attr_for_each(attribute, message, sizeof(struct netconfmsg)) {
		if (mnl_attr_get_payload_len(attribute) < sizeof(uint32_t))
			continue;
		if (mnl_attr_get_type(attribute) == NETCONFA_IFINDEX)
			ifindex = (int32_t)mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == NETCONFA_RP_FILTER)
			value = (int32_t)mnl_attr_get_u32(attribute);
	}
	if (ifindex == NETCONFA_IFINDEX_ALL)
		filters->all = value;
	else if (ifindex > 0 && value == 0)
		keep(&filters->off, filters->named_off, ifindex);
	else if (ifindex > 0 && value == STRICT)
		keep(&filters->strict, filters->named_strict, ifindex);
	else
		return MNL_CB_OK;
	/* An interface whose own value is 0 is not a part of the signature, so that it can come and go. */
	if (value > 0) {
		survey_mix(filters->survey, &ifindex, sizeof(ifindex));
		survey_mix(filters->survey, &value, sizeof(value));
	}
	return MNL_CB_OK;
}

static int read_filters(struct filters *filters)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct netconfmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_GETNETCONF;
	request->nlmsg_flags = NLM_F_DUMP;
	header->ncm_family = AF_INET;
	return request_ask_own(NETLINK_ROUTE, request, parse, filters);
}

static void name(const int32_t *ifindexes, unsigned int count, char *names, size_t size)
{
	for (unsigned int i = 0; i < count && i < NAMED; i++) {
		size_t used = strlen(names);
		char buffer[IF_NAMESIZE];

		snprintf(names + used, size - used, "%s%s", used ? ", " : "",
			 if_indextoname((unsigned int)ifindexes[i], buffer) ? buffer : "?");
	}
}

int path_filter_look(struct survey *survey)
{
	uint64_t signature = survey->signature;
	char names[(NAMED + 1) * IF_NAMESIZE * 2] = "";
	struct filters filters;
	unsigned int strict;
	int error = -EINTR;

	for (int i = 0; i < TRIES && error == -EINTR; i++) {
		survey->signature = signature;
		filters = (struct filters){ .survey = survey };
		error = read_filters(&filters);
	}
	if (error)
		return error;
	if (filters.all > STRICT)
		return 0;
	strict = filters.strict + (filters.all == STRICT ? filters.off : 0);
	name(filters.named_strict, filters.strict, names, sizeof(names));
	if (filters.all == STRICT)
		name(filters.named_off, filters.off, names, sizeof(names));
	if (strict)
		survey_found(survey, SURVEY_EXAMINED_V4, "rp_filter: strict on %s%s", names, strict > NAMED ? " and others" : "");
	return 0;
}
