/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel answers, in a network namespace of a user namespace of its
 * own: no privileges are needed, where the kernel allows such namespaces.
 *
 *   near 192.0.2.1/24, 2001:db8::1/64 === far (same namespace, no addresses)
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "device.h"
#include "netlink.h"

static struct mnl_socket *socket_;
static uint32_t near_, far_;
static const char *missing; /* why there is no network to ask about */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

static bool run(const char *command)
{
	return system(command) == 0;
}

static void make_network(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1\n", (unsigned int)geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		missing = "the kernel allows no user namespaces here";
		return;
	}
	if (!write_file("/proc/self/uid_map", map)) {
		missing = "no user can be mapped into the namespace";
		return;
	}
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (!run("ip -V >/dev/null 2>&1")) {
		missing = "there is no ip command";
		return;
	}
	if (!run("ip link set lo up && "
		 "ip link add near address 02:00:00:00:00:01 type veth peer name far address 02:00:00:00:00:02 2>/dev/null && "
		 "ip link set far arp off && ip link set near mtu 1400 up && ip link set far up && "
		 "ip addr add 192.0.2.1/24 dev near && ip route add default via 192.0.2.254 && "
		 "ip route add 198.51.100.0/24 via 192.0.2.253 mtu 1300 && "
		 "ip route add blackhole 203.0.113.0/26 && ip route add unreachable 203.0.113.64/26 && "
		 "ip route add prohibit 203.0.113.128/26 && ip route add throw 203.0.113.192/26"))
		missing = "no veth pair can be made in the namespace";
	near_ = if_nametoindex("near");
	far_ = if_nametoindex("far");
}

static int setup(void **state)
{
	(void)state;
	if (missing)
		return 0;
	socket_ = netlink_open();
	return socket_ ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	netlink_close(socket_);
	socket_ = NULL;
	return 0;
}

static void need_network(void)
{
	if (missing) {
		print_message("# %s\n", missing);
		skip();
	}
}

static union abi_addr address(const char *text)
{
	union abi_addr address = { 0 };

