/* SPDX-License-Identifier: BSD-3-Clause */
/* The manager on a made-up host: native attachments that do not work, and what follows from it. */
#include "fake_host.h"

#include "iface/leaving.h"

/* So many seconds pass, and in each of them so many frames come in by the device; the program sees them, or does not. */
static void pass(const char *name, unsigned int seconds, unsigned int frames, bool seen)
{
	while (seconds--) {
		struct fake *device = named(name);

		device->counted.received += frames;
		if (host.counts_received)
			device->drops.received += frames;
		for (unsigned int i = 0; i < ABI_PORTS; i++) {
			if (slots[i].ifindex == device->link.ifindex && seen)
				slots[i].seen = 1;
		}
		now++;
		manager_refresh();
		/* An event in the same second. */
		manager_refresh();
	}
}

static void test_never_runs(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->driver = "xen-netfront";
	start(OPTION_MODE_AUTO, "eth0");
	pass("eth0", 20, 100, true);
	assert_false(logged("none of", ""));
	assert_int_equal(device->attempts, 1);
	/* Three seconds after the one that raised the doubt, and the one in which counting began. */
	pass("eth0", 3, 100, false);
	assert_int_equal(device->attempts, 1);
	pass("eth0", 2, 100, false);
	assert_true(logged("eth0: the program is attached in native mode and has seen none of 300 packets", "anew"));
	assert_int_equal(device->attempts, 2);
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(shown[0].fault, STATUS_FAULT_NEVER_RUNS);
	/* It runs. */
	pass("eth0", 2, 100, true);
	assert_int_equal(shown[0].fault, STATUS_FAULT_NONE);
	assert_false(host.counts_received);
	/* And again it does not, so soon that attaching does not help. */
	pass("eth0", 5, 100, false);
	assert_true(logged("eth0: native mode does not work: the driver (xen-netfront) has taken the program", "generic mode"));
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(shown[0].fault, STATUS_FAULT_NEVER_RUNS);
	assert_non_null(strstr(shown[0].line, "generic mode, mtu 1500: native mode does not work"));
	/* It stays so, whatever comes, also if the device says that it can do more. */
	device->features |= 1 << 6;
	pass("eth0", 1000, 100, true);
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(device->attempts, 3);
	/* A device that comes in its place is another one. */
	take_away("eth0");
	manager_refresh();
	device = add("eth0", ALL);
	pass("eth0", 2, 100, true);
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(shown[0].fault, STATUS_FAULT_NONE);
}

/* What the driver does long after it was attached anew is another failure. */
static void test_never_runs_again(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	start(OPTION_MODE_AUTO, "eth0");
	for (unsigned int i = 1; i < 4; i++) {
		pass("eth0", 1000, 100, true);
		pass("eth0", 5, 100, false);
		assert_int_equal(device->attempts, 1 + i);
		assert_string_equal(mode_of("eth0"), "native");
	}
}

/* A kernel where it cannot be counted what the network stack receives. */
static void test_never_runs_without_proof(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	start(OPTION_MODE_AUTO, "eth0");
	host.count_error = -EOPNOTSUPP;
	pass("eth0", 1, 100, true);
	pass("eth0", 10, 100, false);
	assert_int_equal(device->attempts, 1);
	pass("eth0", 1, 100, false);
	assert_int_equal(device->attempts, 2);
	pass("eth0", 10, 100, false);
	assert_string_equal(mode_of("eth0"), "native");
	pass("eth0", 1, 100, false);
	assert_string_equal(mode_of("eth0"), "generic");
}

/* Devices that are gone take no room from others. */
static void test_watched_come_and_go(void **state)
{
	(void)state;
	add("eth0", ALL);
	start(OPTION_MODE_AUTO, "eth0");
	for (unsigned int i = 0; i < 2 * ABI_PORTS; i++) {
		take_away("eth0");
		manager_refresh();
		add("eth0", ALL);
		pass("eth0", 2, 100, true);
		logged("", "");
	}
	pass("eth0", 5, 100, false);
	assert_true(logged("eth0: the program is attached in native mode and has seen none", ""));
}

static void test_never_runs_in_native_mode(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	start(OPTION_MODE_NATIVE, "eth0");
	pass("eth0", 20, 100, false);
	assert_true(logged("eth0: native mode does not work", "use xdp-mode=auto"));
	pass("eth0", 100, 100, false);
	/* The warning stands, also if the program runs for a moment. */
	pass("eth0", 1, 100, true);
	pass("eth0", 100, 100, false);
	assert_false(logged("eth0", ""));
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(device->attempts, 2);
	assert_int_equal(shown[0].fault, STATUS_FAULT_NEVER_RUNS);
}

/* A program that others come before may well see nothing, and its mode is not ours to choose. */
static void test_never_runs_in_dispatcher(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->foreign = 9;
	dispatcher = ATTACHMENT_NATIVE;
	start(OPTION_MODE_AUTO, "eth0");
	pass("eth0", 100, 100, false);
	assert_true(logged("eth0: native mode does not work", ""));
	assert_int_equal(host.joined, 1);
}

static void test_no_room(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->driver = "gve";
	start(OPTION_MODE_AUTO, "eth0");
	for (unsigned int i = 0; i < 4; i++) {
		assert_string_equal(mode_of("eth0"), "native");
		pass("eth0", 1, 100, true);
		slots[0].no_room += 10;
	}
	pass("eth0", 1, 100, true);
	assert_true(logged("the driver (gve) leaves the program no room", ""));
	assert_string_equal(mode_of("eth0"), "generic");
}

