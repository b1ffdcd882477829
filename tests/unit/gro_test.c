/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that merge received datagrams, and the interfaces above them. This file has
 * device_ethtool itself: a device has the features that the test has switched on.
 */
#include "unit.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "iface/gro.h"
#include "netlink/device.h"

/* Two of them are in the second word of the kernel's answer. */
#define FEATURES 40
#define GRO_LIST 33
#define GRO_FORWARDING 39

static const char *merging; /* the device that merges, and by which feature */
static unsigned int feature;

int device_ethtool(const char *name, void *request)
{
	uint32_t command = *(uint32_t *)request;
	struct ethtool_sset_info *sizes = request;
	struct ethtool_gstrings *strings = request;
	struct ethtool_gfeatures *features = request;

	switch (command) {
	case ETHTOOL_GSSET_INFO:
		assert_true(sizes->sset_mask == 1ULL << ETH_SS_FEATURES);
		sizes->data[0] = FEATURES;
		return 0;
	case ETHTOOL_GSTRINGS:
		assert_int_equal(strings->len, FEATURES);
		for (unsigned int i = 0; i < FEATURES; i++)
			snprintf((char *)strings->data + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN, "%s",
				 i == GRO_LIST	     ? "rx-gro-list" :
				 i == GRO_FORWARDING ? "rx-udp-gro-forwarding" :
						       "rx-gro");
		return 0;
	case ETHTOOL_GFEATURES:
		assert_int_equal(features->size, 2);
		if (merging && !strcmp(name, merging))
			features->features[feature / 32].active = 1u << feature % 32;
		return 0;
	}
	return -EOPNOTSUPP;
}

#define MEMBERS 100

enum { ETH = 2, VLAN, VETH, BOND, SLAVE, BRIDGE, MEMBER };

static struct link some[MEMBER + MEMBERS] = {
	{ .ifindex = 1, .name = "lo" },
	{ .ifindex = ETH, .name = "eth" },
	{ .ifindex = VLAN, .name = "vlan", .lower = BOND, .vlan = true },
	{ .ifindex = VETH, .name = "veth", .lower = ETH, .veth = true },
	{ .ifindex = BOND, .name = "bond" },
	{ .ifindex = SLAVE, .name = "slave", .upper = BOND },
	{ .ifindex = BRIDGE, .name = "bridge" },
};
static struct links links = { .link = some, .count = MEMBER - 1 };

static int setup(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MEMBERS; i++) {
		struct link *link = &some[links.count++];

		*link = (struct link){ .ifindex = MEMBER + i, .upper = BRIDGE };
		snprintf(link->name, sizeof(link->name), "member%u", i);
	}
	return 0;
}

static void check(const char *device, const char *interface, bool expected)
{
	for (unsigned int i = 0; i < links.count; i++) {
		if (strcmp(links.link[i].name, interface))
			continue;
		merging = device;
		feature = GRO_LIST;
		assert_int_equal(gro_merges_udp(&links, &links.link[i]), expected);
		feature = GRO_FORWARDING;
		assert_int_equal(gro_merges_udp(&links, &links.link[i]), expected);
		feature = 0;
		assert_false(gro_merges_udp(&links, &links.link[i]));
		return;
	}
	fail();
}

static void test_itself(void **state)
{
	(void)state;
	check("eth", "eth", true);
	check("eth", "bond", false);
	check(NULL, "eth", false);
}

static void test_below(void **state)
{
	(void)state;
	check("bond", "vlan", true);
	check("slave", "bond", true);
	check("slave", "vlan", true);
	check("vlan", "bond", false);
	check("eth", "vlan", false);
	/* The other end of a veth is not below it. */
	check("eth", "veth", false);
}

/* One member that merges is enough, however many a bridge has. */
static void test_members(void **state)
{
	char name[IFNAMSIZ];

	(void)state;
	for (unsigned int i = 0; i < MEMBERS; i++) {
		snprintf(name, sizeof(name), "member%u", i);
		check(name, "bridge", true);
		check(name, "bond", false);
	}
	check("bridge", "member0", false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_itself),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests_name("gro", tests, setup, NULL);
}
