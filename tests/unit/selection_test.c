/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interfaces are selected on hosts that are made up, in which order, and what the log says of addresses. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "iface/selection.h"
#include "netlink/routes_out.h"
#include "netlink/rtnetlink.h"
#include "table/status.h"

#define LINKS_MAX 40
#define V4 0
#define V6 1

static struct {
	struct link link[LINKS_MAX];
	unsigned int count;
	struct {
		const char *label, *address;
		unsigned int flags;
	} address[LINKS_MAX];
	unsigned int addresses;
	struct routes_out routes[2];
	const char *local; /* an address with a local route and nothing else */
	int error;
	int routes_error, local_error; /* of the question for all routes, and for the one to an address */
	unsigned int routes_us;        /* that the answer to the first takes */
	char log[4096];
	char waiting[STATUS_WAITING];
} host;

static void add(const char *name, const char *kind, const char *address)
{
	struct link *link = &host.link[host.count];

	*link = (struct link){ .ifindex = ++host.count, .ethernet = true };
	snprintf(link->name, sizeof(link->name), "%s", name);
	snprintf(link->kind, sizeof(link->kind), "%s", kind);
	if (!address)
		return;
	host.address[host.addresses].label = link->name;
	host.address[host.addresses++].address = address;
}

static void add_route(int family, uint32_t ifindex, bool is_default)
{
	struct routes_out *routes = &host.routes[family];

	routes->link[routes->count].ifindex = ifindex;
	routes->link[routes->count++].is_default = is_default;
}

int getifaddrs(struct ifaddrs **all)
{
	static struct ifaddrs entries[LINKS_MAX];
	static struct sockaddr_in v4[LINKS_MAX];
	static struct sockaddr_in6 v6[LINKS_MAX];

	if (host.error) {
		errno = -host.error;
		return -1;
	}
	*all = NULL;
	for (unsigned int i = host.addresses; i--;) {
		bool is_v6 = strchr(host.address[i].address, ':');

		v4[i].sin_family = AF_INET;
		v6[i].sin6_family = AF_INET6;
		inet_pton(is_v6 ? AF_INET6 : AF_INET, host.address[i].address,
			  is_v6 ? (void *)&v6[i].sin6_addr : (void *)&v4[i].sin_addr);
		entries[i] = (struct ifaddrs){
			.ifa_next = *all,
			.ifa_name = (char *)host.address[i].label,
			.ifa_flags = host.address[i].flags,
			.ifa_addr = is_v6 ? (struct sockaddr *)&v6[i] : (struct sockaddr *)&v4[i],
		};
		*all = &entries[i];
	}
	return 0;
}

void freeifaddrs(struct ifaddrs *all)
{
	(void)all;
}

struct mnl_socket *rtnetlink_open(void)
{
	return (struct mnl_socket *)&host;
}

void rtnetlink_close(struct mnl_socket *socket)
{
	(void)socket;
}

int rtnetlink_route(struct mnl_socket *socket, int family, const union abi_addr *from, const union abi_addr *to,
		    struct route *route)
{
	char text[INET6_ADDRSTRLEN];

	(void)socket, (void)from;
	inet_ntop(family, to, text, sizeof(text));
	if (host.local_error)
		return host.local_error;
	route->local = host.local && !strcmp(text, host.local);
	return 0;
}

int routes_out_read(int family, struct routes_out *routes)
{
	if (host.routes_error)
		return host.routes_error;
	usleep(host.routes_us);
	*routes = host.routes[family == AF_INET6 ? V6 : V4];
	return 0;
}

void status_waiting_put(const char *waiting)
{
	snprintf(host.waiting, sizeof(host.waiting), "%s", waiting);
}

static void keep_line(enum log_level level, const char *line)
{
	size_t used = strlen(host.log);

	(void)level;
	snprintf(host.log + used, sizeof(host.log) - used, "%s\n", line);
}

static int setup(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	log_to(keep_line);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	selection_stop();
	return 0;
}

static void start(const char *addresses)
{
	struct settings settings = { 0 };
	const char *list[LINKS_MAX];
	static char copy[1024];
	char *rest = copy;
	unsigned int count = 0;

	snprintf(copy, sizeof(copy), "%s", addresses);
	while ((list[count] = strsep(&rest, " ")))
		count++;
	assert_int_equal(selection_start(&settings, list, count), 0);
}

