/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The manager on a made-up host: which device carries the program, in which mode, and how interfaces that come, go or
 * are changed from outside are followed.
 */
#include "fake_host.h"

#include <linux/if_ether.h>

#include "iface/leaving.h"

/* ---- modes ---- */

static void test_modes(void **state)
{
	static const struct {
		const char *what;
		enum option_mode mode;
		bool unknown;
		const char *driver;
		uint64_t features, attached; /* the second besides, while attached */
		int native_error, generic_error;
		const char *sentence;
		bool merges;
		uint32_t foreign;
		const char *expected, *said;
	} table[] = {
		{ "can all", .features = ALL, .expected = "native", .said = "native mode, mtu 1500" },
		{ "says that it sends once attached", .features = CAN, .attached = XDP_FEATURE_NDO_XMIT,
		  .expected = "native", .said = "native mode" },
		{ "takes no redirects, and there is no other interface", .features = CAN, .expected = "native",
		  .said = "native mode" },
		{ "does not redirect, and there is no other interface", .features = 5, .expected = "native",
		  .said = "native mode" },
		{ "no XDP", .features = 0, .expected = "generic", .said = "has no XDP" },
		{ "refuses", .features = ALL, .native_error = -EOPNOTSUPP, .expected = "generic",
		  .said = "refuses native mode at mtu 1500 (Operation not supported)" },
		{ "refuses, and says why", .features = ALL, .native_error = -EINVAL, .sentence = "not today",
		  .expected = "generic", .said = "the driver () refuses native mode: \"not today\"" },
		{ "refuses for want of queues", .driver = "ixgbe", .features = ALL, .native_error = -ENOSPC,
		  .sentence = "too few queues", .expected = "generic", .said = "refuses native mode: \"too few queues\"" },
		{ "has no XDP, as the kernel says", .unknown = true, .driver = "ixgbe", .native_error = -EOPNOTSUPP,
		  .sentence = "Underlying driver does not support XDP in native mode", .expected = "generic",
		  .said = "the driver (ixgbe) has no XDP" },
		{ "does not last", .driver = "vmxnet3", .features = ALL, .expected = "generic",
		  .said = "runs no program any more" },
		{ "does not last, and is wanted", OPTION_MODE_NATIVE, .driver = "vmxnet3", .features = ALL,
		  .expected = "native", .said = "native mode" },
		{ "veth without GRO", .driver = "veth", .features = CAN, .attached = XDP_FEATURE_NDO_XMIT,
		  .expected = "generic", .said = "GRO" },
		{ "team", .driver = "team", .features = 0, .expected = "generic", .said = "the driver (team) has no XDP" },
		{ "team, and an old kernel", OPTION_MODE_NATIVE, true, "team", .expected = "-", .said = "the driver (team) has no XDP" },
		{ "the driver is named", .driver = "ena", .features = ALL, .native_error = -ERANGE, .expected = "generic",
		  .said = "the driver (ena) refuses native mode at mtu 1500 (Numerical result out of range)" },
		{ "no privilege", .features = ALL, .native_error = -EPERM, .generic_error = -EPERM, .expected = "-",
		  .said = "CAP_BPF" },
		{ "a kernel before 5.9", .features = ALL, .native_error = -EINVAL, .generic_error = -EINVAL,
		  .expected = "-", .said = "no generic mode: the kernel refuses the program in generic mode (Invalid argument)" },
		{ "old kernel, a driver that sends", .unknown = true, .driver = "ixgbe", .expected = "native",
		  .said = "native mode" },
		{ "old kernel, a driver that began to send later", .unknown = true, .driver = "gve", .expected = "generic",
		  .said = "the driver (gve) is not among those that are known to send" },
		{ "old kernel, another driver", .unknown = true, .driver = "e1000e", .expected = "generic",
		  .said = "xdp-mode=native tries it" },
		{ "xdp-mode says native, old kernel, another driver", OPTION_MODE_NATIVE, true, "e1000e",
		  .expected = "native", .said = "before 6.3" },
		{ "old kernel, veth", .unknown = true, .driver = "veth", .expected = "generic", .said = "veth" },
		{ "xdp-mode says native", OPTION_MODE_NATIVE, .features = ALL, .expected = "native",
		  .said = "native mode" },
		{ "xdp-mode says native, which cannot be", OPTION_MODE_NATIVE, .features = 0, .expected = "-",
		  .said = "has no XDP" },
		{ "xdp-mode says native, old kernel", OPTION_MODE_NATIVE, true, "veth", .expected = "native",
		  .said = "before 6.3" },
		{ "xdp-mode says generic", OPTION_MODE_GENERIC, .features = ALL, .expected = "generic",
		  .said = "generic mode, mtu" },
		{ "neither", .features = 0, .generic_error = -ENODEV, .expected = "-", .said = "No such device" },
		{ "merges", .features = 0, .merges = true, .expected = "-", .said = "rx-gro-list" },
		{ "merges, which native mode does not see", .features = ALL, .merges = true,
		  .expected = "native", .said = "native mode" },
		{ "another XDP program", .features = ALL, .foreign = 9, .expected = "-", .said = "another XDP program" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		bool attaches = table[i].expected[0] != '-';
		struct fake *device;
		enum manager_outcome outcome;

		setup(NULL);
		print_message("# %s\n", table[i].what);
		host.unknown = table[i].unknown;
		device = add("eth0", table[i].features);
		device->driver = table[i].driver ? table[i].driver : "";
		device->features_attached = table[i].attached;
		device->native_error = table[i].native_error;
		device->generic_error = table[i].generic_error;
		device->sentence = table[i].sentence;
		device->merges = table[i].merges;
		device->foreign = table[i].foreign;
		outcome = start(table[i].mode, "eth0");
		/* The other program may go. */
		assert_int_equal(outcome, attaches || table[i].foreign ? MANAGER_STARTED : MANAGER_FAILED);
		assert_int_equal(manager_complete(), attaches);
		assert_string_equal(mode_of("eth0"), table[i].expected);
		assert_true(logged("eth0: ", table[i].said));
		if (attaches) {
			assert_int_equal(slots[0].ifindex, device->link.ifindex);
			assert_memory_equal(slots[0].mac, device->link.mac, 6);
			assert_int_equal(slots[0].generic, table[i].expected[0] == 'g');
		}
		teardown(NULL);
	}
}

/* One mode for all only where the packets could not cross. */
static void test_several(void **state)
{
	struct fake *device;

	(void)state;
	add("can", ALL);
	add("cannot", 0);
	assert_int_equal(start(OPTION_MODE_AUTO, "can cannot"), MANAGER_STARTED);
	assert_string_equal(mode_of("can"), "generic");
	assert_string_equal(mode_of("cannot"), "generic");
	manager_stop();

	/* It refuses the program, but takes frames of others. */
	device = add("takes", ALL);
	device->native_error = -EOPNOTSUPP;
	assert_int_equal(start(OPTION_MODE_AUTO, "can takes"), MANAGER_STARTED);
	assert_string_equal(mode_of("can"), "native");
	assert_string_equal(mode_of("takes"), "generic");
	manager_stop();

	/* What carries nothing decides nothing. */
	add("busy", 0)->foreign = 9;
	assert_int_equal(start(OPTION_MODE_AUTO, "can busy nowhere"), MANAGER_STARTED);
	assert_false(manager_complete());
	assert_string_equal(mode_of("can"), "native");
	assert_string_equal(mode_of("busy"), "-");
	manager_stop();

	/* One that could not be generic keeps what it has. */
	add("merging", ALL)->merges = true;
	assert_int_equal(start(OPTION_MODE_AUTO, "merging can cannot"), MANAGER_STARTED);
	assert_string_equal(mode_of("merging"), "native");
	assert_string_equal(mode_of("can"), "generic");
	manager_stop();

	/* The same interface twice is one. */
	assert_int_equal(start(OPTION_MODE_AUTO, "can can"), MANAGER_STARTED);
	assert_true(manager_complete());
	assert_int_equal(slots[1].ifindex, 0);
}

/* ---- reasons, and how frames leave ---- */

/* A reason is the interface's own if it has one: the other's is given only to those that could be native. */
static void test_own_reason_first(void **state)
{
	struct fake *first = add("eth0", 0), *second = add("eth1", 0);

	(void)state;
	second->driver = "e1000e";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("eth1: generic mode", "the driver (e1000e) has no XDP"));
	second->merges = true;
	manager_refresh();
	assert_true(logged("eth1: left out", "rx-gro-list"));
	second->merges = false;
	manager_refresh();
	assert_string_equal(shown[1].line, "generic mode, mtu 1500: the driver (e1000e) has no XDP");
	/* One that could be native names the one that it follows. */
	manager_stop();
	second->features = ALL;
	first->driver = "bridge";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("eth1: generic mode", "eth0 can only use generic mode"));
}

