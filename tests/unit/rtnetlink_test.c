/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel answers, in a network namespace of its own. Without root it is in a user
 * namespace of its own, where the kernel allows that.
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
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>

#include "netlink/device.h"
#include "netlink/link.h"
#include "netlink/request.h"
#include "netlink/rtnetlink.h"
#include "route/ipsec.h"

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

	/* Root needs no user namespace, which a process in a chroot may not have. */
	snprintf(map, sizeof(map), "0 %u 1\n", (unsigned int)geteuid());
	if (unshare(CLONE_NEWNET)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
			missing = "the kernel allows no user namespaces here";
			return;
		}
		if (!write_file("/proc/self/uid_map", map)) {
			missing = "no user can be mapped into the namespace";
			return;
		}
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
		 "ip route add 198.51.100.0/24 via 192.0.2.253 mtu 1300 hoplimit 17 && "
		 "ip route add 198.51.100.128/25 via 192.0.2.253 mtu lock 1300 && "
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
	socket_ = rtnetlink_open();
	return socket_ ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	rtnetlink_close(socket_);
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

/* Or why there is none. */
static bool have_ipv6(void)
{
	static bool made;

	need_network();
	if (!made)
		made = run("ip -6 addr add 2001:db8::1/64 dev near nodad 2>/dev/null && "
			   "ip -6 addr add fe80::1/64 dev near nodad && "
			   "ip -6 route add 2001:db8:1::/48 via 2001:db8::fe && "
			   "ip -6 route add 2001:db8:2::/48 via fe80::fe dev near mtu 1300 hoplimit 17 && "
			   "ip -6 route add blackhole 2001:db8:3::/48 && ip -6 route add unreachable 2001:db8:4::/48 && "
			   "ip -6 route add prohibit 2001:db8:5::/48");
	if (!made)
		print_message("# no IPv6 here\n");
	return made;
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
	return rtnetlink_route(socket_, AF_INET, &from, &destination, route);
}

static void test_route(void **state)
{
	static const struct {
		const char *to, *gateway;
		uint32_t mtu;
		uint8_t hop_limit;
		bool locked;
	} table[] = {
		{ "192.0.2.20", "192.0.2.20", 0, 0, false },
		{ "198.51.100.20", "192.0.2.253", 1300, 17, false },
		{ "198.51.100.200", "192.0.2.253", 1300, 0, true },
		{ "198.18.0.1", "192.0.2.254", 0, 0, false },
	};

	(void)state;
	need_network();
	for (size_t i = 0; i < COUNT(table); i++) {
		union abi_addr gateway = address(table[i].gateway);
		struct route route;

		print_message("# %s\n", table[i].to);
		assert_int_equal(route_to(table[i].to, &route), 0);
		assert_int_equal(route.ifindex, near_);
		assert_int_equal(route.mtu, table[i].mtu);
		assert_int_equal(route.hop_limit, table[i].hop_limit);
		assert_int_equal(route.mtu_locked, table[i].locked);
		assert_false(route.local);
		assert_int_equal(route.gateway_family, AF_INET);
		assert_memory_equal(&route.gateway, &gateway, sizeof(gateway));
	}
}

static void test_route_to_this_host(void **state)
{
	static const char *const to[] = { "192.0.2.1", "127.0.0.1", "127.9.9.9" };

	(void)state;
	need_network();
	for (size_t i = 0; i < COUNT(to); i++) {
		struct route route;

		print_message("# %s\n", to[i]);
		assert_int_equal(route_to(to[i], &route), 0);
		assert_true(route.local);
		assert_int_equal(route.ifindex, 1);
	}
}

