/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/events.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "table/status.h"

/* So many routes of one reading are looked at one by one; if there are more, all entries are. */
#define ROUTES_AT_ONCE 8

/* What the events of one reading come to. */
struct reading {
	const struct events_callbacks *callbacks;
	unsigned int routes;
	enum events_extent extent;
};

static void widen(struct reading *reading, enum events_extent extent)
{
	if (reading->extent < extent)
		reading->extent = extent;
}

static void parse_route(const struct nlmsghdr *message, struct reading *reading)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	union abi_addr prefix = { 0 };
	bool found = false;

	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		if (mnl_attr_get_type(attribute) == RTA_DST &&
		    mnl_attr_get_payload_len(attribute) <= sizeof(prefix) &&
		    header->rtm_dst_len <= 8 * mnl_attr_get_payload_len(attribute)) {
			memcpy(&prefix, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
			found = true;
		}
	}
	/* A default route has no RTA_DST. */
	if (!found || ++reading->routes > ROUTES_AT_ONCE)
		widen(reading, EVENTS_ENTRIES);
	else
		reading->callbacks->route_changed(header->rtm_family, &prefix, header->rtm_dst_len);
	widen(reading, EVENTS_ROUTES);
}

static void parse_neighbour(const struct nlmsghdr *message, const struct reading *reading)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	union abi_addr address = { 0 };

	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		if (mnl_attr_get_type(attribute) == NDA_DST &&
		    mnl_attr_get_payload_len(attribute) <= sizeof(address)) {
			memcpy(&address, mnl_attr_get_payload(attribute),
			       mnl_attr_get_payload_len(attribute));
			reading->callbacks->neighbour_changed(header->ndm_family,
							      (uint32_t)header->ndm_ifindex, &address);
		}
	}
}

static int parse(const struct nlmsghdr *message, void *data)
{
	struct reading *reading = data;

	switch (message->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		parse_neighbour(message, reading);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		parse_route(message, reading);
		break;
	default:
		widen(reading, EVENTS_ALL);
	}
	return MNL_CB_OK;
}

/* Without callbacks the messages are not looked at. */
static void read_pending(struct mnl_socket *socket, struct reading *reading)
{
	char buffer[32768];

	for (;;) {
		ssize_t size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (size > 0 && reading->callbacks) {
			mnl_cb_run(buffer, (size_t)size, 0, 0, parse, reading);
		} else if (size < 0 && errno == ENOBUFS) {
			widen(reading, EVENTS_ALL);
			status_count_overrun();
		} else if (size == 0 || (size < 0 && errno != EINTR)) {
			break;
		}
	}
}

enum events_extent events_read_routing(struct mnl_socket *socket, const struct events_callbacks *callbacks)
{
	struct reading reading = { .callbacks = callbacks };

	read_pending(socket, &reading);
	return reading.extent;
}

enum events_extent events_read_others(struct mnl_socket *socket)
{
	struct reading reading = { .extent = EVENTS_ALL };

	read_pending(socket, &reading);
	return reading.extent;
}