/* A driver that takes no redirected frames is native while packets leave by its device only. */
static void test_alone(void **state)
{
	struct fake *device = add("eth0", CAN), *other = add("eth1", ALL);

	(void)state;
	other->alternative = "later";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	leaving_forget();
	assert_int_equal(leaving_flags(device->link.ifindex), HOP_TRANSMIT);
	/* Its program redirects nothing, so nothing is said to take redirects. */
	assert_int_equal(leaving_flags(other->link.ifindex), 0);
	manager_stop();
	/* One that redirects is as any. */
	assert_int_equal(start(OPTION_MODE_AUTO, "eth1"), MANAGER_STARTED);
	leaving_forget();
	assert_int_equal(leaving_flags(other->link.ifindex), HOP_TRANSMIT | HOP_REDIRECT);
	manager_stop();
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	assert_string_equal(mode_of("eth1"), "generic");
	manager_stop();
	/* VLANs on the same device are no other way out. */
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth0.5"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	manager_stop();
	take_away("eth0.5");
	/* The driver is known, so it is not even tried where there are several; before 6.3, too. */
	device->driver = "mlx4_en";
	for (int unknown = 0; unknown < 2; unknown++) {
		host.unknown = unknown;
		device->attempts = 0;
		other->driver = "ixgbe";
		assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
		assert_int_equal(device->attempts, 1);
		assert_true(logged("eth0: generic mode", "the driver (mlx4_en) does not send what is redirected to it"));
		manager_stop();
		assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
		assert_string_equal(mode_of("eth0"), "native");
		leaving_forget();
		assert_int_equal(leaving_flags(device->link.ifindex), HOP_TRANSMIT);
		manager_stop();
	}
}

