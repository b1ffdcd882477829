/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of drivers, on a machine with pages of 4096 bytes. */
#include "unit.h"

#include <linux/version.h>
#include <stdio.h>
#include <string.h>

#include "iface/driver.h"

#define V5_15 KERNEL_VERSION(5, 15, 0)
#define V5_16 KERNEL_VERSION(5, 16, 0)

#define ROW(driver_, device_, mtu_, ...)                                       \
	{                                                                      \
		.driver = driver_, .device = device_, .mtu = mtu_, __VA_ARGS__ \
	}
#define COMBINED(used, most) .channels = { .combined = used, .combined_max = most }

static void test_refusals(void **state)
{
	static const struct {
		struct driver_facts facts;
		const char *why, *command; /* NULL: it does not refuse */
	} rows[] = {
		{ ROW("ena", "eth0", 3498, COMBINED(4, 8)), NULL, NULL },
		{ ROW("ena", "eth0", 9001, COMBINED(4, 8)), "the driver (ena) takes the program up to mtu 3498, and the interface has 9001",
		  "ip link set dev eth0 mtu 3498" },
		{ ROW("ena", "eth0", 9001, COMBINED(8, 8)), "the driver (ena) takes the program up to mtu 3498, and the interface has 9001",
		  "ip link set dev eth0 mtu 3498 && ethtool -L eth0 combined 4" },
		{ ROW("ena", "eth0", 9001, .frags = true, COMBINED(4, 8)), NULL, NULL },
		{ ROW("ena", "eth0", 1500, COMBINED(5, 8)),
		  "the driver (ena) takes the program with up to 4 of its 8 queues in use, and 5 are", "ethtool -L eth0 combined 4" },
		{ ROW("ena", "eth0", 1500), NULL, NULL },
		{ ROW("gve", "eth0", 1460, .channels = { .rx = 8, .tx = 8, .rx_max = 16 }), NULL, NULL },
		{ ROW("gve", "eth0", 1460, .channels = { .rx = 9, .tx = 9, .rx_max = 16 }),
		  "the driver (gve) takes the program with up to 8 of its 16 queues in use, as many to receive as to send, and 9 are",
		  "ethtool -L eth0 rx 8 tx 8" },
		{ ROW("gve", "eth0", 1460, .channels = { .rx = 4, .tx = 8, .rx_max = 16 }),
		  "the driver (gve) takes the program with up to 8 of its 16 queues in use, as many to receive as to send, and 4 are",
		  "ethtool -L eth0 rx 8 tx 8" },
		{ ROW("virtio_net", "eth1", 3491), "the driver (virtio_net) takes the program up to mtu 3490, and the interface has 3491",
		  "ip link set dev eth1 mtu 3490" },
		{ ROW("veth", "v0", 4000), "the driver (veth) takes the program up to mtu 3506, and the other end has 4000",
		  "ip link set dev OTHER-END mtu 3506" },
		{ ROW("mlx5_core", "eth2", 9000), NULL, NULL },
		{ ROW("mlx5_core", "eth2", 9000, .lro = true), "the driver (mlx5_core) does not take the program while LRO is on",
		  "ethtool -K eth2 lro off" },
		{ ROW("ena", "eth2", 1500, .lro = true), NULL, NULL },
		{ ROW("e1000e", "eth2", 9000), NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char why[256] = "", command[DRIVER_COMMAND] = "";
		bool refuses = driver_refuses(&rows[i].facts, why, sizeof(why), command);

		print_message("# %s, mtu %u\n", rows[i].facts.driver, rows[i].facts.mtu);
		assert_int_equal(refuses, rows[i].why != NULL);
		assert_string_equal(why, rows[i].why ? rows[i].why : "");
		assert_string_equal(command, rows[i].command ? rows[i].command : "");
	}
}

/* A driver that takes the program and then loses frames is not to be asked; one that refuses may be. */
static void test_losses(void **state)
{
	struct driver_facts virtio = ROW("virtio_net", "eth0", 3490), ena = ROW("ena", "eth0", 9001);

	(void)state;
	assert_false(driver_loses_frames(&virtio));
	virtio.mtu = 3491;
	assert_true(driver_loses_frames(&virtio));
	virtio.frags = true;
	assert_false(driver_loses_frames(&virtio));
	assert_false(driver_loses_frames(&ena));
}

static void test_sends(void **state)
{
	static const struct {
		const char *driver;
		uint32_t kernel;
		enum driver_sends sends;
	} rows[] = {
		{ "virtio_net", KERNEL_VERSION(5, 10, 0), DRIVER_SENDS_ALL },
		{ "virtio_net", KERNEL_VERSION(5, 9, 0), DRIVER_SENDS_UNKNOWN },
		{ "ena", KERNEL_VERSION(5, 10, 0), DRIVER_SENDS_UNKNOWN },
		{ "ena", KERNEL_VERSION(6, 1, 0), DRIVER_SENDS_ALL },
		{ "mlx4_en", KERNEL_VERSION(6, 1, 0), DRIVER_SENDS_BACK },
		{ "nfp", KERNEL_VERSION(6, 1, 0), DRIVER_SENDS_BACK },
		{ "ixgbevf", KERNEL_VERSION(6, 1, 0), DRIVER_SENDS_BACK },
		{ "gve", KERNEL_VERSION(6, 2, 0), DRIVER_SENDS_UNKNOWN },
		{ "e1000e", KERNEL_VERSION(6, 2, 0), DRIVER_SENDS_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("# %s\n", rows[i].driver);
		assert_int_equal(driver_sends(rows[i].driver, rows[i].kernel), rows[i].sends);
	}
}

static void test_redirects(void **state)
{
	static const struct {
		const char *driver;
		uint32_t kernel, channels, cpus;
		bool lost;
	} entries[] = {
		{ "i40e", V5_15, 3, 4, true },
		{ "i40e", V5_16, 4, 4, false },
		{ "i40e", V5_16, 5, 4, false },
		{ "mlx5_core", V5_16, 3, 4, true },
		{ "ice", V5_15, 3, 4, true },
		{ "ice", V5_16, 3, 4, false },
		{ "ice", 0, 3, 4, true },
		{ "ixgbe", V5_15, 3, 4, false },
		{ "unknown", V5_15, 3, 4, false },
		/* Neither the channels nor the CPUs are known. */
		{ "i40e", V5_16, 0, 4, false },
		{ "i40e", V5_16, 3, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(entries); i++) {
		const struct device_channels channels = { .rx = 1, .tx = 1, .combined = entries[i].channels };

		assert_entry_equal(entries[i].driver,
				   driver_loses_redirects(entries[i].driver, entries[i].kernel, &channels, entries[i].cpus),
				   entries[i].lost);
	}
}

static void test_transmits(void **state)
{
	(void)state;
	assert_true(driver_transmits("ena", KERNEL_VERSION(5, 10, 0)));
	assert_true(driver_transmits("unknown", 0));
	assert_false(driver_transmits("veth", KERNEL_VERSION(6, 12, 0)));
	assert_false(driver_transmits("vmxnet3", KERNEL_VERSION(6, 11, 0)));
	assert_true(driver_transmits("vmxnet3", KERNEL_VERSION(6, 12, 0)));
}

static void test_detaching(void **state)
{
	(void)state;
	assert_int_equal(driver_detach_mtu("virtio_net", false, 1500), 4064);
	assert_int_equal(driver_detach_mtu("virtio_net", true, 1500), 0);
	assert_int_equal(driver_detach_mtu("vif", true, 1500), 3840);
	assert_int_equal(driver_detach_mtu("gve", true, 1500), 2032);
	assert_int_equal(driver_detach_mtu("ixgbe", false, 1500), 0);
	/* Nobody knows what it does above that at which it has taken the program. */
	assert_int_equal(driver_detach_mtu("unknown", false, 1500), 1500);
	assert_int_equal(driver_detach_mtu("unknown", true, 1500), 1500);
}

static void test_others(void **state)
{
	char why[256] = "untouched";

	(void)state;
	assert_true(driver_resets("ena"));
	assert_false(driver_resets("virtio_net"));
	assert_false(driver_resets("unknown"));
	assert_true(driver_has_no_xdp("team"));
	assert_false(driver_has_no_xdp("unknown"));
	assert_false(driver_is_avoided("ena", why, sizeof(why)));
	assert_string_equal(why, "untouched");
	assert_true(driver_is_avoided("vmxnet3", why, sizeof(why)));
	assert_non_null(strstr(why, "xdp-mode=native"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_sends),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_transmits),
		cmocka_unit_test(test_detaching),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests_name("driver", tests, NULL, NULL);
}
