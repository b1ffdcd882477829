/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members of bonds and of hv_netvsc, of which this machine has none: links, drivers and features are made
 * up here, as Linux describes them.
 */
#include "unit.h"

#include <errno.h>
#include <net/if.h>
#include <linux/if_bonding.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "iface/member.h"
#include "iface/member_check.h"
#include "iface/mode_check.h"
#include "netlink/device.h"

#define ALL (XDP_FEATURE_BASIC | XDP_FEATURE_REDIRECT | XDP_FEATURE_NDO_XMIT)
#define ROOM 80

static struct {
	struct link link[ROOM];
	const char *driver[ROOM];
	uint64_t features[ROOM];
	uint32_t program[ROOM];
	bool unknown; /* a kernel before 6.3 */
	unsigned int asked;
} host;
static struct links links = { .link = host.link };

static int setup(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	links.count = 0;
	return 0;
}

/* Indices are 10 and up. */
static unsigned int number_of(uint32_t ifindex)
{
	assert_true(ifindex >= 10 && ifindex - 10 < links.count);
	return ifindex - 10;
}

static struct link *add(const char *name, const char *driver, struct link *upper)
{
	unsigned int number = links.count++;
	struct link *link = &host.link[number];

	assert_true(number < ROOM);
	*link = (struct link){ .ifindex = 10 + number, .mtu = 1500, .up = true, .ethernet = true };
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->upper = upper ? upper->ifindex : 0;
	host.driver[number] = driver;
	host.features[number] = ALL;
	return link;
}

static struct link *add_kind(const char *name, const char *driver)
{
	struct link *link = add(name, driver, NULL);

	snprintf(link->kind, sizeof(link->kind), "kind");
	link->bond = !strcmp(driver, "bonding");
	link->bond_mode = BOND_MODE_ACTIVEBACKUP;
	return link;
}

bool device_tells_features(void)
{
	return !host.unknown;
}

int device_xdp_features(uint32_t ifindex, uint64_t *features)
{
	if (host.unknown)
		return -EOPNOTSUPP;
	*features = host.features[number_of(ifindex)];
	return 0;
}

void device_driver(const char *name, char driver[DEVICE_DRIVER_SIZE])
{
	for (unsigned int i = 0; i < links.count; i++) {
		if (!strcmp(host.link[i].name, name))
			snprintf(driver, DEVICE_DRIVER_SIZE, "%s", host.driver[i]);
	}
}

void device_channels(const char *name, struct device_channels *channels)
{
	(void)name;
	*channels = (struct device_channels){ 0 };
}

bool device_driver_is(const char *name, const char *driver)
{
	char own[DEVICE_DRIVER_SIZE] = "";

	host.asked++;
	device_driver(name, own);
	return !strcmp(own, driver);
}

int device_ethtool(const char *name, void *command)
{
	(void)name, (void)command;
	return -EOPNOTSUPP;
}

int bpf_xdp_query_id(int ifindex, int flags, __u32 *id)
{
	(void)flags;
	*id = host.program[number_of((uint32_t)ifindex)];
	return 0;
}

int bpf_prog_get_fd_by_id(__u32 id)
{
	(void)id;
	return -1;
}

static int check_native(const struct link *device, bool trusted, char why[256])
{
	const struct mode_wish wish = { .trusted = trusted };

	return mode_check_native(&links, device, &wish, why, 256);
}

static void check_names(const struct link *device, const char *expected)
{
	char names[MEMBER_NAMES];

	member_names(&links, device, names);
	assert_string_equal(names, expected);
}

static void test_bond(void **state)
{
	struct link *bond = add_kind("bond0", "bonding"), *other = add_kind("bond1", "bonding");
	struct link *first = add("eth1", "virtio_net", bond), *second = add("eth2", "ena", bond);

	(void)state;
	assert_ptr_equal(member_of(&links, first), bond);
	assert_ptr_equal(member_of(&links, second), bond);
	assert_null(member_of(&links, bond));
	assert_ptr_equal(member_next(&links, bond, NULL), first);
	assert_ptr_equal(member_next(&links, bond, first), second);
	assert_null(member_next(&links, bond, second));
	assert_null(member_next(&links, other, NULL));
	check_names(bond, "eth1, eth2");
	check_names(other, "");
	/* No driver is asked for what the links tell. */
	assert_int_equal(host.asked, 0);
	second->upper = other->ifindex;
	check_names(bond, "eth1");
	check_names(other, "eth2");
	/* What is above is in no list, as in another network namespace. */
	second->upper = 9;
	assert_null(member_of(&links, second));
}

/* The virtual function is found by its master's driver; no kind tells. */
static void test_netvsc(void **state)
{
	struct link *netvsc = add("eth0", "hv_netvsc", NULL), *function = add("enP1", "mlx5_core", netvsc);
	struct link *vlan;

	(void)state;
	assert_ptr_equal(member_of(&links, function), netvsc);
	check_names(netvsc, "enP1");
	vlan = add_kind("eth0.5", "802.1Q VLAN Support");
	vlan->vlan = true;
	vlan->lower = netvsc->ifindex;
	assert_null(member_of(&links, vlan));
	function->upper = 0;
	check_names(netvsc, "");
}

