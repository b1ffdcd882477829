/* SPDX-License-Identifier: BSD-3-Clause */
/* Which drivers drop what is redirected to them by a CPU without a queue. manager_test has what follows from it. */
#include "unit.h"

#include <linux/version.h>

#include "iface/redirects.h"

#define V5_15 KERNEL_VERSION(5, 15, 0)
#define V5_16 KERNEL_VERSION(5, 16, 0)

static void test_drivers(void **state)
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
				   redirects_need_channels(entries[i].driver, entries[i].kernel, &channels, entries[i].cpus),
				   entries[i].lost);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drivers),
	};

	return cmocka_run_group_tests_name("redirects", tests, NULL, NULL);
}
