/* SPDX-License-Identifier: BSD-3-Clause */
/* The manager on a made-up host: bonds and other interfaces whose packets come in by their members. */
#include "fake_host.h"

#include <linux/if_ether.h>

#include "iface/leaving.h"
#include "table/gates.h"

static struct fake *add_bond(const char *name)
{
	struct fake *bond = add(name, ALL);

	bond->driver = "bonding";
	bond->link.bond = true;
	snprintf(bond->link.kind, sizeof(bond->link.kind), "bond");
	bond->link.bond_mode = 1; /* BOND_MODE_ACTIVEBACKUP */
	return bond;
}

static struct fake *add_member(const char *name, const char *driver, const char *of)
{
	struct fake *member = add(name, ALL);

	member->driver = driver;
	member->link.upper = named(of)->link.ifindex;
	return member;
}

/* What the program knows of an interface, or NULL. */
static const struct attachment *entry_of(const char *name)
{
	for (unsigned int i = 0; i < ABI_PORTS && slots[i].ifindex; i++) {
		if (slots[i].ifindex == named(name)->link.ifindex)
			return &slots[i];
	}
	return NULL;
}

/* What comes in by the one is the other's. */
static void check_alias(const char *name, const char *of)
{
	const struct attachment *entry = entry_of(name), *device = entry_of(of);

	print_message("# %s is %s\n", name, of);
	assert_non_null(entry);
	assert_non_null(device);
	assert_int_equal(entry->device, named(of)->link.ifindex);
	assert_memory_equal(entry->mac, named(name)->link.mac, 6);
	assert_memory_equal(&entry->gate, &device->gate, sizeof(entry->gate));
	assert_int_equal(entry->generic, device->generic);
}

/* What comes in by it is nobody's, whatever its tags and addresses. */
static void check_backup(const char *name)
{
	static const uint8_t none[6];
	const struct attachment *entry = entry_of(name);

	print_message("# %s is a backup\n", name);
	assert_non_null(entry);
	assert_int_equal(entry->device, 0);
	assert_memory_equal(entry->mac, none, 6);
}

static void test_bond(void **state)
{
	struct fake *bond = add_bond("bond0"), *first = add_member("eth1", "virtio_net", "bond0");
	uint32_t devices[16];
	gates_state before;

	(void)state;
	add_member("eth2", "virtio_net", "bond0")->link.backup = true;
	add_vlan("bond0.5", 5, ETH_P_8021Q, "bond0");
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0 bond0.5"), MANAGER_STARTED);
	assert_true(logged("bond0: native mode by eth1, eth2, mtu 1500", ""));
	assert_string_equal(mode_of("bond0"), "native");
	assert_string_equal(mode_of("eth1"), "-");
	assert_string_equal(mode_of("eth2"), "-");
	check_alias("eth1", "bond0");
	check_backup("eth2");
	manager_refresh();
	assert_int_equal(host.vlans, 1);
	assert_int_equal(host.vlan[0].key.ifindex, bond->link.ifindex);
	assert_int_equal(manager_devices(devices, 16), 5);
	assert_int_equal(manager_devices(devices, 2), 2);
	before = gates_now();

	/* The other one takes over, with another address. */
	first->link.backup = true;
	named("eth2")->link.backup = false;
	named("eth2")->link.mac[3] = 9;
	manager_refresh();
	check_backup("eth1");
	check_alias("eth2", "bond0");
	first->link.backup = false;
	manager_refresh();
	check_alias("eth1", "bond0");

	/* Members go and come, and nobody's packets are asked about again. */
	named("eth2")->link.upper = 0;
	manager_refresh();
	assert_true(logged("bond0: native mode by eth1, mtu 1500", ""));
	assert_null(entry_of("eth2"));
	check_alias("eth1", "bond0");
	manager_refresh();
	assert_string_equal(host.log, "");
	first->link.upper = 0;
	manager_refresh();
	assert_null(entry_of("eth1"));
	assert_true(logged("bond0: native mode, mtu 1500", ""));
	assert_string_equal(mode_of("bond0"), "native");
	add_member("eth3", "virtio_net", "bond0");
	named("eth2")->link.upper = bond->link.ifindex;
	manager_refresh();
	check_alias("eth2", "bond0");
	check_alias("eth3", "bond0");
	assert_true(logged("bond0.5: native mode on bond0 by eth2, eth3, mtu 1500", ""));
	assert_int_equal(gates_now(), before);
	assert_int_equal(bond->attempts, 1);

	/* The bond is gone, and its former members are others'. */
	take_away("bond0");
	manager_refresh();
	assert_null(entry_of("eth2"));
	assert_null(entry_of("eth3"));
}