/* Ports of bridges, VRFs and teams get packets of their own, as far as this program is concerned. */
static void test_others(void **state)
{
	static const char *const drivers[] = { "bridge", "vrf", "team", "openvswitch" };

	(void)state;
	for (size_t i = 0; i < COUNT(drivers); i++) {
		struct link *upper, *port;
		char why[256] = "";

		setup(NULL);
		print_message("# %s\n", drivers[i]);
		upper = add_kind("br0", drivers[i]);
		if (!strcmp(drivers[i], "openvswitch"))
			upper->kind[0] = '\0';
		port = add("eth1", "ena", upper);
		assert_null(member_of(&links, port));
		/* No driver is asked for what the kind tells. */
		assert_int_equal(host.asked, upper->kind[0] ? 0 : 1);
		check_names(upper, "");
		assert_int_equal(member_fingerprint(&links, upper), 0);
		assert_int_equal(member_check_none(&links, port, why, sizeof(why)), 0);
		assert_string_equal(why, "");
	}
}

/* More members than there is room for the names of. */
static void test_many_names(void **state)
{
	struct link *bond = add_kind("bond0", "bonding");
	char names[MEMBER_NAMES];

	(void)state;
	for (int i = 0; i < 40; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "eth%d", i);
		add(name, "ena", bond);
	}
	member_names(&links, bond, names);
	assert_true(strlen(names) < sizeof(names));
	assert_true(strlen(names) > sizeof(names) - 12);
	assert_non_null(strstr(names, "eth0, eth1, "));
	assert_string_equal(names + strlen(names) - strlen(", …"), ", …");
}

static void test_fingerprint(void **state)
{
	struct link *bond = add_kind("bond0", "bonding"), *member = add("eth1", "ena", NULL);
	uint32_t none = member_fingerprint(&links, bond), one;
	struct mode_inputs inputs;

	(void)state;
	assert_int_not_equal(none, 0);
	assert_int_equal(member_fingerprint(&links, member), 0);
	member->upper = bond->ifindex;
	one = member_fingerprint(&links, bond);
	assert_int_not_equal(one, none);
	assert_int_equal(member_fingerprint(&links, bond), one);
	/* Which of them is the backup does not matter. */
	member->backup = true;
	assert_int_equal(member_fingerprint(&links, bond), one);
	bond->bond_policy = 5;
	assert_int_not_equal(member_fingerprint(&links, bond), one);
	bond->bond_policy = 0;
	bond->bond_mode = BOND_MODE_ALB;
	assert_int_not_equal(member_fingerprint(&links, bond), one);
	mode_check_read_inputs(&links, bond, &inputs);
	assert_int_equal(inputs.members, member_fingerprint(&links, bond));
}

