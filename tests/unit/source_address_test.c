/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The address that this host sends from, in a network namespace of its own.
 *
 *   near 192.0.2.1/24, 198.51.100.1/32, 2001:db8::1/64, 2001:db8:1::1/128 === far (same namespace, no addresses)
 */
#include "network_namespace.h"
#include "sample.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel/source_address.h"

static const char *missing; /* why there is no network to test with, or NULL */
static bool no_ipv6;

static bool run(const char *command)
{
	return system(command) == 0;
}

static void make_network(void)
{
	missing = network_namespace_enter();
	if (missing)
		return;
	if (!run("ip link set lo up && ip link add near type veth peer name far && ip link set near up && "
		 "ip link set far up && ip addr add 192.0.2.1/24 dev near && ip addr add 198.51.100.1/32 dev near && "
		 "ip route add 203.0.113.0/24 via 192.0.2.254 src 198.51.100.1 && "
		 "ip route add unreachable 203.0.113.128/25")) {
		missing = "there is no ip command, or no veth pair can be made";
		return;
	}
	no_ipv6 = !run("ip -6 addr add 2001:db8::1/64 dev near nodad && ip -6 addr add 2001:db8:1::1/128 dev near nodad && "
		       "ip -6 route add 2001:db8:2::/48 via 2001:db8::fe src 2001:db8:1::1");
}

static const struct {
	const char *remote, *local; /* local is NULL where there is an error */
	int error;
} table[] = {
	{ "192.0.2.9", "192.0.2.1", 0 },
	{ "203.0.113.5", "198.51.100.1", 0 },
	{ "127.0.0.1", "127.0.0.1", 0 },
	{ "192.0.2.1", "192.0.2.1", 0 },
	{ "10.0.0.1", NULL, -ENETUNREACH },
	{ "203.0.113.200", NULL, -EHOSTUNREACH },
	{ "255.255.255.255", NULL, -ENETUNREACH },
	{ "2001:db8::9", "2001:db8::1", 0 },
	{ "2001:db8:2::9", "2001:db8:1::1", 0 },
	{ "::1", "::1", 0 },
	{ "2001:db8:ff::1", NULL, -ENETUNREACH },
};

static void check(size_t i)
{
	union endpoint remote = endpoint(table[i].remote, 40000), local, wanted;
	bool v6 = remote.any.sa_family == AF_INET6;

	print_message("# %s\n", table[i].remote);
	/* The port, and all that is not the address, stays as it is. */
	memset(&local, 0xee, sizeof(local));
	local.any.sa_family = remote.any.sa_family;
	wanted = local;
	if (table[i].local && v6)
		wanted.v6.sin6_addr = endpoint(table[i].local, 0).v6.sin6_addr;
	else if (table[i].local)
		wanted.v4.sin_addr = endpoint(table[i].local, 0).v4.sin_addr;
	assert_int_equal(source_address_find(&remote, &local), table[i].error);
	assert_memory_equal(&local, &wanted, sizeof(local));
}

static void test_family(int family)
{
	unsigned int checked = 0;

	if (missing || (family == AF_INET6 && no_ipv6)) {
		print_message("# %s\n", missing ? missing : "there is no IPv6");
		skip();
	}
	for (size_t i = 0; i < COUNT(table); i++) {
		if (endpoint(table[i].remote, 0).any.sa_family != family)
			continue;
		check(i);
		checked++;
	}
	assert_true(checked > 3);
}

static void test_ipv4(void **state)
{
	(void)state;
	test_family(AF_INET);
}

static void test_ipv6(void **state)
{
	(void)state;
	test_family(AF_INET6);
}

/* The socket is closed again, whether the address is found or not. */
static void test_no_descriptor_stays_open(void **state)
{
	union endpoint found = endpoint("127.0.0.1", 1), unreachable = endpoint("10.0.0.1", 1), local = found;
	int before = dup(STDERR_FILENO), after;

	(void)state;
	assert_true(before >= 0);
	close(before);
	if (missing) {
		print_message("# %s\n", missing);
		skip();
	}
	assert_int_equal(source_address_find(&found, &local), 0);
	assert_int_equal(source_address_find(&unreachable, &local), -ENETUNREACH);
	after = dup(STDERR_FILENO);
	assert_int_equal(after, before);
	close(after);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_no_descriptor_stays_open),
	};

	make_network();
	return cmocka_run_group_tests_name("source_address", tests, NULL, NULL);
}