/* A new epoch gives the aliases the new gate, too. */
static void test_bond_gates(void **state)
{
	static struct gate hairpin;

	(void)state;
	add("eth0", ALL);
	add_bond("bond0");
	add_member("eth1", "virtio_net", "bond0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 bond0"), MANAGER_STARTED);
	gates_open(slots, &hairpin);
	check_alias("eth1", "bond0");
	gates_next_epoch();
	check_alias("eth1", "bond0");
	assert_memory_not_equal(&entry_of("eth0")->gate, &entry_of("bond0")->gate, sizeof(struct gate));
	gates_close();
}

/* From a bond to another. */
static void test_bonds(void **state)
{
	(void)state;
	add_bond("bond0");
	add_member("eth1", "virtio_net", "bond0");
	add_bond("bond1");
	add_member("eth2", "virtio_net", "bond1");
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0 bond1"), MANAGER_STARTED);
	check_alias("eth1", "bond0");
	check_alias("eth2", "bond1");
	named("eth2")->link.upper = named("bond0")->link.ifindex;
	named("eth1")->link.upper = named("bond1")->link.ifindex;
	manager_refresh();
	check_alias("eth2", "bond0");
	check_alias("eth1", "bond1");
	/* Never of two at a time, nor a device that carries the program. */
	assert_int_equal(attachment_alias_put(named("bond1")->link.ifindex, &named("eth2")->link), -EEXIST);
	assert_int_equal(attachment_alias_put(named("bond1")->link.ifindex, &named("bond0")->link), -EEXIST);
	assert_int_equal(attachment_alias_put(named("eth1")->link.ifindex, &named("eth2")->link), -ENOENT);
	check_alias("eth2", "bond0");
}

/* In generic mode the program runs on the bond's own packets. */
static void test_bond_generic(void **state)
{
	struct fake *member;

	(void)state;
	add_bond("bond0")->features = 0;
	add_member("eth1", "virtio_net", "bond0");
	member = add_member("eth2", "e1000e", "bond0");
	member->features = 0;
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_string_equal(mode_of("bond0"), "generic");
	assert_true(logged("bond0: generic mode, mtu 1500: its member eth2", "e1000e"));
	assert_null(entry_of("eth1"));
	assert_int_equal(named("bond0")->attempts, 1);
	/* That member leaves, and the bond can do what the others can. */
	member->link.upper = 0;
	named("bond0")->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("bond0"), "native");
	assert_true(logged("bond0: native mode by eth1, mtu 1500", ""));
	check_alias("eth1", "bond0");
	assert_null(entry_of("eth2"));
}

/* A kernel before 6.3 tells nothing of what a bond can do: other members are the reason to ask again. */
static void test_bond_old_kernel(void **state)
{
	struct fake *bond = add_bond("bond0");

	(void)state;
	host.unknown = true;
	add_member("eth1", "virtio_net", "bond0");
	add_member("eth2", "ixgbe", "bond0");
	bond->native_error = -EOPNOTSUPP;
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_string_equal(mode_of("bond0"), "generic");
	assert_true(logged("bond0: generic mode, mtu 1500: the kernel does not run the program on the members", "5.15"));
	manager_refresh();
	assert_int_equal(bond->attempts, 2);
	named("eth2")->link.upper = 0;
	bond->native_error = 0;
	manager_refresh();
	assert_string_equal(mode_of("bond0"), "native");
	assert_int_equal(bond->attempts, 3);
	/* With xdp-mode=generic it stays as it is. */
	manager_stop();
	assert_int_equal(start(OPTION_MODE_GENERIC, "bond0"), MANAGER_STARTED);
	named("eth1")->link.upper = 0;
	manager_refresh();
	assert_int_equal(bond->attempts, 4);
}