	if (inet_pton(AF_INET, text, &address) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

static int route_to(const char *to, struct route *route)
{
	union abi_addr from = address("192.0.2.1"), destination = address(to);

	memset(route, 0xff, sizeof(*route));
	return netlink_route(socket_, AF_INET, &from, &destination, route);
}

static void test_route(void **state)
{
	static const struct {
		const char *to, *gateway;
		uint32_t mtu;
	} table[] = {
		{ "192.0.2.20", "192.0.2.20", 0 },
		{ "198.51.100.20", "192.0.2.253", 1300 },
		{ "198.18.0.1", "192.0.2.254", 0 },
	};

	(void)state;
	need_network();
	for (size_t i = 0; i < COUNT(table); i++) {
		union abi_addr gateway = address(table[i].gateway);
		struct route route;

		assert_int_equal(route_to(table[i].to, &route), 0);
		assert_int_equal(route.ifindex, near_);
		assert_int_equal(route.mtu, table[i].mtu);
		assert_memory_equal(&route.gateway, &gateway, sizeof(gateway));
	}
}

static void test_no_route(void **state)
{
	/* local, loopback, broadcast (directed and limited), multicast; blackhole, unreachable */
	static const char *const to[] = { "192.0.2.1",       "127.0.0.1",  "192.0.2.255",  "255.255.255.255",
					  "233.252.0.1",     "203.0.113.1", "203.0.113.65" };
	struct route route, untouched;

	(void)state;
	need_network();
	memset(&untouched, 0xff, sizeof(untouched));
	for (size_t i = 0; i < COUNT(to); i++) {
		print_message("# %s\n", to[i]);
		assert_int_equal(route_to(to[i], &route), -EHOSTUNREACH);
		assert_memory_equal(&route, &untouched, sizeof(route));
	}
	/* The kernel's own word for prohibited; a failure by any name. */
	assert_true(route_to("203.0.113.129", &route) < 0);
	assert_memory_equal(&route, &untouched, sizeof(route));
	/* What is thrown back by its own table finds no other. */
	assert_int_equal(route_to("203.0.113.193", &route), -EHOSTUNREACH);
}

/* From an address that is not ours there is no way. */
static void test_foreign_source(void **state)
{
	union abi_addr from = address("198.51.100.77"), to = address("192.0.2.20");
	struct route route;

	(void)state;
	need_network();
	assert_true(netlink_route(socket_, AF_INET, &from, &to, &route) < 0);
}

/* A policy by source address is followed. */
static void test_route_by_source(void **state)
{
	union abi_addr from, to, gateway;
	struct route route;

	(void)state;
	need_network();
	assert_true(run("ip addr add 192.0.2.2/24 dev near && ip rule add from 192.0.2.2 table 77 && "
			"ip route add default via 192.0.2.252 dev near table 77"));
	from = address("192.0.2.2");
	to = address("198.18.0.1");
	gateway = address("192.0.2.252");
	assert_int_equal(netlink_route(socket_, AF_INET, &from, &to, &route), 0);
	assert_memory_equal(&route.gateway, &gateway, sizeof(gateway));
	assert_true(run("ip rule del from 192.0.2.2 table 77 && ip addr del 192.0.2.2/24 dev near"));
}

/* IPv4 by an IPv6 router (RFC 5549) is left to the kernel. */
static void test_gateway_of_the_other_family(void **state)
{
	struct route route;

	(void)state;
	need_network();
	if (!run("ip route add 198.18.7.0/24 via inet6 2001:db8::77 dev near onlink 2>/dev/null"))
		skip();
	assert_int_equal(route_to("198.18.7.1", &route), -EHOSTUNREACH);
}

static int neighbour(const char *text, uint8_t mac[6], bool *stale)
{
	union abi_addr to = address(text);

	memset(mac, 0xee, 6);
	*stale = false;
	return netlink_neighbour(socket_, AF_INET, near_, &to, mac, stale);
}

static void test_neighbour(void **state)
{
	static const uint8_t expected[6] = { 2, 0, 0, 0, 0xaa, 0xbb };
	static const struct {
		const char *nud;
		int error;
		bool stale;
	} table[] = {
		{ "permanent", 0, false }, { "reachable", 0, false },         { "stale", 0, true },
		{ "noarp", 0, false },     { "failed", -EHOSTUNREACH, false },
	};
	char command[256];
	uint8_t mac[6];
	bool stale;

	(void)state;
	need_network();
	assert_int_equal(neighbour("192.0.2.30", mac, &stale), -EHOSTUNREACH);
	for (size_t i = 0; i < COUNT(table); i++) {
		snprintf(command, sizeof(command),
			 "ip neigh replace 192.0.2.30 lladdr 02:00:00:00:aa:bb dev near nud %s", table[i].nud);
		assert_true(run(command));
		print_message("# %s\n", table[i].nud);
		assert_int_equal(neighbour("192.0.2.30", mac, &stale), table[i].error);
		if (!table[i].error) {
			assert_memory_equal(mac, expected, sizeof(mac));
			assert_int_equal(stale, table[i].stale);
		} else {
			assert_int_equal(mac[0], 0xee);
		}
	}
}

/* A probe makes the kernel look for it; nobody answers here. */
static void test_probe(void **state)
{
	union abi_addr to;
	uint8_t mac[6];
	bool stale;

	(void)state;
	need_network();
	to = address("192.0.2.40");
	assert_int_equal(netlink_probe(socket_, AF_INET, near_, &to), 0);
	assert_true(run("ip neigh show dev near | grep -q '^192.0.2.40 '"));
	assert_int_equal(neighbour("192.0.2.40", mac, &stale), -EHOSTUNREACH);
	/* One that is known, but aged, is on its way to be confirmed. */
	assert_true(run("ip neigh replace 192.0.2.41 lladdr 02:00:00:00:aa:bb dev near nud stale"));
	to = address("192.0.2.41");
	assert_int_equal(netlink_probe(socket_, AF_INET, near_, &to), 0);
	assert_int_equal(neighbour("192.0.2.41", mac, &stale), 0);
	assert_false(stale);
	assert_int_not_equal(netlink_probe(socket_, AF_INET, 12345, &to), 0);
}

static void test_link(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct link link, untouched;

	(void)state;
	need_network();
	assert_int_equal(netlink_link(socket_, near_, &link), 0);
	assert_int_equal(link.ifindex, near_);
	assert_int_equal(link.mtu, 1400);
	assert_true(link.up);
	assert_true(link.ethernet);
	assert_memory_equal(link.mac, mac, sizeof(mac));
	assert_string_equal(link.name, "near");

	assert_int_equal(netlink_link(socket_, 1, &link), 0);
	assert_string_equal(link.name, "lo");
	assert_false(link.ethernet);

	memset(&link, 0xff, sizeof(link));
	untouched = link;
	assert_int_equal(netlink_link(socket_, 12345, &link), -ENODEV);
	assert_memory_equal(&link, &untouched, sizeof(link));

	/* Without a carrier: the other end is down. */
	assert_true(run("ip link set far down"));
	assert_int_equal(netlink_link(socket_, near_, &link), 0);
	assert_false(link.up);
	assert_int_equal(netlink_link(socket_, far_, &link), 0);
	assert_false(link.up);
	assert_true(run("ip link set far up"));
}

static void test_xdp_features(void **state)
{
	uint64_t features = 0;
	int error;

	(void)state;
	need_network();
	error = device_xdp_features(near_, &features);
	if (error == -EOPNOTSUPP) {
		print_message("# the kernel does not tell (before 6.3)\n");
		skip();
	}
	assert_int_equal(error, 0);
	assert_true(features & XDP_FEATURE_BASIC);
	assert_true(features & XDP_FEATURE_REDIRECT);
	features = 0;
	assert_int_equal(device_xdp_features(1, &features), 0);
	assert_false(features & XDP_FEATURE_BASIC);
	assert_int_equal(device_xdp_features(12345, &features), -ENODEV);
}

static bool heard(struct mnl_socket *listener)
{
	char buffer[32768];
	bool any = false;

	for (int i = 0; i < 2000 && !any; i++) {
		while (mnl_socket_recvfrom(listener, buffer, sizeof(buffer)) > 0)
			any = true;
		if (!any)
			usleep(1000);
	}
	return any;
}

/* As VLANs sit on their device, so do macvlans, which every kernel has here. */
static void test_upper(void **state)
{
	bool has = true;

	(void)state;
	need_network();
	assert_int_equal(netlink_has_upper(socket_, near_, "macvlan", &has), 0);
	assert_false(has);
	assert_true(run("ip link add above link near type macvlan"));
	assert_int_equal(netlink_has_upper(socket_, near_, "macvlan", &has), 0);
	assert_true(has);
	assert_int_equal(netlink_has_upper(socket_, near_, "vlan", &has), 0);
	assert_false(has);
	assert_true(run("ip link del above"));
}

static void test_listen(void **state)
{
	static const char *const commands[] = {
		"ip neigh replace 192.0.2.50 lladdr 02:00:00:00:aa:bb dev near nud permanent",
		"ip neigh del 192.0.2.50 dev near",
		"ip route add 198.18.1.0/24 via 192.0.2.254",
		"ip route del 198.18.1.0/24",
		"ip rule add from 192.0.2.3 table 78",
		"ip rule del from 192.0.2.3 table 78",
		"ip addr add 192.0.2.3/24 dev near",
		"ip addr del 192.0.2.3/24 dev near",
		"ip link set near mtu 1390",
		"ip link set near mtu 1400",
	};

	(void)state;
	need_network();
	for (size_t i = 0; i < COUNT(commands); i++) {
		struct mnl_socket *listener = netlink_listen();
		char byte;

		assert_non_null(listener);
		/* Not blocking. */
		assert_int_equal(mnl_socket_recvfrom(listener, &byte, sizeof(byte)), -1);
		assert_int_equal(errno, EAGAIN);
		assert_true(run(commands[i]));
		print_message("# %s\n", commands[i]);
		assert_true(heard(listener));
		netlink_close(listener);
	}
	netlink_close(NULL);
}

static void test_ipv6(void **state)
{
	union abi_addr from, to, gateway;
	struct route route;

	(void)state;
	need_network();
	if (!run("ip -6 addr add 2001:db8::1/64 dev near nodad 2>/dev/null && "
		 "ip -6 route add 2001:db8:1::/48 via 2001:db8::fe"))
		skip();
	from = address("2001:db8::1");
	to = address("2001:db8:1::20");
	gateway = address("2001:db8::fe");
	assert_int_equal(netlink_route(socket_, AF_INET6, &from, &to, &route), 0);
	assert_int_equal(route.ifindex, near_);
	assert_memory_equal(&route.gateway, &gateway, sizeof(gateway));
	to = address("2001:db8::20");
	assert_int_equal(netlink_route(socket_, AF_INET6, &from, &to, &route), 0);
	assert_memory_equal(&route.gateway, &to, sizeof(to));
	to = address("2001:db8::1");
	assert_int_equal(netlink_route(socket_, AF_INET6, &from, &to, &route), -EHOSTUNREACH);
	to = address("ff02::1");
	assert_int_equal(netlink_route(socket_, AF_INET6, &from, &to, &route), -EHOSTUNREACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_route),
		TEST(test_no_route),
		TEST(test_foreign_source),
		TEST(test_route_by_source),
		TEST(test_gateway_of_the_other_family),
		TEST(test_neighbour),
		TEST(test_probe),
		TEST(test_link),
		TEST(test_xdp_features),
		TEST(test_upper),
		TEST(test_listen),
		TEST(test_ipv6),
	};

	make_network();
	return cmocka_run_group_tests_name("netlink", tests, NULL, NULL);
}