/* Which modes and policies the kernel takes: bond_xdp_check() in drivers/net/bonding/bond_main.c. */
static void test_bond_modes(void **state)
{
	static const struct {
		uint8_t mode, policy;
		const char *said; /* NULL: native mode is tried */
	} table[] = {
		{ BOND_MODE_ROUNDROBIN, 0, NULL },
		{ BOND_MODE_ROUNDROBIN, 5, NULL },
		{ BOND_MODE_ACTIVEBACKUP, 0, NULL },
		{ BOND_MODE_ACTIVEBACKUP, 5, NULL },
		{ BOND_MODE_XOR, 1, NULL },
		{ BOND_MODE_XOR, 5, "vlan+srcmac" },
		{ BOND_MODE_8023AD, 1, NULL },
		{ BOND_MODE_8023AD, 4, NULL },
		{ BOND_MODE_8023AD, 5, "vlan+srcmac" },
		{ BOND_MODE_BROADCAST, 0, "the mode of the bond" },
		{ BOND_MODE_TLB, 1, "the mode of the bond" },
		{ BOND_MODE_ALB, 0, "the mode of the bond" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct link *bond;
		char why[256] = "";
		int error;

		setup(NULL);
		print_message("# mode %u, policy %u\n", table[i].mode, table[i].policy);
		bond = add_kind("bond0", "bonding");
		bond->bond_mode = table[i].mode;
		bond->bond_policy = table[i].policy;
		add("eth1", "ena", bond);
		error = check_native(bond, false, why);
		assert_int_equal(error, table[i].said ? -EOPNOTSUPP : 0);
		if (table[i].said)
			assert_non_null(strstr(why, table[i].said));
		/* Generic mode runs on the bond itself. */
		assert_int_equal(mode_check_generic(&links, bond, 0, why, sizeof(why)), 0);
	}
}

/* The reason names the member. */
static void test_members_that_cannot(void **state)
{
	static const struct {
		const char *what, *driver;
		uint64_t features;
		uint32_t program;
		bool unknown, trusted;
		int error;
		const char *said;
	} table[] = {
		{ "can", "ena", .features = ALL },
		{ "no XDP", "e1000e", .error = -EOPNOTSUPP, .said = "its member eth2: the driver (e1000e) has no XDP" },
		{ "does not redirect", "ixgbevf", .features = XDP_FEATURE_BASIC, .error = -EOPNOTSUPP, .said = "its member eth2: the driver (ixgbevf) does not redirect" },
		{ "veth without GRO", "veth", .features = XDP_FEATURE_BASIC | XDP_FEATURE_REDIRECT, .error = -EOPNOTSUPP, .said = "its member eth2: the veth's other end" },
		{ "an old kernel, veth", "veth", .unknown = true, .error = -EOPNOTSUPP, .said = "its member eth2: this kernel (before 6.3)" },
		{ "an old kernel, veth, and native is wanted", "veth", .unknown = true, .trusted = true },
		{ "has a program", "ena", .features = ALL, .program = 7, .error = -EBUSY, .said = "its member eth2: another XDP program is attached (id 7" },
		{ "is a bond", "bonding", .features = ALL, .error = -EOPNOTSUPP, .said = "its member eth2: it is a bond itself" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct link *bond, *member;
		char why[256] = "";

		setup(NULL);
		print_message("# %s\n", table[i].what);
		bond = add_kind("bond0", "bonding");
		add("eth1", "ena", bond);
		member = add("eth2", table[i].driver, bond);
		member->bond = !strcmp(table[i].driver, "bonding");
		host.features[2] = table[i].features;
		host.program[2] = table[i].program;
		host.unknown = table[i].unknown;
		assert_int_equal(check_native(bond, table[i].trusted, why), table[i].error);
		if (table[i].said)
			assert_non_null(strstr(why, table[i].said));
	}
}

static void test_no_members(void **state)
{
	struct link *bond = add_kind("bond0", "bonding"), *netvsc = add("eth0", "hv_netvsc", NULL);
	char why[256];

	(void)state;
	assert_int_equal(check_native(bond, true, why), -EOPNOTSUPP);
	assert_string_equal(why, "the bond has no members");
	/* It receives by itself, until there is a virtual function. */
	assert_int_equal(check_native(netvsc, false, why), 0);
}

/* A member is never attached to on its own, in neither mode. */
static void test_member_by_name(void **state)
{
	static const char said[] = "eth1 is a member of bond0, which receives its packets; name bond0 with xdp-interface in its place";
	struct link *bond = add_kind("bond0", "bonding"), *member = add("eth1", "ena", bond);
	struct mode_inputs before, inputs;
	char why[256] = "";

	(void)state;
	assert_int_equal(check_native(member, true, why), -EOPNOTSUPP);
	assert_string_equal(why, said);
	why[0] = '\0';
	assert_int_equal(mode_check_generic(&links, member, 0, why, sizeof(why)), -EOPNOTSUPP);
	assert_string_equal(why, said);
	why[0] = '\0';
	assert_int_equal(member_check_runs(&links, member, why, sizeof(why)), -EOPNOTSUPP);
	assert_string_equal(why, said);
	/* When it leaves its mode is chosen anew, and the bond's. */
	mode_check_read_inputs(&links, member, &before);
	assert_int_equal(before.member, bond->ifindex);
	member->upper = 0;
	mode_check_read_inputs(&links, member, &inputs);
	assert_memory_not_equal(&inputs, &before, sizeof(inputs));
	assert_int_equal(member_check_none(&links, member, why, sizeof(why)), 0);
}

/* hv_netvsc takes a function whose driver has no XDP, and what that receives the program does not see. */
static void test_function_without_xdp(void **state)
{
	struct link *netvsc = add("eth0", "hv_netvsc", NULL);
	char why[256] = "";

	(void)state;
	assert_int_equal(member_check_runs(&links, netvsc, why, sizeof(why)), 0);
	add("enP1", "mlx5_core", netvsc);
	assert_int_equal(member_check_runs(&links, netvsc, why, sizeof(why)), 0);
	host.features[1] = 0;
	assert_int_equal(member_check_runs(&links, netvsc, why, sizeof(why)), -EOPNOTSUPP);
	assert_string_equal(why, "its member enP1 has no XDP");
	assert_int_equal(check_native(netvsc, false, why), -EOPNOTSUPP);
	assert_string_equal(why, "its member enP1: the driver (mlx5_core) has no XDP");
	/* Nobody knows. */
	host.unknown = true;
	assert_int_equal(member_check_runs(&links, netvsc, why, sizeof(why)), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_bond, setup),
		cmocka_unit_test_setup(test_netvsc, setup),
		cmocka_unit_test_setup(test_others, setup),
		cmocka_unit_test_setup(test_many_names, setup),
		cmocka_unit_test_setup(test_fingerprint, setup),
		cmocka_unit_test_setup(test_bond_modes, setup),
		cmocka_unit_test_setup(test_members_that_cannot, setup),
		cmocka_unit_test_setup(test_no_members, setup),
		cmocka_unit_test_setup(test_member_by_name, setup),
		cmocka_unit_test_setup(test_function_without_xdp, setup),
	};

	return cmocka_run_group_tests_name("member", tests, NULL, NULL);
}