static void test_no_route(void **state)
{
	/* broadcast (directed and limited), multicast; blackhole, unreachable */
	static const char *const to[] = { "192.0.2.255", "255.255.255.255", "233.252.0.1", "203.0.113.1",
					  "203.0.113.65" };
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

/* From an address that is not ours there is no route. */
static void test_foreign_source(void **state)
{
	union abi_addr from = address("198.51.100.77"), to = address("192.0.2.20");
	struct route route;

	(void)state;
	need_network();
	assert_true(rtnetlink_route(socket_, AF_INET, &from, &to, &route) < 0);
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
	assert_int_equal(rtnetlink_route(socket_, AF_INET, &from, &to, &route), 0);
	assert_memory_equal(&route.gateway, &gateway, sizeof(gateway));
	assert_true(run("ip rule del from 192.0.2.2 table 77 && ip addr del 192.0.2.2/24 dev near"));
}

static int route6_to(const char *to, struct route *route)
{
	union abi_addr from = address("2001:db8::1"), destination = address(to);

	memset(route, 0xff, sizeof(*route));
	return rtnetlink_route(socket_, AF_INET6, &from, &destination, route);
}

/* For datagrams, and not for what else there is. */
static void test_route_by_protocol(void **state)
{
	union abi_addr gateway, gateway6;
	struct route route;

	(void)state;
	need_network();
	/* By number: a small system has no names of protocols. */
	if (!have_ipv6() || !run("ip rule add ipproto 17 table 79 2>/dev/null"))
		skip();
	assert_true(run("ip rule add ipproto 6 table 80 && ip -6 rule add ipproto 17 table 79 && "
			"ip -6 rule add ipproto 6 table 80 && "
			"ip route add 198.18.0.0/24 via 192.0.2.251 dev near table 79 && "
			"ip route add 198.18.0.0/24 via 192.0.2.250 dev near table 80 && "
			"ip -6 route add 2001:db8:7::/48 via fe80::fb dev near table 79 && "
			"ip -6 route add 2001:db8:7::/48 via fe80::fa dev near table 80"));
	gateway = address("192.0.2.251");
	gateway6 = address("fe80::fb");
	assert_int_equal(route_to("198.18.0.1", &route), 0);
	assert_memory_equal(&route.gateway, &gateway, sizeof(gateway));
	assert_int_equal(route6_to("2001:db8:7::1", &route), 0);
	assert_memory_equal(&route.gateway, &gateway6, sizeof(gateway6));
	assert_true(run("ip rule del ipproto 17 && ip rule del ipproto 6 && "
			"ip -6 rule del ipproto 17 && ip -6 rule del ipproto 6"));
}

/* IPv4 by an IPv6 router (RFC 8950). */
static void test_gateway_of_the_other_family(void **state)
{
	union abi_addr gateway;
	struct route route;

	(void)state;
	need_network();
	if (!run("ip route add 198.18.7.0/24 via inet6 fe80::77 dev near 2>/dev/null"))
		skip();
	gateway = address("fe80::77");
	assert_int_equal(route_to("198.18.7.1", &route), 0);
	assert_int_equal(route.ifindex, near_);
	assert_int_equal(route.gateway_family, AF_INET6);
	assert_memory_equal(&route.gateway, &gateway, sizeof(gateway));
}

/* A route that encapsulates packets is not for the program. */
static void test_tunnel(void **state)
{
	struct route route;

	(void)state;
	need_network();
	if (!run("ip route add 198.18.8.0/24 encap ip id 7 dst 192.0.2.99 dev near 2>/dev/null"))
		skip();
	assert_int_equal(route_to("198.18.8.1", &route), -EHOSTUNREACH);
}

static int neighbour(const char *text, uint8_t mac[6], bool *stale)
{
	union abi_addr to = address(text);

	memset(mac, 0xee, 6);
	*stale = false;
	return rtnetlink_neighbour(socket_, AF_INET, near_, &to, mac, stale);
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
	assert_int_equal(rtnetlink_probe(socket_, AF_INET, near_, &to), 0);
	assert_true(run("ip neigh show dev near | grep -q '^192.0.2.40 '"));
	assert_int_equal(neighbour("192.0.2.40", mac, &stale), -EHOSTUNREACH);
	/* One that is known but stale is about to be confirmed. */
	assert_true(run("ip neigh replace 192.0.2.41 lladdr 02:00:00:00:aa:bb dev near nud stale"));
	to = address("192.0.2.41");
	assert_int_equal(rtnetlink_probe(socket_, AF_INET, near_, &to), 0);
	assert_int_equal(neighbour("192.0.2.41", mac, &stale), 0);
	assert_false(stale);
	assert_int_not_equal(rtnetlink_probe(socket_, AF_INET, 12345, &to), 0);
}

static void test_link(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct link link, untouched;

	(void)state;
	need_network();
	assert_int_equal(link_read(socket_, near_, &link), 0);
	assert_int_equal(link.ifindex, near_);
	assert_int_equal(link.mtu, 1400);
	assert_true(link.up);
	assert_true(link.ethernet);
	assert_memory_equal(link.mac, mac, sizeof(mac));
	assert_string_equal(link.name, "near");

	assert_int_equal(link_read(socket_, 1, &link), 0);
	assert_string_equal(link.name, "lo");
	assert_false(link.ethernet);

	memset(&link, 0xff, sizeof(link));
	untouched = link;
	assert_int_equal(link_read(socket_, 12345, &link), -ENODEV);
	assert_memory_equal(&link, &untouched, sizeof(link));

	/* Without a carrier: the other end is down. */
	assert_true(run("ip link set far down"));
	assert_int_equal(link_read(socket_, near_, &link), 0);
	assert_false(link.up);
	assert_int_equal(link_read(socket_, far_, &link), 0);
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
	assert_int_equal(device_tells_features(), error != -EOPNOTSUPP);
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

/* By ethtool's names. */
static void test_driver(void **state)
{
	char driver[DEVICE_DRIVER_SIZE];

	(void)state;
	need_network();
	device_driver("near", driver);
	assert_string_equal(driver, "veth");
	device_driver("nowhere", driver);
	assert_string_equal(driver, "unknown");
	assert_true(device_driver_is("near", "veth"));
	assert_false(device_driver_is("near", "vet"));
	assert_false(device_driver_is("nowhere", "veth"));
}

/* An event to be heard: its type, and its family, which is the first byte in each type. */
struct expected {
	uint16_t type;
	uint8_t family;
	bool heard;
};

static int look(const struct nlmsghdr *message, void *data)
{
	const uint8_t *family = mnl_nlmsg_get_payload(message);
	struct expected *expected = data;

	if (message->nlmsg_type == expected->type && *family == expected->family)
		expected->heard = true;
	return MNL_CB_OK;
}

/* Reads what is pending, with `parse` for each event; whether nothing was left to read. */
static bool drain(struct mnl_socket *listener, mnl_cb_t parse, void *data)
{
	char buffer[32768];
	ssize_t size;

	while ((size = mnl_socket_recvfrom(listener, buffer, sizeof(buffer))) > 0)
		mnl_cb_run(buffer, (size_t)size, 0, 0, parse, data);
	return size < 0 && errno == EAGAIN;
}

static bool heard(struct mnl_socket *listener, uint16_t type, uint8_t family)
{
	struct expected expected = { type, family, false };

	for (int i = 0; i < 2000 && !expected.heard; i++) {
		drain(listener, look, &expected);
		if (!expected.heard)
			usleep(1000);
	}
	return expected.heard;
}

static struct link seen[16];
static unsigned int seen_count;

static void see(const struct link *link, void *data)
{
	assert_ptr_equal(data, seen);
	assert_true(seen_count < COUNT(seen));
	seen[seen_count++] = *link;
}

/* As VLANs sit on their device, so do macvlans, which every kernel has here. */
static void test_links(void **state)
{
	unsigned int found = 0;
	uint32_t above;

	(void)state;
	need_network();
	assert_true(run("ip link add above link near type macvlan"));
	above = if_nametoindex("above");
	seen_count = 0;
	assert_int_equal(link_each(see, seen), 0);
	for (unsigned int i = 0; i < seen_count; i++) {
		struct link one;

		assert_int_equal(link_read(socket_, seen[i].ifindex, &one), 0);
		one.up = seen[i].up; /* a carrier may just have come */
		assert_memory_equal(&one, &seen[i], sizeof(one));
		assert_false(one.vlan);
		if (one.ifindex == above)
			assert_int_equal(one.lower, near_);
		found += one.ifindex == above || one.ifindex == near_ || one.ifindex == far_ || one.ifindex == 1;
	}
	assert_int_equal(found, 4);
	assert_true(run("ip link del above"));
}

/* What is on top of a link in another namespace is on top of none here. */
static void test_link_across_namespaces(void **state)
{
	char command[128], byte;
	struct link link;
	int ready[2];
	pid_t other;

	(void)state;
	need_network();
	assert_int_equal(pipe(ready), 0);
	other = fork();
	if (other == 0) {
		_exit(unshare(CLONE_NEWNET) || write(ready[1], "", 1) != 1 || sleep(60));
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(command, sizeof(command), "ip link add here type veth peer name there netns %d", (int)other);
	assert_true(run(command));
	assert_int_equal(link_read(socket_, if_nametoindex("here"), &link), 0);
	assert_int_equal(link.lower, 0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	/* And here it is a veth's other end. */
	assert_int_equal(link_read(socket_, near_, &link), 0);
	assert_int_equal(link.lower, far_);
}

static void test_listen(void **state)
{
	static const struct {
		const char *command;
		uint16_t type;
		uint8_t family;
	} table[] = {
		{ "ip neigh replace 192.0.2.50 lladdr 02:00:00:00:aa:bb dev near nud permanent", RTM_NEWNEIGH, AF_INET },
		{ "ip neigh del 192.0.2.50 dev near", RTM_DELNEIGH, AF_INET },
		{ "ip route add 198.18.1.0/24 via 192.0.2.254", RTM_NEWROUTE, AF_INET },
		{ "ip route del 198.18.1.0/24", RTM_DELROUTE, AF_INET },
		{ "ip rule add from 192.0.2.3 table 78", RTM_NEWRULE, AF_INET },
		{ "ip rule del from 192.0.2.3 table 78", RTM_DELRULE, AF_INET },
		{ "ip addr add 192.0.2.3/24 dev near", RTM_NEWADDR, AF_INET },
		{ "ip addr del 192.0.2.3/24 dev near", RTM_DELADDR, AF_INET },
		{ "ip nexthop add id 77 via 192.0.2.254 dev near", RTM_NEWNEXTHOP, AF_INET },
		{ "ip nexthop del id 77", RTM_DELNEXTHOP, AF_INET },
		{ "ip link set near mtu 1390", RTM_NEWLINK, AF_UNSPEC },
		{ "ip link set near mtu 1400", RTM_NEWLINK, AF_UNSPEC },
		{ "ip -6 neigh replace fe80::50 lladdr 02:00:00:00:aa:bb dev near nud permanent", RTM_NEWNEIGH, AF_INET6 },
		{ "ip -6 neigh del fe80::50 dev near", RTM_DELNEIGH, AF_INET6 },
		{ "ip -6 route add 2001:db8:9::/48 via fe80::fe dev near", RTM_NEWROUTE, AF_INET6 },
		{ "ip -6 route del 2001:db8:9::/48", RTM_DELROUTE, AF_INET6 },
		{ "ip -6 rule add from 2001:db8::3 table 78", RTM_NEWRULE, AF_INET6 },
		{ "ip -6 rule del from 2001:db8::3 table 78", RTM_DELRULE, AF_INET6 },
		{ "ip -6 addr add 2001:db8::3/64 dev near nodad", RTM_NEWADDR, AF_INET6 },
		{ "ip -6 addr del 2001:db8::3/64 dev near", RTM_DELADDR, AF_INET6 },
	};

	(void)state;
	need_network();
	for (size_t i = 0; i < COUNT(table); i++) {
		struct mnl_socket *listener;

		if (table[i].family == AF_INET6 && !have_ipv6())
			continue;
		listener = rtnetlink_listen();
		print_message("# %s\n", table[i].command);
		assert_non_null(listener);
		/* The socket does not block. An event of the case before may still come to it. */
		assert_true(drain(listener, NULL, NULL));
		assert_true(run(table[i].command));
		assert_true(heard(listener, table[i].type, table[i].family));
		rtnetlink_close(listener);
	}
	rtnetlink_close(NULL);
}

static int count_type(const struct nlmsghdr *message, void *data)
{
	struct expected *expected = data;

	expected->heard = expected->heard || !expected->type || message->nlmsg_type == expected->type;
	return MNL_CB_OK;
}

/* Waits for an event of a type (0: any), whose family is not known, after a command. */
static void check_hears(struct mnl_socket *listener, uint16_t type, const char *command)
{
	struct expected expected = { .type = type };

	print_message("# %s\n", command);
	assert_true(drain(listener, NULL, NULL));
	assert_true(run(command));
	for (int i = 0; i < 2000 && !expected.heard; i++) {
		drain(listener, count_type, &expected);
		usleep(1000);
	}
	assert_true(expected.heard);
}

static void test_listen_to_ipsec(void **state)
{
	struct mnl_socket *listener;

	(void)state;
	need_network();
	listener = ipsec_listen();
	if (!listener || !run("ip xfrm policy list >/dev/null 2>&1"))
		skip();
	check_hears(listener, XFRM_MSG_NEWPOLICY,
		    "ip xfrm policy add src 198.18.9.0/24 dst 192.0.2.1/32 dir in");
	check_hears(listener, XFRM_MSG_DELPOLICY,
		    "ip xfrm policy del src 198.18.9.0/24 dst 192.0.2.1/32 dir in");
	request_socket_close(listener);
}

static void test_listen_to_devices(void **state)
{
	struct mnl_socket *listener;

	(void)state;
	need_network();
	listener = device_listen();
	if (!listener) {
		assert_int_equal(errno, EOPNOTSUPP);
		print_message("# the kernel does not tell (before 6.3)\n");
		skip();
	}
	check_hears(listener, 0, "ip link add one type veth peer name other");
	check_hears(listener, 0, "ip link del one");
	request_socket_close(listener);
}

static void test_route6(void **state)
{
	static const struct {
		const char *to, *gateway;
		uint32_t mtu;
		uint8_t hop_limit;
	} table[] = {
		{ "2001:db8::20", "2001:db8::20", 0, 0 },
		{ "2001:db8:1::20", "2001:db8::fe", 0, 0 },
		{ "2001:db8:2::20", "fe80::fe", 1300, 17 },
	};

	(void)state;
	if (!have_ipv6())
		skip();
	for (size_t i = 0; i < COUNT(table); i++) {
		union abi_addr gateway = address(table[i].gateway);
		struct route route;

		print_message("# %s\n", table[i].to);
		assert_int_equal(route6_to(table[i].to, &route), 0);
		assert_int_equal(route.ifindex, near_);
		assert_int_equal(route.mtu, table[i].mtu);
		assert_int_equal(route.hop_limit, table[i].hop_limit);
		assert_false(route.local);
		assert_int_equal(route.gateway_family, AF_INET6);
		assert_memory_equal(&route.gateway, &gateway, sizeof(gateway));
	}
}

static void test_route6_to_this_host(void **state)
{
	static const char *const to[] = { "2001:db8::1", "::1", "fe80::1" };

	(void)state;
	if (!have_ipv6())
		skip();
	for (size_t i = 0; i < COUNT(to); i++) {
		struct route route;

		print_message("# %s\n", to[i]);
		assert_int_equal(route6_to(to[i], &route), 0);
		assert_true(route.local);
		assert_int_equal(route.ifindex, 1);
	}
}

static void test_no_route6(void **state)
{
	/* Multicast, blackhole, unreachable, and no route. The routers' anycast address is special only on routers. */
	static const char *const to[] = { "ff02::1", "ff0e::1", "2001:db8:3::1", "2001:db8:4::1", "2001:db8:6::1" };
	struct route route;

	(void)state;
	if (!have_ipv6())
		skip();
	for (size_t i = 0; i < COUNT(to); i++) {
		print_message("# %s\n", to[i]);
		assert_int_equal(route6_to(to[i], &route), -EHOSTUNREACH);
	}
	assert_true(route6_to("2001:db8:5::1", &route) < 0);
}

/* An anycast address is on other hosts too, and routes of both kinds lead to it. */
static void test_anycast(void **state)
{
	struct route route;

	(void)state;
	if (!have_ipv6() || !write_file("/proc/sys/net/ipv6/conf/near/forwarding", "1"))
		skip();
	assert_int_equal(route6_to("2001:db8::", &route), -EHOSTUNREACH);
	assert_true(write_file("/proc/sys/net/ipv6/conf/near/forwarding", "0"));
}

/* The hop limit and the MTU that a socket uses where the route has none of its own. */
static void test_link6(void **state)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int fd, limit, mtu;
	socklen_t size = sizeof(int);
	struct link link;

	(void)state;
	if (!have_ipv6() || !write_file("/proc/sys/net/ipv6/conf/near/hop_limit", "33") ||
	    !write_file("/proc/sys/net/ipv6/conf/near/mtu", "1290"))
		skip();
	assert_int_equal(link_read(socket_, near_, &link), 0);
	assert_int_equal(link.hop_limit6, 33);
	assert_int_equal(link.mtu6, 1290);
	assert_int_equal(link.mtu, 1400);
	inet_pton(AF_INET6, "2001:db8:1::20", &to.sin6_addr);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &limit, &size), 0);
	assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &size), 0);
	close(fd);
	assert_int_equal(link.hop_limit6, limit);
	assert_int_equal(link.mtu6, mtu);
	assert_int_equal(link_read(socket_, far_, &link), 0);
	assert_int_not_equal(link.hop_limit6, 33);
}

