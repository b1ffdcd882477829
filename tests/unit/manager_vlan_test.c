/* SPDX-License-Identifier: BSD-3-Clause */
/* The manager on a made-up host: which device carries the program for VLANs, and what the program knows of them. */
#include "fake_host.h"

#include <linux/if_ether.h>

static bool has_vlan(const char *device, uint16_t outer, uint16_t inner, const char *vlan)
{
	struct vlan_key key = { .ifindex = named(device)->link.ifindex, .id = { outer, inner } };

	for (unsigned int i = 0; i < host.vlans; i++) {
		if (!memcmp(&host.vlan[i].key, &key, sizeof(key)))
			return !memcmp(host.vlan[i].vlan.mac, named(vlan)->link.mac, 6);
	}
	return false;
}

static void test_vlan_native(void **state)
{
	unsigned int calls;

	(void)state;
	add("eth0", ALL);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	add_vlan("eth0.6", 6, ETH_P_8021AD, "eth0");
	add_vlan("eth0.6.7", 7, ETH_P_8021Q, "eth0.6");
	add_vlan("eth0.8", 8, ETH_P_8021Q, "eth0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0.5 eth0.6.7"), MANAGER_STARTED);
	assert_true(manager_complete());
	assert_string_equal(mode_of("eth0"), "native");
	assert_string_equal(mode_of("eth0.5"), "-");
	assert_true(logged("eth0.6.7: ", "native mode on eth0"));
	manager_refresh();
	/* Those that are named. */
	assert_int_equal(host.vlans, 2);
	assert_true(has_vlan("eth0", 5, 0, "eth0.5"));
	assert_true(has_vlan("eth0", 6 | VLAN_8021AD, 7, "eth0.6.7"));
	/* No news, no calls. */
	calls = host.vlan_calls;
	manager_refresh();
	assert_int_equal(host.vlan_calls, calls);
	/* Another address; one that is down, itself or below; one that is gone. */
	named("eth0.5")->link.mac[4] = 0x77;
	named("eth0.6")->link.up = false;
	manager_refresh();
	assert_int_equal(host.vlans, 1);
	assert_true(has_vlan("eth0", 5, 0, "eth0.5"));
	take_away("eth0.5");
	named("eth0.6")->link.up = true;
	manager_refresh();
	assert_int_equal(host.vlans, 1);
	assert_true(has_vlan("eth0", 6 | VLAN_8021AD, 7, "eth0.6.7"));
	/* As long as one is left. */
	assert_string_equal(mode_of("eth0"), "native");
	take_away("eth0.6.7");
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	assert_int_equal(host.vlans, 0);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	manager_refresh();
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(has_vlan("eth0", 5, 0, "eth0.5"));
}

/* All of those above a device that is itself meant, but not more than there is room for. */
static void test_vlan_all(void **state)
{
	char name[IFNAMSIZ];

	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	add_vlan("eth1.5", 5, ETH_P_8021Q, "eth1");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth0.last"), MANAGER_STARTED);
	for (int i = 1; i <= 300; i++) {
		snprintf(name, sizeof(name), "eth0.%d", i);
		add_vlan(name, (uint16_t)i, ETH_P_8021Q, "eth0");
		if (i == 20) {
			manager_refresh();
			assert_int_equal(host.vlans, 20);
			assert_false(logged("VLANs", "too many"));
		}
	}
	add_vlan("eth0.last", 4000, ETH_P_8021Q, "eth0");
	manager_refresh();
	manager_refresh();
	assert_int_equal(host.vlans, ABI_VLANS);
	assert_true(has_vlan("eth0", 4000, 0, "eth0.last"));
	assert_true(logged("VLANs", "too many"));
	manager_refresh();
	assert_false(logged("VLANs", "too many"));
}

static void test_vlan_generic(void **state)
{
	(void)state;
	add("eth0", 0);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth0.5"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "-");
	assert_string_equal(mode_of("eth0.5"), "generic");
	assert_true(logged("eth0: left out", "VLANs above"));
	manager_refresh();
	assert_int_equal(host.vlans, 0);
	/* A VLAN that comes later ends generic mode; when it goes, it is back. */
	add_vlan("eth0.5.6", 6, ETH_P_8021Q, "eth0.5");
	manager_refresh();
	assert_string_equal(mode_of("eth0.5"), "-");
	assert_true(logged("eth0.5: left out", "VLANs above"));
	take_away("eth0.5.6");
	manager_refresh();
	assert_string_equal(mode_of("eth0.5"), "generic");
	manager_stop();

	/* Three tags; a device in another namespace. */
	named("eth0")->features = ALL;
	add_vlan("eth0.5.6", 6, ETH_P_8021Q, "eth0.5");
	add_vlan("eth0.5.6.7", 7, ETH_P_8021Q, "eth0.5.6");
	add_vlan("far.5", 5, ETH_P_8021Q, "elsewhere");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0.5.6.7 far.5"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "-");
	assert_string_equal(mode_of("eth0.5.6.7"), "generic");
	assert_string_equal(mode_of("far.5"), "generic");
}

static void test_vlan_table_refuses(void **state)
{
	(void)state;
	add("eth0", ALL);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	host.vlan_error = -EPERM;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	manager_refresh();
	assert_true(logged("VLANs", "not permitted"));
	host.vlan_error = 0;
	manager_refresh();
	assert_true(has_vlan("eth0", 5, 0, "eth0.5"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_vlan_native),
		TEST(test_vlan_all),
		TEST(test_vlan_generic),
		TEST(test_vlan_table_refuses),
	};

	return cmocka_run_group_tests_name("manager: VLANs", tests, NULL, NULL);
}