/* The names that are selected; optional ones in brackets. */
static const char *selected(void)
{
	const struct links links = { .link = host.link, .count = host.count };
	static char text[512];
	struct interface_list list;

	host.log[0] = text[0] = '\0';
	assert_int_equal(selection_find(&links, &list), 0);
	for (unsigned int i = 0; i < list.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), list.entry[i].optional ? "%s(%s)" : "%s%s",
			 i ? " " : "", list.entry[i].name);
	return text;
}

static void assert_log(const char *wanted)
{
	if (wanted[0] ? !strstr(host.log, wanted) : host.log[0] != '\0')
		fail_msg("the log is '%s', not '%s'", host.log, wanted);
}

static void test_by_name(void **state)
{
	struct settings settings = { .interfaces = 2, .interface = { "eth1", "nowhere" } };
	static const char *const addresses[] = { "192.0.2.1" };

	(void)state;
	add("eth0", "", "192.0.2.1");
	assert_int_equal(selection_start(&settings, addresses, 1), 0);
	assert_string_equal(selected(), "eth1 nowhere");
	assert_false(selection_may_change());
	assert_false(selection_waits());
	assert_true(selection_complete());
	assert_log("");
}

static void test_owners(void **state)
{
	static const struct {
		const char *addresses, *selected, *log, *waiting;
		bool complete;
	} table[] = {
		{ "192.0.2.1", "eth0", "", "", true },
		{ "192.0.2.1 192.0.2.1 192.0.2.2", "eth0 eth1", "", "", true },
		{ "192.0.2.2 192.0.2.1", "eth1 eth0", "", "", true },
		{ "192.0.2.3", "eth0", "", "", true }, /* by a label */
		{ "2001:db8::1 127.0.0.1 ::1", "eth1", "", "", true },
		{ "0.0.0.0", "eth0 eth1 other", "", "", true },
		{ ":: 192.0.2.1", "eth1 eth0", "", "", true },
		{ "192.0.2.9", "", "waiting for 192.0.2.9: no interface has it", "192.0.2.9", false },
		{ "192.0.2.1 192.0.2.9 2001:db8::9", "eth0", "waiting for 2001:db8::9: no", "192.0.2.9, 2001:db8::9", false },
		{ "203.0.113.1", "", "203.0.113.1: on no interface but the loopback, which no packet comes in by", "203.0.113.1", false },
		{ "203.0.113.2", "", "203.0.113.2: on no interface but dummy0, which", "203.0.113.2", false },
		{ "203.0.113.3", "", "203.0.113.3: on no interface but a local route, which", "203.0.113.3", false },
		/* An interface that packets come in by has it too. */
		{ "203.0.113.4", "other", "", "", true },
		{ "192.0.2.1 203.0.113.1", "eth0", "203.0.113.1: on no interface but the loopback", "", false },
		{ "127.0.0.1", "", "", "", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		setup(NULL);
		print_message("# %s\n", table[i].addresses);
		add("lo", "", "127.0.0.1");
		host.address[0].flags = IFF_LOOPBACK;
		add("eth0", "", "192.0.2.1");
		add("eth1", "", "192.0.2.2");
		add("other", "", "203.0.113.4");
		add("dummy0", "dummy", "203.0.113.2");
		host.address[host.addresses].label = "lo";
		host.address[host.addresses].flags = IFF_LOOPBACK;
		host.address[host.addresses++].address = "203.0.113.1";
		host.address[host.addresses].label = "eth0:3";
		host.address[host.addresses++].address = "192.0.2.3";
		host.address[host.addresses].label = "eth1";
		host.address[host.addresses++].address = "2001:db8::1";
		host.address[host.addresses].label = "dummy0";
		host.address[host.addresses++].address = "203.0.113.4";
		host.local = "203.0.113.3";
		start(table[i].addresses);
		assert_string_equal(selected(), table[i].selected);
		assert_log(table[i].log);
		assert_string_equal(host.waiting, table[i].waiting);
		assert_int_equal(selection_waits(), table[i].waiting[0] != '\0');
		assert_int_equal(selection_complete(), table[i].complete);
		/* Nothing is said twice. */
		assert_string_equal(selected(), table[i].selected);
		assert_log("");
		teardown(NULL);
	}
}

/* A server on all addresses of both families misses nothing where the host has only one of them. */
static void test_wildcard(void **state)
{
	(void)state;
	start("0.0.0.0 ::");
	assert_string_equal(selected(), "");
	assert_log("waiting for an IPv6 address: no interface has it");
	assert_string_equal(host.waiting, "an IPv4 address, an IPv6 address");
	add("eth0", "", "192.0.2.1");
	assert_string_equal(selected(), "eth0");
	assert_log("an IPv4 address is on eth0 now");
	assert_string_equal(host.waiting, "");
	assert_true(selection_complete());
}

static void test_comes_and_goes(void **state)
{
	(void)state;
	add("eth0", "", NULL);
	add("eth1", "", NULL);
	start("192.0.2.1");
	assert_true(selection_may_change());
	assert_string_equal(selected(), "");
	host.address[0].label = "eth0";
	host.address[0].address = "192.0.2.1";
	host.addresses = 1;
	assert_string_equal(selected(), "eth0");
	assert_log("192.0.2.1 is on eth0 now");
	host.address[0].label = "eth1";
	assert_string_equal(selected(), "eth1");
	assert_log("");
	host.addresses = 0;
	assert_string_equal(selected(), "");
	assert_log("waiting for 192.0.2.1");
	/* What cannot be read now says nothing. */
	host.error = -ENOBUFS;
	assert_int_equal(selection_find(&(struct links){ .link = host.link, .count = 2 }, NULL), -ENOBUFS);
}

/* Interfaces that routes lead out by. */
static void test_routes(void **state)
{
	(void)state;
	add("in", "", "192.0.2.1");
	add("default", "", NULL);
	add("gateway", "", NULL);
	add("tunnel", "", NULL);
	host.link[3].ethernet = false;
	add("dummy0", "dummy", NULL);
	add("default6", "", NULL);
	for (uint32_t ifindex = 2; ifindex <= 5; ifindex++)
		add_route(V4, ifindex, ifindex != 3);
	add_route(V4, 99, true); /* in another network namespace, or gone */
	add_route(V6, 6, true);
	start("192.0.2.1");
	assert_string_equal(selected(), "(default) (gateway) in");
	assert_true(selection_complete());
	/* Packets of an address that no interface has may come in by default routes of its family. */
	start("192.0.2.1 203.0.113.3");
	host.local = "203.0.113.3";
	assert_string_equal(selected(), "default (gateway) in");
	assert_false(selection_waits());
	assert_false(selection_complete());
	start("192.0.2.1 2001:db8::3");
	host.local = "2001:db8::3";
	assert_string_equal(selected(), "(default) default6 (gateway) in");
}

/* What could not be read, or was not for its length, is to be read again, although nothing has changed. */
static void test_pending(void **state)
{
	(void)state;
	add("in", "", "192.0.2.1");
	start("192.0.2.1 203.0.113.3");
	selected();
	assert_false(selection_pending());
	host.routes_error = -EINTR;
	selected();
	assert_true(selection_pending());
	host.routes_error = 0;
	host.local_error = -EHOSTUNREACH;
	selected();
	assert_false(selection_pending());
	host.local_error = -ETIMEDOUT;
	selected();
	assert_true(selection_pending());
	host.local_error = 0;
	host.routes_us = 20000;
	selected();
	assert_false(selection_pending());
	selected();
	assert_true(selection_pending());
}

/* More interfaces than can carry the program: those that routes lead out by come first, and bridges last. */
static void test_order(void **state)
{
	char name[IFNAMSIZ], addresses[1024] = "", address[LINKS_MAX][16];
	unsigned int i;

	(void)state;
	for (i = 0; i < 17; i++) {
		snprintf(name, sizeof(name), "br%u", i);
		snprintf(address[i], sizeof(address[i]), "10.0.%u.1", i);
		snprintf(addresses + strlen(addresses), sizeof(addresses) - strlen(addresses), "%s ", address[i]);
		add(name, "bridge", address[i]);
	}
	add("plain", "", "192.0.2.1");
	add("routed", "", "192.0.2.2");
	add("card", "", "192.0.2.3");
	add_route(V4, 19, false);
	add_route(V4, 20, true);
	strcat(addresses, "192.0.2.1 192.0.2.2 192.0.2.3");
	start(addresses);
	assert_string_equal(selected(), "card routed plain br0 br1 br2 br3 br4 br5 br6 br7 br8 br9 br10 br11 br12");
	assert_log("more than 16 interfaces have the server's addresses or routes that lead out: br13 and others are left out");
	selected();
	assert_log("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_by_name),
		TEST(test_owners),
		TEST(test_wildcard),
		TEST(test_comes_and_goes),
		TEST(test_routes),
		TEST(test_pending),
		TEST(test_order),
	};

	return cmocka_run_group_tests_name("selection", tests, NULL, NULL);
}
