/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/gro.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/device.h"

/* More features than Linux has (64). Only their names are fixed; their numbers differ between kernels. */
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

bool gro_feature_is_on(const char *name, const char *feature)
{
	static char names[FEATURES_MAX][ETH_GSTRING_LEN]; /* by number; the same for all devices */
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
		if (features.blocks[i / 32].active & 1u << i % 32 && !strncmp(names[i], feature, ETH_GSTRING_LEN))
			return true;
	}
	return false;
}

static bool merges_udp(const char *name)
{
	return gro_feature_is_on(name, "rx-gro-list") || gro_feature_is_on(name, "rx-udp-gro-forwarding");
}

/* More than the devices that Linux lets stand on top of each other (MAX_NEST_DEV, 8). */
#define DEPTH_MAX 16

static bool merges_below(const struct links *links, const struct link *link, unsigned int depth)
{
	const struct link *lower = link->veth ? NULL : links_find(links, link->lower);

	if (depth == DEPTH_MAX || merges_udp(link->name) || (lower && merges_below(links, lower, depth + 1)))
		return true;
	for (unsigned int i = 0; i < links->count; i++) {
		if (links->link[i].upper == link->ifindex && merges_below(links, &links->link[i], depth + 1))
			return true;
	}
	return false;
}

bool gro_merges_udp(const struct links *links, const struct link *link)
{
	return merges_below(links, link, 0);
}