static void test_flags(void **state)
{
	struct fake *native = add("native", ALL), *veth = add("veth", ALL | XDP_FEATURE_NDO_XMIT_SG);
	struct fake *other = add("other", 0);

	(void)state;
	veth->driver = "veth";
	assert_int_equal(start(OPTION_MODE_AUTO, "native veth"), MANAGER_STARTED);
	assert_int_equal(leaving_flags(native->link.ifindex), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(leaving_flags(veth->link.ifindex), HOP_REDIRECT | HOP_FRAGS);
	assert_int_equal(leaving_flags(other->link.ifindex), 0);
	/* An answer is kept until there is news. */
	assert_int_equal(leaving_flags(veth->link.ifindex), HOP_REDIRECT | HOP_FRAGS);
	veth->features = CAN;
	assert_int_equal(leaving_flags(veth->link.ifindex), HOP_REDIRECT | HOP_FRAGS);
	manager_refresh();
	assert_int_equal(leaving_flags(veth->link.ifindex), 0);
	manager_stop();
	assert_int_equal(start(OPTION_MODE_GENERIC, "native veth"), MANAGER_STARTED);
	leaving_forget();
	assert_int_equal(leaving_flags(veth->link.ifindex), HOP_TRANSMIT);
	manager_stop();
	host.unknown = true;
	native->driver = "ixgbe";
	assert_int_equal(start(OPTION_MODE_AUTO, "native"), MANAGER_STARTED);
	leaving_forget();
	assert_int_equal(leaving_flags(native->link.ifindex), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(leaving_flags(other->link.ifindex), 0);
}

static uint8_t redirects_to(const struct fake *device)
{
	return leaving_flags(device->link.ifindex) & HOP_REDIRECT;
}

/* A driver that has a queue for each CPU drops what is redirected by the CPUs that have none. */
static void test_queues(void **state)
{
	struct fake *device = add("eth0", ALL), *other = add("eth1", ALL);

	(void)state;
	device->driver = other->driver = "i40e";
	device->channels.combined = 3;
	other->channels.combined = host.cpus = 4;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(redirects_to(device), 0);
	assert_int_equal(redirects_to(other), HOP_REDIRECT);
	/* What has come in by it leaves by it. */
	assert_int_equal(leaving_flags(device->link.ifindex), HOP_TRANSMIT);
	assert_true(logged("eth0: has 3 queues", "ethtool -L eth0 combined 4"));
	manager_refresh();
	assert_true(shown[0].no_redirect && !shown[1].no_redirect);
	/* It is said once, until it has changed. */
	assert_string_equal(host.log, "");
	assert_int_equal(device->drops_forgotten, 0);
	device->channels.combined = 4;
	manager_refresh();
	/* What was lost before may leave now. */
	assert_int_equal(device->drops_forgotten, 1);
	assert_int_equal(other->drops_forgotten, 0);
	assert_int_equal(redirects_to(device), HOP_REDIRECT);
	assert_false(shown[0].no_redirect);
	assert_true(logged("eth0: has a queue for each CPU now", ""));
	/* A CPU comes; of both. */
	host.cpus = 5;
	manager_refresh();
	assert_int_equal(redirects_to(device), 0);
	assert_int_equal(redirects_to(other), 0);
	assert_true(logged("eth1: has 4 queues", "combined 5"));
	assert_int_equal(other->drops_forgotten, 1);
	manager_stop();

	/* Nothing is redirected to the only device, so nothing is said of it. */
	take_away("eth1");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_int_equal(redirects_to(device), 0);
	assert_false(logged("eth0: has 4 queues", ""));
	/* But once there is another one. */
	add("eth1", ALL);
	manager_refresh();
	assert_true(logged("eth0: has 4 queues", ""));
	manager_stop();

	/* In generic mode the network stack sends. */
	assert_int_equal(start(OPTION_MODE_GENERIC, "eth0 eth1"), MANAGER_STARTED);
	assert_int_equal(redirects_to(device), HOP_REDIRECT);
	assert_false(logged("queues", ""));
}

/* ---- changes ---- */

static void test_gone_and_back(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	take_away("eth0");
	manager_refresh();
	assert_true(logged("eth0: ", "is gone"));
	assert_int_equal(slots[0].ifindex, UINT32_MAX);
	assert_string_equal(mode_of("eth1"), "native");
	manager_refresh();
	assert_string_equal(host.log, "");
	add("eth0", ALL);
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(logged("eth0: ", "native mode"));
	assert_int_equal(slots[0].ifindex, named("eth0")->link.ifindex);
	assert_int_equal(slots[2].ifindex, 0);
	/* In one step. */
	take_away("eth1");
	add("eth1", ALL);
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "native");
	assert_true(logged("eth1: ", "native mode"));
}

static void test_rename_and_address(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	strcpy(device->link.name, "new0");
	device->link.mac[3] = 0x55;
	manager_refresh();
	assert_true(logged("eth0: ", "now called new0"));
	assert_string_equal(mode_of("new0"), "native");
	assert_memory_equal(slots[0].mac, device->link.mac, 6);
	assert_int_equal(device->attempts, 1);
	/* The name is another's now. */
	add("eth0", ALL);
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	take_away("new0");
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
}

static void test_detached_from_outside(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	device->fd = 0;
	device->foreign = 9;
	manager_refresh();
	assert_true(logged("eth0: left out", "another XDP program"));
	assert_int_equal(slots[0].ifindex, UINT32_MAX);
	device->foreign = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
}

/* An interface that comes later and takes no frames from drivers makes the others generic if it stays so. */
static void test_outsider_comes(void **state)
{
	(void)state;
	add("eth0", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 veth0 br0"), MANAGER_STARTED);
	add("veth0", CAN)->driver = "veth";
	manager_refresh();
	assert_string_equal(mode_of("veth0"), "generic");
	assert_string_equal(mode_of("eth0"), "native");
	named("veth0")->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("veth0"), "native");
	now += 60;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(named("eth0")->attempts, 1);

	add("br0", 0);
	manager_refresh();
	now += 2;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	now += 1;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_string_equal(mode_of("veth0"), "generic");
	assert_true(logged("eth0: generic mode", "br0 can only use generic mode"));
	/* That is said once. */
	now += 60;
	manager_refresh();
	assert_string_equal(host.log, "");
	/* It goes, and they are as before. */
	take_away("br0");
	manager_refresh();
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_string_equal(mode_of("veth0"), "native");
}

/* Through libxdp's dispatcher, in the mode that it has, if that will do. */
static void test_dispatcher(void **state)
{
	static const struct {
		const char *what;
		enum attachment_state dispatcher;
		enum option_mode mode;
		uint64_t features;
		bool merges;
		int error;
		const char *expected, *said;
	} table[] = {
		{ "native, any mode wanted", ATTACHMENT_NATIVE, OPTION_MODE_AUTO, ALL, .expected = "native", .said = "native mode through" },
		{ "generic, any mode wanted", ATTACHMENT_GENERIC, OPTION_MODE_AUTO, ALL, .expected = "generic", .said = "generic mode through" },
		{ "native, native wanted", ATTACHMENT_NATIVE, OPTION_MODE_NATIVE, ALL, .expected = "native", .said = "native mode through" },
		{ "generic, native wanted", ATTACHMENT_GENERIC, OPTION_MODE_NATIVE, ALL, .expected = "-", .said = "runs in generic mode" },
		{ "native, generic wanted", ATTACHMENT_NATIVE, OPTION_MODE_GENERIC, ALL, .expected = "-", .said = "runs in native mode" },
		{ "native, and the driver does not send", ATTACHMENT_NATIVE, OPTION_MODE_AUTO, CAN, .expected = "-", .said = "does not send" },
		{ "generic, and datagrams are merged", ATTACHMENT_GENERIC, OPTION_MODE_AUTO, ALL, .merges = true, .expected = "-", .said = "rx-gro-list" },
		{ "it takes no more programs", ATTACHMENT_NATIVE, OPTION_MODE_AUTO, ALL, .error = -EPERM, .expected = "-", .said = "userspace: not taken" },
		{ "there is none", ATTACHMENT_NONE, OPTION_MODE_AUTO, ALL, .expected = "-", .said = "another XDP program" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct fake *device;

		setup(NULL);
		print_message("# %s\n", table[i].what);
		dispatcher = table[i].dispatcher;
		dispatcher_error = table[i].error;
		device = add("eth0", table[i].features);
		device->foreign = 9;
		device->merges = table[i].merges;
		/* With another one, it is not the only way out. */
		if (table[i].features == CAN)
			add("br0", 0);
		start(table[i].mode, "eth0 br0");
		assert_int_equal(host.cleaned, host.count);
		assert_string_equal(mode_of("eth0"), table[i].expected);
		assert_true(logged("eth0: ", table[i].said));
		if (table[i].expected[0] != '-') {
			/* No link of its own; it stays, also with one that can only be generic. */
			assert_int_equal(device->attempts, 0);
			manager_refresh();
			add("br0", 0);
			manager_refresh();
			now += 60;
			manager_refresh();
			assert_string_equal(mode_of("eth0"), table[i].expected);
			assert_string_equal(mode_of("br0"), table[i].mode == OPTION_MODE_NATIVE ? "-" : "generic");
			take_away("br0");
			manager_refresh();
			/* The dispatcher goes. What other servers left was looked for at the start only. */
			assert_int_equal(host.cleaned, 1);
			assert_int_equal(host.joined, 1);
			device->foreign = 0;
			manager_refresh();
			assert_string_equal(mode_of("eth0"), table[i].mode == OPTION_MODE_GENERIC ? "generic" : "native");
			assert_int_equal(device->attempts, 1);
		}
		teardown(NULL);
	}
}

/* A program that is gone without a trace is attached again, though nothing else is different. */
static void test_detached_and_nothing_else(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	close(device->fd);
	device->fd = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(logged("eth0: ", "detached from outside"));
}

/* What kept the program away, or only the line of the log, may change. */
static void test_inputs(void **state)
{
	struct fake *device = add("eth0", 0);

	(void)state;
	device->merges = true;
	device->link.up = false;
	/* The other one may come. */
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("eth1: ", "waiting for it"));
	manager_stop();
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_FAILED);
	assert_int_equal(host.level, LOG_LEVEL_ERROR);
	device->merges = false;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_true(logged("eth0: generic mode", "is down"));
	device->merges = true;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	assert_int_equal(host.level, LOG_LEVEL_WARNING);
	host.log[0] = '\0';
	device->link.up = true;
	device->merges = false;
	device->generic_error = -ENOMEM;
	manager_refresh();
	assert_true(logged("eth0: left out", "Cannot allocate memory"));
	device->link.up = false;
	device->generic_error = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
}

