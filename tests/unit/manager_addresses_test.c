/* SPDX-License-Identifier: BSD-3-Clause */
/* The manager on a made-up host: interfaces that are selected by the server's addresses. */
#include "fake_host.h"

/* When another way out comes, it is alone no longer. */
static void test_alone_no_longer(void **state)
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2" };
	struct fake *first = add("eth0", CAN), *second = add("eth1", ALL);

	(void)state;
	first->address = addresses[0];
	second->leads_out = true;
	assert_int_equal(start_for(addresses, 2), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	second->address = addresses[1];
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	now += 4;
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "generic");
}

/* An address that is gone may be back: its interface is let go after three seconds, and another one gets it at once. */
static void test_address_moves(void **state)
{
	static const char *const addresses[] = { "192.0.2.1" };
	struct fake *first = add("eth0", ALL), *second = add("eth1", ALL);

	(void)state;
	assert_int_equal(start_for(addresses, 1), MANAGER_STARTED);
	assert_false(manager_complete());
	assert_true(logged("waiting for 192.0.2.1", "no interface has it"));
	first->address = addresses[0];
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(manager_complete());
	first->address = NULL;
	manager_refresh();
	assert_false(manager_complete());
	now += 2;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	/* It is back: the three seconds begin anew. */
	first->address = addresses[0];
	manager_refresh();
	first->address = NULL;
	second->address = addresses[0];
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "native");
	now += 2;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(shown_count, 2);
	now += 2;
	host.log[0] = '\0';
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	assert_true(logged("eth0: let go", ""));
	assert_string_equal(mode_of("eth1"), "native");
	assert_int_equal(shown_count, 1);
	assert_string_equal(shown[0].name, "eth1");
	assert_int_equal(first->attempts, 1);
}

/* As long as the kernel tells of no change, addresses are not looked at; the three seconds pass all the same. */
static void test_nothing_heard(void **state)
{
	static const char *const addresses[] = { "192.0.2.1" };
	struct fake *first = add("eth0", ALL), *second = add("eth1", ALL);

	(void)state;
	first->address = addresses[0];
	assert_int_equal(start_for(addresses, 1), MANAGER_STARTED);
	first->address = NULL;
	second->address = addresses[0];
	manager_look();
	assert_string_equal(mode_of("eth1"), "-");
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "native");
	now += 4;
	manager_look();
	assert_string_equal(mode_of("eth0"), "-");
	assert_string_equal(mode_of("eth1"), "native");
}

/* An interface that packets only leave by: native or nothing, and nothing is said of it unless it is native. */
static void test_optional(void **state)
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2" };
	struct fake *in = add("in", ALL), *out = add("out", CAN), *bridge = add("br0", 0);
	unsigned int all;

	(void)state;
	in->address = addresses[0];
	out->leads_out = true;
	assert_int_equal(start_for(addresses, 1), MANAGER_STARTED);
	assert_true(manager_complete());
	assert_int_equal(manager_carriers(&all), 1);
	assert_int_equal(all, 1);
	assert_string_equal(mode_of("in"), "native");
	assert_string_equal(mode_of("out"), "-");
	assert_null(strstr(host.log, "out"));
	/* It comes to be able to. */
	out->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("out"), "native");
	assert_int_equal(manager_carriers(&all), 2);
	assert_int_equal(all, 2);
	manager_stop();

	/* Where all are generic it has no use; and it has one again when they are native. */
	bridge->address = addresses[1];
	assert_int_equal(start_for(addresses, 2), MANAGER_STARTED);
	assert_string_equal(mode_of("in"), "generic");
	assert_string_equal(mode_of("out"), "-");
	assert_true(manager_complete());
	bridge->address = NULL;
	manager_refresh();
	now += 4;
	manager_refresh();
	assert_string_equal(mode_of("br0"), "-");
	manager_refresh();
	assert_string_equal(mode_of("in"), "native");
	assert_string_equal(mode_of("out"), "native");
	/* With an address it may be generic. */
	out->address = addresses[1];
	out->attempts = 0;
	manager_refresh();
	assert_string_equal(mode_of("out"), "native");
	assert_int_equal(out->attempts, 0);
}

/* A server that has only interfaces by which packets leave waits for its address. */
static void test_only_optional(void **state)
{
	static const char *const addresses[] = { "192.0.2.1", "127.0.0.1" };

	(void)state;
	add("out", ALL)->leads_out = true;
	assert_int_equal(start_for(addresses, 1), MANAGER_STARTED);
	assert_false(manager_complete());
	manager_stop();
	/* Loopback addresses are not waited for. */
	assert_int_equal(start_for(addresses + 1, 1), MANAGER_FAILED);
	assert_true(logged("no interface to attach to", ""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_alone_no_longer),
		TEST(test_address_moves),
		TEST(test_nothing_heard),
		TEST(test_optional),
		TEST(test_only_optional),
	};

	return cmocka_run_group_tests_name("manager: addresses", tests, NULL, NULL);
}
