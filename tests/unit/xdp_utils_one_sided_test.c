/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp: channels of which one direction is not relayed in the kernel, and why. */
#include "unit.h"

#include <string.h>

#include "xdp_utils/one_sided.h"

#define SECOND 1000000000ULL
#define CARRIES 5
#define CARRIES_NOT 6
#define UNKNOWN 7

static const struct status status = {
	.interfaces = 2,
	.interface = {
		{ .ifindex = CARRIES, .device_ifindex = CARRIES, .mode = STATUS_MODE_GENERIC },
		{ .ifindex = CARRIES_NOT, .mode = STATUS_MODE_NONE },
	},
};

static struct channel_entry channel(uint64_t to_peer, uint64_t to_client, uint32_t peer_device, uint32_t client_device)
{
	return (struct channel_entry){
		.alive = true,
		.since = 100 * SECOND,
		.device = { [TO_PEER] = peer_device, [TO_CLIENT] = client_device },
		.direction = { [TO_PEER] = { .used.packets = to_peer, .open = true },
			       [TO_CLIENT] = { .used.packets = to_client, .open = true } },
	};
}

static void test_one(void **state)
{
	static const struct {
		const char *name;
		uint64_t to_peer, to_client;
		uint32_t peer_device, client_device;
		/* Towards the peer, then towards the client. */
		unsigned int no_program[DIRECTIONS], none[DIRECTIONS];
		uint32_t ifindex[DIRECTIONS];
	} table[] = {
		{ "both directions", 200, 1, CARRIES, CARRIES, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "nothing yet", 0, 0, CARRIES, CARRIES, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "to the peer only", 100, 0, CARRIES, CARRIES, { 0, 0 }, { 0, 1 }, { 0, 0 } },
		{ "to the peer only, not enough", 99, 0, CARRIES, CARRIES, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "to the client only", 0, 100, CARRIES, CARRIES, { 0, 0 }, { 1, 0 }, { 0, 0 } },
		{ "the peer's device is left out", 0, 0, CARRIES_NOT, CARRIES, { 0, 1 }, { 0, 0 }, { 0, CARRIES_NOT } },
		{ "the peer's device is not known", 200, 0, UNKNOWN, CARRIES, { 0, 1 }, { 0, 0 }, { 0, UNKNOWN } },
		{ "the client's device is left out", 0, 200, CARRIES, CARRIES_NOT, { 1, 0 }, { 0, 0 }, { CARRIES_NOT, 0 } },
		{ "packets come in by another device", 200, 1, CARRIES_NOT, CARRIES, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "no next hop", 200, 0, 0, CARRIES, { 0, 0 }, { 0, 1 }, { 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_entry entry = channel(table[i].to_peer, table[i].to_client, table[i].peer_device,
						     table[i].client_device);
		const struct channel_list list = { &entry, 1 };
		struct one_sided amiss[DIRECTIONS];

		one_sided_count(&list, &status, 110 * SECOND, amiss);
		for (int k = 0; k < DIRECTIONS; k++) {
			assert_entry_equal(table[i].name, amiss[k].no_program, table[i].no_program[k]);
			assert_entry_equal(table[i].name, amiss[k].none, table[i].none[k]);
			assert_entry_equal(table[i].name, amiss[k].ifindex, table[i].ifindex[k]);
		}
	}
}

/* Young channels, those of a thread that is silent, and directions on probation do not count. */
static void test_several(void **state)
{
	struct channel_entry entries[] = {
		channel(0, 0, CARRIES_NOT, CARRIES), channel(0, 0, CARRIES_NOT, CARRIES), channel(0, 0, UNKNOWN, CARRIES),
		channel(0, 0, CARRIES_NOT, CARRIES), channel(300, 0, CARRIES, CARRIES), channel(300, 0, CARRIES, CARRIES),
	};
	const struct channel_list list = { entries, COUNT(entries) };
	struct one_sided amiss[DIRECTIONS];

	(void)state;
	entries[0].since++;
	entries[1].alive = false;
	entries[5].direction[TO_CLIENT].open = false;
	one_sided_count(&list, &status, 110 * SECOND, amiss);
	assert_int_equal(amiss[TO_CLIENT].no_program, 2);
	assert_int_equal(amiss[TO_CLIENT].ifindex, UNKNOWN);
	assert_int_equal(amiss[TO_CLIENT].none, 1);
	assert_int_equal(amiss[TO_PEER].no_program + amiss[TO_PEER].none, 0);
	/* A channel may have been bound while the tables were read. */
	one_sided_count(&list, &status, 1, amiss);
	assert_int_equal(amiss[TO_CLIENT].no_program + amiss[TO_CLIENT].none, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests_name("xdp_utils_one_sided", tests, NULL, NULL);
}