/* A driver that says only while a program is attached that it sends is tried for its other features. */
static void test_comes_to_redirect(void **state)
{
	struct fake *device = add("eth0", XDP_FEATURE_BASIC);

	(void)state;
	add("eth1", ALL);
	device->features_attached = XDP_FEATURE_NDO_XMIT;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	device->features = CAN;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
}

/* An alternative name (ip link property add altname) is no other name. */
static void test_alternative_name(void **state)
{
	(void)state;
	add("eth0", ALL)->alternative = "uplink";
	assert_int_equal(start(OPTION_MODE_AUTO, "uplink eth0"), MANAGER_STARTED);
	assert_true(manager_complete());
	manager_refresh();
	assert_false(logged("uplink", "now called"));
	/* Without it the interface has another name. */
	named("eth0")->alternative = NULL;
	manager_refresh();
	assert_true(logged("uplink: ", "now called eth0"));
}

/* A veth that is trusted is worth a warning. */
static void test_levels(void **state)
{
	add("eth0", ALL)->driver = "veth";
	(void)state;
	assert_int_equal(start(OPTION_MODE_NATIVE, "eth0"), MANAGER_STARTED);
	assert_int_equal(host.level, LOG_LEVEL_INFO);
	manager_stop();
	host.unknown = true;
	assert_int_equal(start(OPTION_MODE_NATIVE, "eth0"), MANAGER_STARTED);
	assert_int_equal(host.level, LOG_LEVEL_WARNING);
}