static void test_neighbour6(void **state)
{
	static const uint8_t expected[6] = { 2, 0, 0, 0, 0xaa, 0xcc };
	union abi_addr to = { 0 };
	uint8_t mac[6];
	bool stale;

	(void)state;
	if (!have_ipv6())
		skip();
	to = address("fe80::fe");
	assert_int_equal(rtnetlink_neighbour(socket_, AF_INET6, near_, &to, mac, &stale), -EHOSTUNREACH);
	assert_int_equal(rtnetlink_probe(socket_, AF_INET6, near_, &to), 0);
	assert_true(run("ip -6 neigh show dev near | grep -q '^fe80::fe '"));
	assert_true(run("ip -6 neigh replace fe80::fe lladdr 02:00:00:00:aa:cc dev near nud stale"));
	assert_int_equal(rtnetlink_neighbour(socket_, AF_INET6, near_, &to, mac, &stale), 0);
	assert_memory_equal(mac, expected, sizeof(mac));
	assert_true(stale);
	assert_int_equal(rtnetlink_probe(socket_, AF_INET6, near_, &to), 0);
	assert_int_equal(rtnetlink_neighbour(socket_, AF_INET6, near_, &to, mac, &stale), 0);
	assert_false(stale);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_route),
		TEST(test_route_to_this_host),
		TEST(test_no_route),
		TEST(test_foreign_source),
		TEST(test_route_by_source),
		TEST(test_route_by_protocol),
		TEST(test_gateway_of_the_other_family),
		TEST(test_tunnel),
		TEST(test_neighbour),
		TEST(test_probe),
		TEST(test_link),
		TEST(test_xdp_features),
		TEST(test_driver),
		TEST(test_links),
		TEST(test_link_across_namespaces),
		TEST(test_listen),
		TEST(test_listen_to_ipsec),
		TEST(test_listen_to_devices),
		TEST(test_route6),
		TEST(test_route6_to_this_host),
		TEST(test_no_route6),
		TEST(test_anycast),
		TEST(test_link6),
		TEST(test_neighbour6),
	};

	make_network();
	return cmocka_run_group_tests_name("rtnetlink", tests, NULL, NULL);
}
