/* SPDX-License-Identifier: BSD-3-Clause */
/* The manager on a made-up host: what a driver can do changes with the MTU and the queues, and the modes follow. */
#include "fake_host.h"

#include <linux/if_ether.h>

/* The program for frames of several buffers is for those that refuse the other one. */
static void test_frags(void **state)
{
	static const int others[] = { -EPERM, -EBUSY, -EEXIST };
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->link.mtu = 9000;
	device->mtu_taken = 3500;
	/* The driver cannot take several buffers either, and is not asked. */
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(device->attempts, 2);
	manager_stop();
	device->features |= XDP_FEATURE_RX_SG;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(device->frags);
	manager_stop();
	host.no_frags = true;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	manager_stop();
	host.no_frags = false;
	device->link.mtu = 1500;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	assert_false(device->frags);
	manager_stop();
	/* Neither is a small MTU a reason, nor an error of another kind. */
	device->native_error = -EINVAL;
	device->attempts = 0;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_int_equal(device->attempts, 2);
	manager_stop();
	device->link.mtu = 9000;
	device->mtu_taken = 0;
	for (size_t i = 0; i < COUNT(others); i++) {
		print_message("# %s\n", strerror(-others[i]));
		device->native_error = others[i];
		device->attempts = 0;
		assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
		assert_string_equal(mode_of("eth0"), "generic");
		assert_int_equal(device->attempts, 2);
		manager_stop();
	}
}

/* An MTU that is raised: the program for several buffers takes the other one's place, without a detach. */
static void test_mtu_raised_frags(void **state)
{
	struct fake *device = add("eth0", ALL | XDP_FEATURE_RX_SG);

	(void)state;
	device->mtu_taken = 3500;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	manager_refresh();
	host.log[0] = '\0';
	device->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(device->frags);
	assert_int_equal(device->attempts, 1);
	assert_non_null(strstr(shown[0].line, "native mode, mtu 9000"));
	assert_string_equal(host.log, "xdp: eth0: native mode, mtu 9000\n");
	/* Up and down again is nothing that the driver has to be asked for. */
	host.log[0] = '\0';
	device->link.mtu = 1500;
	manager_refresh();
	device->link.mtu = 9216;
	manager_refresh();
	manager_refresh();
	assert_int_equal(device->attempts, 1);
	assert_int_equal(device->exchanges, 1);
	assert_string_equal(host.log, "xdp: eth0: native mode, mtu 1500\nxdp: eth0: native mode, mtu 9216\n");
}

/* Without that program the driver is asked by attaching anew, and what it cannot take is generic until it can. */
static void test_mtu_raised(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->mtu_taken = 3500;
	device->sentence = "MTU too large";
	host.no_frags = true;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	device->link.mtu = 3000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(device->attempts, 2);
	manager_refresh();
	device->link.mtu = 1500;
	manager_refresh();
	device->link.mtu = 3000;
	manager_refresh();
	assert_int_equal(device->attempts, 2);
	device->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_true(logged("eth0: generic mode, mtu 9000", "refuses native mode: \"MTU too large\""));
	assert_int_equal(device->attempts, 4);
	manager_refresh();
	assert_int_equal(device->attempts, 4);
	device->link.mtu = 1500;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(logged("eth0: native mode, mtu 1500", ""));
}

/* virtio_net before Linux 6.3 takes the program back only at a small MTU, which is set for that moment. */
static void test_mtu_kept_by_driver(void **state)
{
	struct fake *device = add("eth0", 0), *vlan = add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	unsigned int attempts;

	(void)state;
	host.unknown = true;
	device->driver = "virtio_net";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0.5"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	attempts = device->attempts;
	device->link.mtu = 9000;
	vlan->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	assert_string_equal(mode_of("eth0.5"), "generic");
	assert_int_equal(device->attempts, attempts); /* the driver would take it, and lose frames */
	assert_int_equal(host.mtu_lowest, 4096 - 32);
	assert_int_equal(device->link.mtu, 9000);
	assert_int_equal(vlan->link.mtu, 9000);
	assert_true(logged("eth0: mtu 9000 was set to 4064 for a moment", ""));
	manager_refresh();
	assert_string_equal(host.log, "");
	/* At one that it can take, nothing is lowered. */
	host.mtu_lowest = 0;
	device->link.mtu = vlan->link.mtu = 1500;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	manager_stop();
	assert_int_equal(host.mtu_lowest, 0);
}

/* Nor is anything lowered where the driver gives the program back at every MTU. */
static void test_mtu_given_back(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->driver = "virtio_net";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	device->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_true(logged("eth0: generic mode, mtu 9000", "this changes it: ip link set dev eth0 mtu 3490"));
	assert_int_equal(host.mtu_lowest, 0);
}

/* What a driver does that nobody knows: at the MTU at which it has taken the program it also gives it back. */
static void test_mtu_of_unknown_driver(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->driver = "unknown";
	device->mtu_taken = 2000;
	host.no_frags = true;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	device->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(host.mtu_lowest, 1500);
	assert_int_equal(device->link.mtu, 9000);
}

