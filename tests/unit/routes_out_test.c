/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * By which links routes lead out, as the kernel has them, in a network namespace of its own:
 *
 *   a 192.0.2.1/24, 2001:db8:1::1/64   b 198.51.100.1/24   c 203.0.113.1/24, 2001:db8:3::1/64   d 10.0.0.1/24
 */
#include "network_namespace.h"

#include "unit.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/routes_out.h"

static const char *missing; /* why there is no network to ask about */

static bool run(const char *command)
{
	return system(command) == 0;
}

static int make_network(void **state)
{
	(void)state;
	missing = network_namespace_enter();
	if (!missing && !run("ip link set lo up && "
			     "ip link add name a type veth peer name e && ip link add name b type veth peer name c && "
			     "ip link add name d type veth peer name f && "
			     "for one in a b c d e f; do ip link set dev $one up || exit 1; done && "
			     "ip addr add 192.0.2.1/24 dev a && ip addr add 198.51.100.1/24 dev b && "
			     "ip addr add 203.0.113.1/24 dev c && ip addr add 10.0.0.1/24 dev d && "
			     "ip addr add 2001:db8:1::1/64 dev a nodad && ip addr add 2001:db8:3::1/64 dev c nodad"))
		missing = "the network cannot be made";
	return 0;
}

/* "NAME " for each link, with a star if a default route leaves by it, in the order of `names`. */
static const char *routes_out(int family)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "lo" };
	static char text[128];
	struct routes_out routes;

	text[0] = '\0';
	assert_int_equal(routes_out_read(family, &routes), 0);
	for (size_t k = 0; k < COUNT(names); k++) {
		for (unsigned int i = 0; i < routes.count; i++) {
			if (routes.link[i].ifindex == if_nametoindex(names[k]))
				snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s ", names[k],
					 routes.link[i].is_default ? "*" : "");
		}
	}
	return text;
}

static void test_routes(void **state)
{
	static const struct {
		const char *command;
		const char *v4, *v6;
	} table[] = {
		{ "true", "", "" }, /* those of the links' own networks do not count */
		{ "ip route add default via 192.0.2.254", "a* ", "" },
		{ "ip route add 100.64.0.0/10 via 198.51.100.254", "a* b ", "" },
		{ "ip route add 100.65.0.0/16 via 192.0.2.254", "a* b ", "" },
		{ "ip route add 100.66.0.0/16 dev d", "a* b ", "" },
		{ "ip route add unreachable 100.67.0.0/16 && ip route add local 100.68.0.1 dev lo", "a* b ", "" },
		{ "ip route add default dev c table 100", "a* b c* ", "" },
		{ "ip route add 100.69.0.0/16 via inet6 2001:db8:1::9 dev a && ip route del 100.65.0.0/16", "a* b c* ", "" },
		{ "ip route del default && ip route del default table 100", "a b ", "" },
		{ "ip route add default nexthop via 203.0.113.254 nexthop dev d", "a b c* d* ", "" },
		{ "ip route del default && ip route add 100.70.0.0/16 nexthop via 203.0.113.254 nexthop dev d", "a b c ", "" },
		{ "ip -6 route add default via 2001:db8:1::fe", "a b c ", "a* " },
		{ "ip -6 route add unreachable default metric 9999", "a b c ", "a* " },
		{ "ip -6 route add 2001:db8:9::/48 via 2001:db8:3::fe", "a b c ", "a* c " },
	};

	(void)state;
	if (missing) {
		print_message("%s\n", missing);
		skip();
	}
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s\n", table[i].command);
		assert_true(run(table[i].command));
		assert_string_equal(routes_out(AF_INET), table[i].v4);
		assert_string_equal(routes_out(AF_INET6), table[i].v6);
	}
}

/* More links than are remembered: the rest is left out. */
static void test_many(void **state)
{
	struct routes_out routes;

	(void)state;
	if (missing) {
		print_message("%s\n", missing);
		skip();
	}
	assert_true(run("for i in $(seq 1 66); do ip link add name v$i type veth peer name w$i && ip link set dev v$i up && "
			"ip link set dev w$i up && ip route add 100.71.$i.0/24 via 100.72.$i.1 dev v$i onlink || exit 1; done"));
	assert_int_equal(routes_out_read(AF_INET, &routes), 0);
	assert_int_equal(routes.count, ROUTES_OUT_LINKS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("routes_out", tests, make_network, NULL);
}