/* The dispatcher's program runs on the members as well, and its line stays. */
static void test_bond_dispatcher(void **state)
{
	struct fake *bond = add_bond("bond0");

	(void)state;
	dispatcher = ATTACHMENT_NATIVE;
	bond->foreign = 9;
	add_member("eth1", "virtio_net", "bond0");
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_true(logged("bond0: native mode through libxdp's dispatcher", ""));
	check_alias("eth1", "bond0");
	add_member("eth2", "virtio_net", "bond0");
	manager_refresh();
	check_alias("eth2", "bond0");
	assert_string_equal(host.log, "");
}

/* Neither beside the bond nor alone; and it is left when it becomes a member. */
static void test_member_by_name(void **state)
{
	static const char said[] = "eth1 is a member of bond0";

	(void)state;
	add_bond("bond0");
	add_member("eth1", "virtio_net", "bond0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth1 bond0"), MANAGER_STARTED);
	assert_true(logged("eth1: left out", said));
	assert_string_equal(mode_of("eth1"), "-");
	check_alias("eth1", "bond0");
	manager_stop();
	assert_int_equal(start(OPTION_MODE_GENERIC, "eth1"), MANAGER_FAILED);
	assert_string_equal(mode_of("eth1"), "-");
	named("eth1")->link.upper = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "generic");
	manager_stop();
	assert_int_equal(start(OPTION_MODE_AUTO, "eth1"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth1"), "native");
	host.log[0] = '\0';
	named("eth1")->link.upper = named("bond0")->link.ifindex;
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "-");
	assert_true(logged("eth1: left out", said));
}

/* A bond loses redirects if one of its members does; between members XDP_TX is one. */
static void test_bond_queues(void **state)
{
	struct fake *bond = add_bond("bond0"), *member;

	(void)state;
	host.cpus = 4;
	add_member("eth1", "i40e", "bond0")->channels.combined = 4;
	member = add_member("eth2", "i40e", "bond0");
	member->channels.combined = 3;
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_string_equal(mode_of("bond0"), "native");
	manager_refresh();
	assert_int_equal(leaving_flags(bond->link.ifindex), 0);
	assert_true(logged("eth2: has 3 queues", "ethtool -L eth2 combined 4"));
	assert_true(shown[0].no_redirect);
	named("eth2")->channels.combined = 4;
	manager_refresh();
	assert_int_equal(leaving_flags(bond->link.ifindex), HOP_REDIRECT | HOP_TRANSMIT);
	assert_false(shown[0].no_redirect);
}

/* With one virtual function nothing is redirected, so nothing is said of its queues. */
static void test_netvsc_queues(void **state)
{
	(void)state;
	host.cpus = 4;
	add("eth0", ALL)->driver = "hv_netvsc";
	add_member("enP1", "mlx5_core", "eth0")->channels.combined = 3;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	manager_refresh();
	assert_false(logged("enP1: has 3 queues", ""));
	manager_stop();
	add("eth1", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("enP1: has 3 queues", ""));
}

/* The watch looks once a second. */
static void look_again(void)
{
	now++;
	manager_refresh();
}