/* The name of one that is gone may be given to another that is there. */
static void test_name_taken_over(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	take_away("eth0");
	strcpy(named("eth1")->link.name, "eth0");
	host.log[0] = '\0';
	manager_refresh();
	assert_non_null(strstr(host.log, "eth0: the interface is gone"));
	assert_non_null(strstr(host.log, "eth1: is now called eth0"));
	assert_null(strstr(host.log, "native"));
	assert_string_equal(mode_of("eth0"), "native");
}

/* A driver is tried again when something is different, and not before. */
static void test_tried_again(void **state)
{
	struct fake *device = add("eth0", CAN), *refuses = add("eth1", ALL);
	unsigned int attempts;

	(void)state;
	refuses->native_error = refuses->generic_error = -ENOMEM;
	add("eth2", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth2 eth1"), MANAGER_STARTED);
	assert_int_equal(refuses->attempts, 2);
	manager_refresh();
	manager_refresh();
	assert_int_equal(refuses->attempts, 2);
	refuses->link.mtu = 1400;
	refuses->native_error = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "native");
	manager_stop();

	/* A device in generic mode that comes to send what it is given goes native. It is not the only way out. */
	add("busy", ALL)->foreign = 9;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 busy"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	manager_refresh();
	assert_int_equal(device->attempts, 2);
	device->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	manager_stop();
	/* So does one that was generic only for its sake, but not before. */
	device->features = CAN;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth2 eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth2"), "generic");
	attempts = named("eth2")->attempts;
	manager_refresh();
	assert_string_equal(mode_of("eth2"), "generic");
	assert_int_equal(named("eth2")->attempts, attempts);
	device->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_string_equal(mode_of("eth2"), "native");
	manager_stop();
	/* Not if xdp-mode says generic. */
	device->features = CAN;
	assert_int_equal(start(OPTION_MODE_GENERIC, "eth0"), MANAGER_STARTED);
	device->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
}