/* A driver that keeps the program: that is said once, and the mode changes when the driver can give it back. */
static void test_no_room_and_stuck(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->driver = "gve";
	start(OPTION_MODE_AUTO, "eth0");
	device->link.mtu = 9000;
	host.mtu_error = -EPERM;
	for (unsigned int i = 0; i < 30; i++) {
		pass("eth0", 1, 100, true);
		slots[0].no_room += 10;
		if (i == 10)
			assert_true(logged("eth0: native mode does not work", "does not give the program back"));
	}
	assert_false(logged("native mode does not work", ""));
	assert_string_equal(mode_of("eth0"), "native");
	host.mtu_error = 0;
	for (unsigned int i = 0; i < 5; i++) {
		pass("eth0", 1, 100, true);
		slots[0].no_room += 10;
	}
	assert_true(logged("the driver (gve) leaves the program no room", "generic mode"));
	assert_string_equal(mode_of("eth0"), "generic");
}

static void test_not_sent(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->driver = "ixgbevf";
	start(OPTION_MODE_AUTO, "eth0");
	/* Redirects that the kernel refuses say nothing of the driver that they come in by. */
	for (unsigned int i = 0; i < 10; i++) {
		device->drops.failed += 100;
		device->drops.refused += 100;
		pass("eth0", 1, 100, true);
	}
	assert_string_equal(mode_of("eth0"), "native");
	for (unsigned int i = 0; i < 3; i++) {
		assert_string_equal(mode_of("eth0"), "native");
		device->drops.failed += 100;
		pass("eth0", 1, 100, true);
	}
	assert_true(logged("the driver (ixgbevf) does not send what the program returns", ""));
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(shown[0].lost, 300);
}

static void test_redirects_lost(void **state)
{
	(void)state;
	add("eth0", ALL);
	start(OPTION_MODE_AUTO, "eth0");
	pass("eth0", 3, 100, true);
	assert_int_equal(leaving_flags(named("eth0")->link.ifindex), HOP_TRANSMIT | HOP_REDIRECT);
	named("eth0")->loses = true;
	pass("eth0", 3, 100, true);
	assert_true(logged("eth0: its driver drops frames that are redirected to it", "ethtool -L"));
	assert_int_equal(shown[0].fault, STATUS_FAULT_DROPS_REDIRECTS);
	assert_int_equal(leaving_flags(named("eth0")->link.ifindex), HOP_TRANSMIT);
	pass("eth0", 30, 100, true);
	assert_false(logged("drops frames", ""));
}

/* With several interfaces generic mode relays them, unless the operator wants native. */
static void test_redirects_lost_between(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	start(OPTION_MODE_AUTO, "eth0 eth1");
	pass("eth0", 3, 100, true);
	named("eth1")->loses = true;
	pass("eth0", 1, 100, true);
	assert_true(logged("eth1: generic mode", "drops what is redirected to it"));
	pass("eth0", 4, 100, true);
	assert_string_equal(mode_of("eth0"), "generic");
	assert_string_equal(mode_of("eth1"), "generic");
	assert_int_equal(shown[1].fault, STATUS_FAULT_NONE);
	/* More queues may help. */
	named("eth1")->loses = false;
	named("eth1")->channels.combined = 8;
	pass("eth0", 1, 100, true);
	pass("eth0", 1, 100, true);
	assert_string_equal(mode_of("eth1"), "native");
	assert_string_equal(mode_of("eth0"), "native");
}

static void test_redirects_lost_native(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	start(OPTION_MODE_NATIVE, "eth0 eth1");
	pass("eth0", 3, 100, true);
	named("eth1")->loses = true;
	pass("eth0", 5, 100, true);
	assert_string_equal(mode_of("eth1"), "native");
	assert_int_equal(shown[1].fault, STATUS_FAULT_DROPS_REDIRECTS);
}

static void test_stray(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("bond0", 0);
	add("vf0", ALL)->link.upper = named("bond0")->link.ifindex;
	start(OPTION_MODE_AUTO, "eth0");
	/* Frames that came in before the server knew of its own attachment. */
	stray.ifindex = named("eth0")->link.ifindex;
	for (unsigned int i = 0; i < 10; i++) {
		stray.count += 100;
		pass("eth0", 1, 100, true);
	}
	assert_int_equal(shown_stray, 0);
	/* A few, and then many. */
	stray.ifindex = named("vf0")->link.ifindex;
	for (unsigned int i = 0; i < 10; i++) {
		stray.count += 3;
		pass("eth0", 1, 100, true);
	}
	assert_int_equal(shown_stray, 0);
	for (unsigned int i = 0; i < 10; i++) {
		stray.count += 100;
		pass("eth0", 1, 100, true);
	}
	assert_int_equal(shown_stray, stray.ifindex);
	assert_true(logged("vf0: the program gets frames that come in by this interface", "part of bond0"));
	pass("eth0", 10, 100, true);
	assert_false(logged("vf0", ""));
	take_away("vf0");
	pass("eth0", 1, 100, true);
	assert_int_equal(shown_stray, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_never_runs),
		TEST(test_never_runs_again),
		TEST(test_never_runs_without_proof),
		TEST(test_watched_come_and_go),
		TEST(test_never_runs_in_native_mode),
		TEST(test_never_runs_in_dispatcher),
		TEST(test_no_room),
		TEST(test_no_room_and_stuck),
		TEST(test_not_sent),
		TEST(test_redirects_lost),
		TEST(test_redirects_lost_between),
		TEST(test_redirects_lost_native),
		TEST(test_stray),
	};

	return cmocka_run_group_tests_name("manager: watch", tests, NULL, NULL);
}
