/* SPDX-License-Identifier: BSD-3-Clause */
#include "gro.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bus.h"
#include "device.h"

/* Features that Linux may have; their numbers are not part of its interface, only their names. */
#define FEATURES_MAX 256

static int find_features(const char *name, char names[FEATURES_MAX][ETH_GSTRING_LEN], uint32_t *count)
{
	struct {
		struct ethtool_sset_info info;
		__u32 size;
	} sizes = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	struct {
		struct ethtool_gstrings header;
		char names[FEATURES_MAX][ETH_GSTRING_LEN];
	} strings = { .header = { .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES } };
	int error = device_ethtool(name, &sizes);

	if (error)
		return error;
	if (!sizes.info.sset_mask || sizes.size > FEATURES_MAX)
		return -EOPNOTSUPP;
	strings.header.len = sizes.size;
	error = device_ethtool(name, &strings);
	if (error)
		return error;
	memcpy(names, strings.names, sizeof(strings.names));
	*count = strings.header.len;
	return 0;
}

static bool merges_udp(const char *name)
{
	static const char *const merging[] = { "rx-gro-list", "rx-udp-gro-forwarding" };
	static char names[FEATURES_MAX][ETH_GSTRING_LEN]; /* the same for all devices */
	static uint32_t count;
	struct {
		struct ethtool_gfeatures header;
		struct ethtool_get_features_block blocks[FEATURES_MAX / 32];
	} features = { .header = { .cmd = ETHTOOL_GFEATURES } };

	if (!count && find_features(name, names, &count))
		return false;
	features.header.size = (count + 31) / 32;
	if (device_ethtool(name, &features))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!(features.blocks[i / 32].active & 1u << i % 32))
			continue;
		for (size_t k = 0; k < sizeof(merging) / sizeof(merging[0]); k++) {
			if (!strncmp(names[i], merging[k], ETH_GSTRING_LEN))
				return true;
		}
	}
	return false;
}

/* A device, and those below it that hand their packets up to it. */
#define BELOW_MAX 64

struct below {
	unsigned int count;
	uint32_t ifindex[BELOW_MAX];
	char name[BELOW_MAX][IFNAMSIZ];
};

static bool is_listed(const struct below *below, uint32_t ifindex)
{
	for (unsigned int i = 0; i < below->count; i++) {
		if (below->ifindex[i] == ifindex)
			return true;
	}
	return false;
}

static void list(struct below *below, uint32_t ifindex, const char *name)
{
	unsigned int i;

	for (i = 0; i < below->count && below->ifindex[i] != ifindex; i++)
		;
	if (i == BELOW_MAX)
		return;
	if (i == below->count)
		below->count++;
	below->ifindex[i] = ifindex;
	snprintf(below->name[i], IFNAMSIZ, "%s", name);
}

/* What a veth is linked to is its other end, and not below it. */
static bool is_veth(const struct nlattr *info)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, info) {
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			return !strcmp(mnl_attr_get_str(attribute), "veth");
	}
	return false;
}

/* Lists members of what is listed, and what that sits on in this namespace. */
static int parse_below(const struct nlmsghdr *message, void *result)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	uint32_t ifindex = (uint32_t)header->ifi_index, lower = 0, upper = 0;
	const struct nlattr *attribute;
	struct below *below = result;
	const char *name = "";
	bool elsewhere = false;

	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			name = mnl_attr_get_str(attribute);
			break;
		case IFLA_LINK:
			lower = mnl_attr_get_u32(attribute);
			break;
		case IFLA_MASTER:
			upper = mnl_attr_get_u32(attribute);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_LINKINFO:
			elsewhere = elsewhere || is_veth(attribute);
			break;
		}
	}
	if (is_listed(below, ifindex)) {
		list(below, ifindex, name);
		if (lower && !elsewhere)
			list(below, lower, "");
	} else if (upper && is_listed(below, upper)) {
		list(below, ifindex, name);
	}
	return MNL_CB_OK;
}

static int find_below(struct below *below)
{
	struct mnl_socket *socket = bus_open(NETLINK_ROUTE, 0);
	unsigned int before = 0;
	int error = socket ? 0 : -errno;

	/* A further look for each level, until nothing is added. */
	while (!error && below->count > before) {
		char buffer[256] = { 0 };
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

		mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
		request->nlmsg_type = RTM_GETLINK;
		request->nlmsg_flags = NLM_F_DUMP;
		before = below->count;
		error = bus_ask(socket, request, parse_below, below);
	}
	bus_close(socket);
	return error;
}

bool gro_merges_udp(uint32_t ifindex)
{
	struct below below = { .count = 1, .ifindex = { ifindex } };

	if (find_below(&below))
		return false;
	for (unsigned int i = 0; i < below.count; i++) {
		if (below.name[i][0] && merges_udp(below.name[i]))
			return true;
	}
	return false;
}