/* Inspectors see what the log says. */
static void test_shown(void **state)
{
	static const uint8_t modes[] = { STATUS_MODE_NONE, STATUS_MODE_NATIVE, STATUS_MODE_GENERIC };
	static const char *const names[] = { "eth2", "eth0.5", "br0" };
	static const char *const devices[] = { "", "eth0", "br0" };
	static const char *const lines[] = { "another XDP program", "native mode on eth0, mtu 1500", "generic mode, mtu 1500: the driver" };

	(void)state;
	add("eth2", ALL)->foreign = 9;
	add("eth0", ALL);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	add("br0", ALL & ~XDP_FEATURE_BASIC);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth2 eth0.5 br0"), MANAGER_STARTED);
	manager_refresh();
	for (unsigned int i = 0; i < COUNT(names); i++) {
		assert_string_equal(shown[i].name, names[i]);
		assert_int_equal(shown[i].ifindex, named(names[i])->link.ifindex);
		assert_string_equal(shown[i].device, devices[i]);
		assert_int_equal(shown[i].device_ifindex, devices[i][0] ? named(devices[i])->link.ifindex : 0);
		assert_int_equal(shown[i].mode, modes[i]);
		assert_int_equal(shown[i].dispatched, 0);
		assert_non_null(strstr(shown[i].line, lines[i]));
	}
	take_away("br0");
	manager_refresh();
	assert_string_equal(shown[2].name, "br0");
	assert_int_equal(shown[2].ifindex, 0);
	assert_int_equal(shown[2].mode, STATUS_MODE_NONE);
	assert_non_null(strstr(shown[2].line, "is gone"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_modes),
		TEST(test_several),
		TEST(test_own_reason_first),
		TEST(test_alone),
		TEST(test_flags),
		TEST(test_queues),
		TEST(test_gone_and_back),
		TEST(test_rename_and_address),
		TEST(test_outsider_comes),
		TEST(test_dispatcher),
		TEST(test_name_taken_over),
		TEST(test_detached_from_outside),
		TEST(test_tried_again),
		TEST(test_shown),
		TEST(test_detached_and_nothing_else),
		TEST(test_inputs),
		TEST(test_comes_to_redirect),
		TEST(test_alternative_name),
		TEST(test_levels),
	};

	return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