/* What the members of a bond lose is the bond's. */
static void test_members_lose(void **state)
{
	(void)state;
	add_bond("bond0");
	add_member("eth1", "virtio_net", "bond0");
	add_member("eth2", "virtio_net", "bond0");
	start(OPTION_MODE_AUTO, "bond0");
	look_again();
	named("bond0")->drops.dropped = 1;
	named("eth1")->drops.failed = 20;
	named("eth2")->drops.failed = 300;
	named("eth2")->drops.refused = 300;
	named("eth2")->loses = true;
	look_again();
	assert_int_equal(shown[0].lost, 21);
	assert_int_equal(shown[0].fault, STATUS_FAULT_DROPS_REDIRECTS);
}

/* How frames leave by a bond. */
static void test_bond_flags(void **state)
{
	static const struct {
		const char *what, *driver;
		uint64_t features;
		unsigned int members;
		bool unknown;
		uint8_t expected;
	} table[] = {
		{ "two cards", "virtio_net", ALL, 2, false, HOP_REDIRECT | HOP_TRANSMIT },
		{ "two cards that take frames of several buffers", "virtio_net", ALL | XDP_FEATURE_NDO_XMIT_SG, 2, false,
		  HOP_REDIRECT | HOP_TRANSMIT | HOP_FRAGS },
		{ "two veths", "veth", ALL, 2, false, HOP_REDIRECT },
		{ "two cards, and the kernel does not say", "virtio_net", ALL, 2, true, HOP_REDIRECT | HOP_TRANSMIT },
		{ "one card that does not send", "mlx4_en", CAN, 1, false, HOP_TRANSMIT },
		{ "two cards that send no more: XDP_TX would be a redirect", "made_up", CAN, 2, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct fake *bond;

		setup(NULL);
		print_message("# %s\n", table[i].what);
		bond = add_bond("bond0");
		add_member("eth1", table[i].driver, "bond0");
		if (table[i].members == 2)
			add_member("eth2", table[i].driver, "bond0");
		bond->features_attached = XDP_FEATURE_NDO_XMIT;
		assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
		assert_string_equal(mode_of("bond0"), "native");
		bond->features = table[i].features;
		bond->features_attached = 0;
		host.unknown = table[i].unknown;
		leaving_forget();
		assert_int_equal(leaving_flags(bond->link.ifindex), table[i].expected);
		teardown(NULL);
	}
}

/* A virtual function comes and goes. One without XDP would keep its packets from the program. */
static void test_netvsc(void **state)
{
	struct fake *function;

	(void)state;
	add("eth0", ALL)->driver = "hv_netvsc";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_true(logged("eth0: native mode, mtu 1500", ""));
	function = add_member("enP1", "mlx5_core", "eth0");
	manager_refresh();
	check_alias("enP1", "eth0");
	assert_string_equal(mode_of("enP1"), "-");
	take_away("enP1");
	manager_refresh();
	function = add_member("enP2", "mana", "eth0");
	function->features = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_true(logged("eth0: generic mode, mtu 1500: its member enP2", "has no XDP"));
	assert_null(entry_of("enP2"));
}

/* More members than the program can know: theirs goes up. */
static void test_many_members(void **state)
{
	unsigned int known = 0;

	(void)state;
	add_bond("bond0");
	for (int i = 0; i < ABI_PORTS + 2; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "eth%d", i);
		add_member(name, "virtio_net", "bond0");
	}
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_true(logged("bond0: there is no room for its member", "said once"));
	manager_refresh();
	assert_int_equal(strlen(host.log), 0);
	for (int i = 0; i < ABI_PORTS; i++)
		known += slots[i].device == named("bond0")->link.ifindex;
	assert_int_equal(known, ABI_PORTS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_bond_queues),
		TEST(test_netvsc_queues),
		TEST(test_members_lose),
		TEST(test_bond),
		TEST(test_bond_gates),
		TEST(test_bonds),
		TEST(test_bond_generic),
		TEST(test_bond_dispatcher),
		TEST(test_bond_old_kernel),
		TEST(test_member_by_name),
		TEST(test_bond_flags),
		TEST(test_netvsc),
		TEST(test_many_members),
	};

	return cmocka_run_group_tests_name("manager: members", tests, NULL, NULL);
}