/* Where the MTU cannot be lowered the link is not closed, and one warning says what to do. */
static void test_mtu_stuck(void **state)
{
	struct fake *device = add("eth0", 0);

	(void)state;
	host.unknown = true;
	device->driver = "virtio_net";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	host.mtu_error = -EPERM;
	device->link.mtu = 9000;
	host.log[0] = '\0';
	manager_refresh();
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(host.level, LOG_LEVEL_WARNING);
	assert_non_null(strstr(host.log, "ip link set dev eth0 mtu 1500"));
	assert_ptr_equal(strchr(host.log, '\n') + 1, host.log + strlen(host.log)); /* one line */
	assert_non_null(strstr(shown[0].line, "does not give the XDP program back"));
	/* It was set back. */
	device->link.mtu = 1500;
	host.log[0] = '\0';
	manager_refresh();
	assert_true(logged("eth0: native mode, mtu 1500", ""));
	host.mtu_error = 0;
}

/* What a driver may have refused the program for is followed; other news is not. */
static void test_refusal_asked_again(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->driver = "ena";
	device->link.mtu = 9001;
	device->native_error = -EINVAL;
	device->sentence = "the current MTU is too large";
	device->channels = (struct device_channels){ .combined = 8, .combined_max = 8 };
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_true(logged("eth0: generic mode, mtu 9001: the driver (ena) refuses native mode: \"the current MTU is too large\"",
			   "ip link set dev eth0 mtu 3498 && ethtool -L eth0 combined 4"));
	assert_int_equal(device->attempts, 2);
	device->link.up = false;
	manager_refresh();
	device->link.up = true;
	device->link.mac[3] = 7;
	manager_refresh();
	manager_refresh();
	assert_int_equal(device->attempts, 2);
	device->link.mtu = 3498;
	manager_refresh();
	assert_int_equal(device->attempts, 4);
	device->lro = true;
	manager_refresh();
	assert_int_equal(device->attempts, 6);
	device->channels.combined = 4;
	device->native_error = 0;
	host.log[0] = '\0';
	manager_refresh();
	assert_int_equal(device->attempts, 7);
	assert_string_equal(mode_of("eth0"), "native");
	assert_non_null(strstr(host.log, "eth0: its driver (ena) resets the card"));
	assert_true(logged("eth0: native mode, mtu 3498", ""));
}

/* A veth's other end decides on the frames that come. */
static void test_veth_other_end(void **state)
{
	struct fake *veth = add("veth0", ALL), *other = add("veth1", ALL);

	(void)state;
	veth->driver = "veth";
	veth->link.veth = true;
	veth->link.lower = other->link.ifindex;
	veth->native_error = -ERANGE;
	assert_int_equal(start(OPTION_MODE_AUTO, "veth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("veth0"), "generic");
	manager_refresh();
	assert_int_equal(veth->attempts, 2);
	other->link.mtu = 1400;
	veth->native_error = 0;
	manager_refresh();
	assert_string_equal(mode_of("veth0"), "native");
}

/* The line says what is so now, each once. */
static void test_line_is_current(void **state)
{
	struct fake *native = add("eth0", ALL), *generic = add("eth1", ALL);

	(void)state;
	generic->native_error = -EOPNOTSUPP;
	native->link.up = generic->link.up = false;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("eth0: native mode, mtu 1500; the interface is down", ""));
	native->link.up = generic->link.up = true;
	manager_refresh();
	assert_non_null(strstr(host.log, "eth0: native mode, mtu 1500\n"));
	assert_true(logged("eth1: generic mode, mtu 1500", ""));
	assert_string_equal(shown[0].line, "native mode, mtu 1500");
	assert_null(strstr(shown[1].line, "down"));
	native->link.up = false;
	manager_refresh();
	manager_refresh();
	assert_int_equal(host.level, LOG_LEVEL_INFO);
	assert_string_equal(host.log, "xdp: eth0: native mode, mtu 1500; the interface is down: channels over it are relayed "
				      "once it is up\n");
	assert_non_null(strstr(shown[0].line, "down"));
	host.log[0] = '\0';
	native->link.up = true;
	native->link.mtu = 1400;
	generic->link.mtu = 1300;
	manager_refresh();
	assert_string_equal(shown[0].line, "native mode, mtu 1400");
	assert_non_null(strstr(shown[1].line, "generic mode, mtu 1300"));
}

/* Two that were generic each for its own reason are native again when both can be, whichever comes first. */
static void test_both_recover(void **state)
{
	struct fake *first = add("eth0", CAN), *second = add("eth1", CAN);

	(void)state;
	first->features_attached = second->features_attached = XDP_FEATURE_NDO_XMIT;
	first->mtu_taken = second->mtu_taken = 3500;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	first->link.mtu = second->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_string_equal(mode_of("eth1"), "generic");
	first->link.mtu = 1500;
	/* The other one's own driver is asked only now. */
	manager_refresh();
	manager_refresh();
	now += 4;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_non_null(strstr(shown[0].line, "generic mode, mtu 1500: eth1 can only use generic mode"));
	second->link.mtu = 1500;
	manager_refresh();
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_string_equal(mode_of("eth1"), "native");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_frags),
		TEST(test_mtu_raised_frags),
		TEST(test_mtu_raised),
		TEST(test_mtu_kept_by_driver),
		TEST(test_mtu_given_back),
		TEST(test_mtu_of_unknown_driver),
		TEST(test_mtu_stuck),
		TEST(test_refusal_asked_again),
		TEST(test_veth_other_end),
		TEST(test_line_is_current),
		TEST(test_both_recover),
	};

	return cmocka_run_group_tests_name("manager: drivers", tests, NULL, NULL);
}
