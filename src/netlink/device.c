/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/device.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netlink/request.h"

/* From linux/netdev.h, which headers before Linux 6.3 do not have. */
#define NETDEV_FAMILY "netdev"
#define NETDEV_MCGRP_MGMT "mgmt"
#define NETDEV_CMD_DEV_GET 1
#define NETDEV_A_DEV_IFINDEX 1
#define NETDEV_A_DEV_XDP_FEATURES 3

/* More than any number of a generic family (GENL_MAX_ID). */
#define NO_FAMILY UINT16_MAX

/* The netdev family of generic netlink. Both numbers are 0 if the kernel does not have it. */
struct netdev_family {
	uint16_t id;
	uint32_t management_group;
};

static void parse_group(const struct nlattr *group, struct netdev_family *family)
{
	const struct nlattr *attribute;
	const char *name = "";
	uint32_t id = 0;

	mnl_attr_for_each_nested(attribute, group) {
		if (mnl_attr_get_type(attribute) == CTRL_ATTR_MCAST_GRP_NAME)
			name = mnl_attr_get_str(attribute);
		else if (mnl_attr_get_type(attribute) == CTRL_ATTR_MCAST_GRP_ID)
			id = mnl_attr_get_u32(attribute);
	}
	if (!strcmp(name, NETDEV_MCGRP_MGMT))
		family->management_group = id;
}

static int parse_family(const struct nlmsghdr *message, void *result)
{
	struct netdev_family *family = result;
	const struct nlattr *attribute, *group;

	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
			family->id = mnl_attr_get_u16(attribute);
		if (mnl_attr_get_type(attribute) != CTRL_ATTR_MCAST_GROUPS)
			continue;
		mnl_attr_for_each_nested(group, attribute) {
			parse_group(group, family);
		}
	}
	return MNL_CB_OK;
}

static int parse_features(const struct nlmsghdr *message, void *result)
{
	const struct nlattr *attribute;
	uint64_t *features = result;

	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attribute) == NETDEV_A_DEV_XDP_FEATURES)
			*features = mnl_attr_get_u64(attribute);
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *generic_request(char *buffer, uint16_t family, uint8_t command)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = family;
	header->cmd = command;
	header->version = 1;
	return request;
}

/* 0, -EOPNOTSUPP if the kernel has no such family, or another -errno. */
static int find_netdev_family(struct netdev_family *family)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = generic_request(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	int error;

	memset(family, 0, sizeof(*family));
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	error = request_ask_own(NETLINK_GENERIC, request, parse_family, family);
	if (error == -ENOENT || (!error && !family->id))
		return -EOPNOTSUPP;
	return error;
}

/* The number of the family, which is no module's: it is always there, or never. 0 or -errno, as above. */
static int find_netdev_number(uint16_t *number)
{
	static uint16_t known; /* 0: nobody has asked */
	struct netdev_family family;
	int error = 0;

	*number = __atomic_load_n(&known, __ATOMIC_RELAXED);
	if (!*number) {
		error = find_netdev_family(&family);
		if (error && error != -EOPNOTSUPP)
			return error;
		*number = error ? NO_FAMILY : family.id;
		__atomic_store_n(&known, *number, __ATOMIC_RELAXED);
	}
	return *number == NO_FAMILY ? -EOPNOTSUPP : 0;
}

bool device_tells_features(void)
{
	uint16_t number;

	return !find_netdev_number(&number);
}

int device_xdp_features(uint32_t ifindex, uint64_t *features)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request;
	uint64_t answer = 0;
	uint16_t number;
	int error = find_netdev_number(&number);

	if (error)
		return error;
	request = generic_request(buffer, number, NETDEV_CMD_DEV_GET);
	mnl_attr_put_u32(request, NETDEV_A_DEV_IFINDEX, ifindex);
	error = request_ask_own(NETLINK_GENERIC, request, parse_features, &answer);
	if (!error)
		*features = answer;
	return error;
}

struct mnl_socket *device_listen(void)
{
	struct mnl_socket *events = request_socket_open(NETLINK_GENERIC, SOCK_NONBLOCK);
	struct netdev_family family;
	int error = events ? find_netdev_family(&family) : -errno;

	if (!error && mnl_socket_setsockopt(events, NETLINK_ADD_MEMBERSHIP, &family.management_group,
					    sizeof(family.management_group)) < 0)
		error = -errno;
	if (!error)
		return events;
	request_socket_close(events);
	errno = -error;
	return NULL;
}

int device_ethtool(const char *name, void *command)
{
	struct ifreq request = { .ifr_data = command };
	/* Any socket will do (sock_ioctl), and this one is there. */
	struct mnl_socket *socket = request_socket_own(NETLINK_ROUTE);

	if (!socket)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(mnl_socket_get_fd(socket), SIOCETHTOOL, &request) ? -errno : 0;
}

void device_channels(const char *name, struct device_channels *channels)
{
	struct ethtool_channels answer = { .cmd = ETHTOOL_GCHANNELS };

	if (device_ethtool(name, &answer))
		answer = (struct ethtool_channels){ 0 };
	*channels = (struct device_channels){
		.rx = answer.rx_count,
		.tx = answer.tx_count,
		.combined = answer.combined_count,
		.rx_max = answer.max_rx,
		.combined_max = answer.max_combined,
	};
}

void device_driver(const char *name, char driver[DEVICE_DRIVER_SIZE])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	bool known = !device_ethtool(name, &info) && info.driver[0];

	snprintf(driver, DEVICE_DRIVER_SIZE, "%.*s", DEVICE_DRIVER_SIZE - 1, known ? info.driver : DEVICE_DRIVER_UNKNOWN);
}

bool device_driver_is(const char *name, const char *driver)
{
	char own[DEVICE_DRIVER_SIZE];

	device_driver(name, own);
	return !strcmp(own, driver);
}
