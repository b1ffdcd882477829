/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of next hops and the thread that keeps it, over a network that is
 * told here: this file has its own netlink, map and privilege functions, so the
 * linker leaves the library's out. Events reach the thread by a netlink bus
 * that is free for anyone's use.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "map.h"
#include "netlink.h"
#include "nexthop.h"
#include "privilege.h"

#define SEED 0x9fb21c651e98df25ULL
#define ROWS 64
#define PATIENCE_MS 10000

/* ---- the network as it pretends to be ---- */

/*
 *   203.0.113.0/24 --- 192.0.2.254 ---+
 *                                     +--- eth (ifindex 7), the server
 *                      192.0.2.0/24 --+
 * 198.51.100.0/24 --------------------- other (ifindex 8)
 */
enum { ETH = 7, OTHER = 8 };

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 1 };

static struct {
	pthread_mutex_t lock;
	/* What is answered. */
	int route_error, link_error, neighbour_error, device_error;
	uint32_t route_mtu, link_mtu;
	bool down, not_ethernet, aged, redirect, transmit;
	uint8_t mac; /* last byte of the neighbours' */
	int probe_error, open_error, listen_error;
	/* What was asked. */
	unsigned int asked[256]; /* routes, by the last byte of the destination */
	unsigned int probes, gateway_probes, privileges, kept, links_changed, devices, puts, closed;
	__be32 neighbour_asked, neighbour_probed;
	uint32_t probed_ifindex;
	/* What was written. */
	struct hop hop[ROWS];
	struct mnl_socket *events;
} net = { .lock = PTHREAD_MUTEX_INITIALIZER };
static bool ipsec, ipsec_unknown;

#define LOCKED(statement)                          \
	do {                                       \
		pthread_mutex_lock(&net.lock);     \
		statement;                         \
		pthread_mutex_unlock(&net.lock);   \
	} while (0)

static __be32 address(const char *text)
{
	return inet_addr(text);
}

/* As on a kernel that tells neither; policies are as the test has them. */
struct mnl_socket *device_listen(void)
{
	return NULL;
}

struct mnl_socket *ipsec_listen(void)
{
	return NULL;
}

int ipsec_policies(bool *any)
{
	if (__atomic_load_n(&ipsec_unknown, __ATOMIC_RELAXED))
		return -EPERM;
	*any = __atomic_load_n(&ipsec, __ATOMIC_RELAXED);
	return 0;
}

struct mnl_socket *netlink_open(void)
{
	if (net.open_error) {
		errno = net.open_error;
		return NULL;
	}
	return mnl_socket_open(NETLINK_USERSOCK);
}

struct mnl_socket *netlink_listen(void)
{
	if (net.listen_error) {
		errno = net.listen_error;
		return NULL;
	}
	net.events = mnl_socket_open2(NETLINK_USERSOCK, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (net.events && mnl_socket_bind(net.events, 0, MNL_SOCKET_AUTOPID))
		return NULL;
	return net.events;
}

void netlink_close(struct mnl_socket *socket)
{
	if (socket) {
		mnl_socket_close(socket);
		net.closed++;
	}
}

int netlink_route(struct mnl_socket *socket, int family, const union abi_addr *from, const union abi_addr *to,
		  struct route *route)
{
	uint32_t host = ntohl(to->v4);
	int error;

	(void)socket, (void)from;
	memset(route, 0, sizeof(*route));
	pthread_mutex_lock(&net.lock);
	net.asked[host & 0xff]++;
	error = family == AF_INET ? net.route_error : -EAFNOSUPPORT;
	route->mtu = net.route_mtu;
	route->gateway = *to;
	route->ifindex = ETH;
	if (host >> 8 == 0xcb0071)
		route->gateway.v4 = address("192.0.2.254");
	else if (host >> 8 == 0xc63364)
		route->ifindex = OTHER;
	pthread_mutex_unlock(&net.lock);
	return error;
}

int netlink_link(struct mnl_socket *socket, uint32_t ifindex, struct link *link)
{
	int error;

	(void)socket;
	pthread_mutex_lock(&net.lock);
	*link = (struct link){ .ifindex = ifindex, .mtu = net.link_mtu, .up = !net.down, .ethernet = !net.not_ethernet };
	memcpy(link->mac, own_mac, sizeof(own_mac));
	error = net.link_error;
	pthread_mutex_unlock(&net.lock);
	return error;
}

int netlink_neighbour(struct mnl_socket *socket, int family, uint32_t ifindex, const union abi_addr *neighbour,
		      uint8_t mac[6], bool *stale)
{
	int error;

	(void)socket, (void)family, (void)ifindex;
	pthread_mutex_lock(&net.lock);
	net.neighbour_asked = neighbour->v4;
	memcpy(mac, (uint8_t[6]){ 2, 0, 0, 0, 1, net.mac }, 6);
	*stale = net.aged;
	error = net.neighbour_error;
	pthread_mutex_unlock(&net.lock);
	return error;
}

int netlink_probe(struct mnl_socket *socket, int family, uint32_t ifindex, const union abi_addr *neighbour)
{
	int error;

	(void)socket, (void)family;
	pthread_mutex_lock(&net.lock);
	net.probes++;
	net.gateway_probes += neighbour->v4 == address("192.0.2.254");
	net.neighbour_probed = neighbour->v4;
	net.probed_ifindex = ifindex;
	error = net.probe_error;
	pthread_mutex_unlock(&net.lock);
	return error;
}

void privilege_keep(void)
{
	LOCKED(net.kept++);
}

int privilege_net_admin(void)
{
	LOCKED(net.privileges++);
	return 0;
}

void map_hop_put(uint32_t row, const struct hop *hop)
{
	static const struct hop nowhere;

	assert_true(row < ROWS);
	pthread_mutex_lock(&net.lock);
	net.puts++;
	net.hop[row] = hop ? *hop : nowhere;
	pthread_mutex_unlock(&net.lock);
}

int map_device_put(uint32_t ifindex)
{
	int error;

	(void)ifindex;
	pthread_mutex_lock(&net.lock);
	net.devices++;
	error = net.device_error;
	pthread_mutex_unlock(&net.lock);
	return error;
}

static void device_abilities(uint32_t ifindex, bool *redirect, bool *transmit)
{
	(void)ifindex;
	LOCKED(*redirect = net.redirect; *transmit = net.transmit);
}

static void links_changed(void)
{
	LOCKED(net.links_changed++);
}

/* ---- asking for rows, and waiting for them ---- */

static const struct nexthop_callbacks callbacks = { device_abilities, links_changed };

static int setup(void **state)
{
	(void)state;
	memset((char *)&net + sizeof(net.lock), 0, sizeof(net) - sizeof(net.lock));
	net.link_mtu = 1500;
	net.mac = 0x10;
	net.redirect = net.transmit = true;
	return nexthop_start(ROWS, &callbacks);
}

static int stop(void **state)
{
	(void)state;
	nexthop_stop();
	return 0;
}

static int acquire(const char *from, __be32 to, uint32_t *row)
{
	union abi_addr ours = { 0 }, theirs = { 0 };

	ours.v4 = address(from);
	theirs.v4 = to;
	return nexthop_acquire(AF_INET, &ours, &theirs, row);
}

static uint32_t acquired(const char *to)
{
	uint32_t row = UINT32_MAX;

	assert_int_equal(acquire("192.0.2.1", address(to), &row), 0);
	assert_true(row < ROWS);
	return row;
}

static struct hop hop_of(uint32_t row)
{
	struct hop hop;

	LOCKED(hop = net.hop[row]);
	return hop;
}

static unsigned int number(const unsigned int *counter)
{
	unsigned int now;

	LOCKED(now = *counter);
	return now;
}

static void wait_for_number(const unsigned int *counter, unsigned int least)
{
	for (int i = 0; i < PATIENCE_MS && number(counter) < least; i++)
		usleep(1000);
	assert_true(number(counter) >= least);
}

static void wait_for_hop(uint32_t row, bool somewhere)
{
	for (int i = 0; i < PATIENCE_MS && (hop_of(row).ifindex != 0) != somewhere; i++)
		usleep(1000);
	assert_int_equal(hop_of(row).ifindex != 0, somewhere);
}

static void wait_for_mac(uint32_t row, uint8_t last)
{
	for (int i = 0; i < PATIENCE_MS && hop_of(row).eth[5] != last; i++)
		usleep(1000);
	assert_int_equal(hop_of(row).eth[5], last);
}

/* All that was asked of the thread before is done when a new row has been looked at. */
static void settle(void)
{
	for (int i = 0; i < 2; i++) {
		unsigned int before = number(&net.asked[255]);
		uint32_t row = acquired("192.0.2.255");

		wait_for_number(&net.asked[255], before + 1);
		nexthop_release(row);
	}
}

/* ---- events ---- */

static void send_event(struct nlmsghdr *message)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_USERSOCK);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = mnl_socket_get_portid(net.events) };

	assert_non_null(socket);
	assert_int_equal(sendto(mnl_socket_get_fd(socket), message, message->nlmsg_len, 0, (struct sockaddr *)&to,
				sizeof(to)),
			 message->nlmsg_len);
	mnl_socket_close(socket);
}

static void neighbour_event(uint16_t type, uint32_t ifindex, const char *neighbour)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = type;
	header->ndm_family = AF_INET;
	header->ndm_ifindex = (int)ifindex;
	mnl_attr_put_u32(message, NDA_DST, address(neighbour));
	send_event(message);
}

static void event(uint16_t type)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(message, sizeof(struct rtmsg));
	send_event(message);
}

/* ---- tests ---- */

static void test_on_link(void **state)
{
	static const uint8_t eth[12] = { 2, 0, 0, 0, 1, 0x10, 2, 0, 0, 0, 0, 1 };
	uint32_t row = acquired("192.0.2.20");
	struct hop hop;

	(void)state;
	wait_for_hop(row, true);
	hop = hop_of(row);
	assert_int_equal(hop.ifindex, ETH);
	assert_int_equal(hop.mtu, 1500);
	assert_int_equal(hop.redirect, 1);
	assert_int_equal(hop.transmit, 1);
	assert_memory_equal(hop.eth, eth, sizeof(eth));
	assert_int_equal(hop.zero1, 0);
	assert_int_equal(net.neighbour_asked, address("192.0.2.20"));
	assert_int_equal(number(&net.probes), 0);
	assert_int_equal(number(&net.kept), 1);
}

static void test_behind_a_gateway(void **state)
{
	uint32_t row = acquired("203.0.113.20");

	(void)state;
	wait_for_hop(row, true);
	assert_int_equal(net.neighbour_asked, address("192.0.2.254"));
	assert_int_equal(hop_of(row).ifindex, ETH);
}

static void test_rows_are_shared(void **state)
{
	uint32_t row = acquired("192.0.2.20"), other;

	(void)state;
	wait_for_hop(row, true);
	assert_int_equal(acquired("192.0.2.20"), row);
	assert_int_equal(acquire("192.0.2.2", address("192.0.2.20"), &other), 0);
	assert_int_not_equal(other, row);
	assert_int_not_equal(acquired("192.0.2.21"), row);
	wait_for_hop(other, true);
	/* The last who lets go ends it. */
	nexthop_release(row);
	assert_int_equal(hop_of(row).ifindex, ETH);
	nexthop_release(row);
	assert_int_equal(hop_of(row).ifindex, 0);
	assert_int_equal(hop_of(other).ifindex, ETH);
}

/* As many of our addresses as there are rows: some meet in a bucket. */
static void test_rows_of_each_source(void **state)
{
	char from[16];
	uint32_t row;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < ROWS; i++) {
			snprintf(from, sizeof(from), "192.0.2.%u", 100 + i);
			assert_int_equal(acquire(from, address("192.0.2.20"), &row), 0);
			assert_int_equal(row, i);
		}
	}
}

/* Sharing, letting go and being full, against a plain list; few buckets, long chains. */
static void test_table(void **state)
{
	struct {
		bool used;
		__be32 to;
		uint32_t users;
	} model[ROWS] = { { 0 } };
	uint64_t seed = SEED;
	unsigned int refused = 0;

	(void)state;
	for (int step = 0; step < 50000; step++) {
		__be32 to = htonl(0xc0000200 + (uint32_t)(unit_random(&seed) % 90));
		bool known = false;
		uint32_t row = UINT32_MAX, free = 0;
		int error;

		if (unit_random(&seed) % 2) {
			row = (uint32_t)(unit_random(&seed) % ROWS);
			if (!model[row].used)
				continue;
			nexthop_release(row);
			model[row].used = --model[row].users > 0;
			continue;
		}
		for (uint32_t i = 0; i < ROWS; i++) {
			free += !model[i].used;
			known = known || (model[i].used && model[i].to == to);
		}
		error = acquire("192.0.2.1", to, &row);
		if (!known && !free) {
			assert_int_equal(error, -ENOSPC);
			assert_int_equal(row, UINT32_MAX);
			refused++;
			continue;
		}
		assert_int_equal(error, 0);
		assert_true(row < ROWS);
		assert_int_equal(model[row].used, known);
		if (known)
			assert_int_equal(model[row].to, to);
		model[row].used = true;
		model[row].to = to;
		model[row].users++;
	}
	assert_true(refused > 0);
}

static void test_full(void **state)
{
	uint32_t row = 0, none = 12345;

	(void)state;
	for (uint32_t i = 0; i < ROWS; i++) {
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000200 + i), &row), 0);
		assert_int_equal(row, i);
	}
	assert_int_equal(acquire("192.0.2.1", address("192.0.2.250"), &none), -ENOSPC);
	assert_int_equal(none, 12345);
	/* What is there is still shared. */
	assert_int_equal(acquire("192.0.2.1", htonl(0xc0000200 + 5), &row), 0);
	assert_int_equal(row, 5);
	nexthop_release(9);
	assert_int_equal(acquire("192.0.2.1", address("192.0.2.250"), &row), 0);
	assert_int_equal(row, 9);
}

/* A row leads where its present owner wants, not where the former did. */
static void test_reused_row(void **state)
{
	uint32_t row = acquired("192.0.2.20");

	uint32_t other = 0;

	(void)state;
	wait_for_hop(row, true);
	nexthop_release(row);
	assert_int_equal(hop_of(row).ifindex, 0);
	/* A row that was given back rests: all that were never used come first. */
	for (uint32_t i = 1; i < ROWS; i++) {
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000300 + i), &other), 0);
		assert_int_not_equal(other, row);
	}
	assert_int_equal(acquired("198.51.100.20"), row);
	wait_for_hop(row, true);
	assert_int_equal(hop_of(row).ifindex, OTHER);
}

/* The kernel is asked once to resolve; its answer is an event. */
static void test_neighbour_comes_and_goes(void **state)
{
	uint32_t row;

	(void)state;
	LOCKED(net.neighbour_error = -EHOSTUNREACH);
	row = acquired("203.0.113.20");
	wait_for_number(&net.probes, 1);
	assert_int_equal(net.neighbour_probed, address("192.0.2.254"));
	assert_int_equal(net.probed_ifindex, ETH);
	assert_int_equal(hop_of(row).ifindex, 0);
	/* Not again for each event that says that it is not known yet. */
	for (int i = 0; i < 5; i++)
		neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	settle();
	assert_true(number(&net.asked[20]) > 1);
	assert_int_equal(number(&net.gateway_probes), 1);
	assert_int_equal(hop_of(row).ifindex, 0);
	LOCKED(net.neighbour_error = 0);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	wait_for_hop(row, true);
	assert_int_equal(number(&net.gateway_probes), 1);

	LOCKED(net.mac = 0x77);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	wait_for_mac(row, 0x77);

	/* Gone: nowhere, and the kernel is asked again. */
	LOCKED(net.neighbour_error = -EHOSTUNREACH);
	neighbour_event(RTM_DELNEIGH, ETH, "192.0.2.254");
	wait_for_hop(row, false);
	assert_int_equal(number(&net.gateway_probes), 2);
}

static void test_aged_neighbour_is_confirmed(void **state)
{
	uint32_t row;

	(void)state;
	LOCKED(net.aged = true);
	row = acquired("192.0.2.20");
	wait_for_hop(row, true);
	assert_int_equal(number(&net.probes), 1);
	assert_int_equal(net.neighbour_probed, address("192.0.2.20"));
}

/* Where the kernel may not be asked, a packet that is passed up will ask it. */
static void test_probe_without_privilege(void **state)
{
	uint32_t row;

	(void)state;
	LOCKED(net.neighbour_error = -EHOSTUNREACH; net.probe_error = -EPERM);
	row = acquired("192.0.2.20");
	wait_for_number(&net.probes, 1);
	LOCKED(net.neighbour_error = 0);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.20");
	wait_for_hop(row, true);
	assert_int_equal(number(&net.probes), 1);
}

/* Once the server is not root any more, the thread keeps what it needs, once. */
static void test_privileges_dropped(void **state)
{
	uint32_t row = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(row, true);
	assert_int_equal(number(&net.kept), 1);
	assert_int_equal(number(&net.privileges), 0);
	nexthop_privileges_dropped();
	wait_for_number(&net.privileges, 1);
	settle();
	assert_int_equal(number(&net.privileges), 1);
	assert_int_equal(number(&net.kept), 1);
	assert_int_equal(hop_of(row).ifindex, ETH);
	/* It does not matter when nothing was started. */
	nexthop_stop();
	nexthop_privileges_dropped();
}

static void test_events_of_other_neighbours(void **state)
{
	uint32_t row = acquired("192.0.2.20");
	unsigned int puts, changes;

	(void)state;
	wait_for_hop(row, true);
	settle();
	puts = number(&net.asked[20]);
	changes = number(&net.links_changed);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.21");
	neighbour_event(RTM_NEWNEIGH, OTHER, "192.0.2.20");
	neighbour_event(RTM_DELNEIGH, ETH, "192.0.2.19");
	settle();
	assert_int_equal(number(&net.asked[20]), puts);
	assert_int_equal(number(&net.links_changed), changes);
}

/* While there are IPsec policies nothing leads anywhere; any event has it looked at. */
static void test_ipsec(void **state)
{
	uint32_t row = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(row, true);
	__atomic_store_n(&ipsec, true, __ATOMIC_RELAXED);
	event(RTM_NEWROUTE);
	wait_for_hop(row, false);
	/* Not to be told is not to be told that there are none. */
	__atomic_store_n(&ipsec_unknown, true, __ATOMIC_RELAXED);
	event(RTM_NEWROUTE);
	settle();
	assert_int_equal(hop_of(row).ifindex, 0);
	__atomic_store_n(&ipsec_unknown, false, __ATOMIC_RELAXED);
	__atomic_store_n(&ipsec, false, __ATOMIC_RELAXED);
	event(RTM_NEWROUTE);
	wait_for_hop(row, true);
}

/* A neighbour's attribute of any size does no harm. */
static void test_odd_events(void **state)
{
	char buffer[1024] = { 0 }, bytes[512] = { 0 };
	uint32_t row = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(row, true);
	for (size_t size = 0; size <= sizeof(bytes); size += size < 20 ? 1 : 41) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

		message->nlmsg_type = RTM_NEWNEIGH;
		header->ndm_ifindex = ETH;
		mnl_attr_put(message, NDA_DST, size, bytes);
		send_event(message);
	}
	settle();
	assert_int_equal(hop_of(row).ifindex, ETH);
}

static void test_all_other_events(void **state)
{
	static const uint16_t types[] = { RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR,
					  RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWRULE, RTM_DELRULE };
	uint32_t here = acquired("192.0.2.20"), there = acquired("198.51.100.21");

	(void)state;
	wait_for_hop(here, true);
	wait_for_hop(there, true);
	settle();
	for (size_t i = 0; i < COUNT(types); i++) {
		unsigned int changes = number(&net.links_changed);

		LOCKED(net.mac = (uint8_t)(0x80 + i));
		event(types[i]);
		wait_for_mac(here, (uint8_t)(0x80 + i));
		wait_for_mac(there, (uint8_t)(0x80 + i));
		assert_int_equal(number(&net.links_changed), changes + 1);
	}
}

/* What did not change is not written again, and free rows are not looked at. */
static void test_no_needless_work(void **state)
{
	uint32_t row = acquired("192.0.2.20"), gone = acquired("192.0.2.21");
	unsigned int puts, asked;

	(void)state;
	wait_for_hop(row, true);
	wait_for_hop(gone, true);
	nexthop_release(gone);
	puts = number(&net.puts);
	asked = number(&net.asked[21]);
	event(RTM_NEWLINK);
	wait_for_number(&net.asked[20], 2);
	event(RTM_NEWLINK);
	wait_for_number(&net.asked[20], 3);
	wait_for_number(&net.links_changed, 2);
	assert_int_equal(number(&net.puts), puts);
	assert_int_equal(number(&net.asked[21]), asked);
	assert_int_equal(hop_of(row).ifindex, ETH);
}

static void test_no_way(void **state)
{
	static const int errors[] = { -EHOSTUNREACH, -ENETUNREACH, -EACCES, -ENODEV, -EPERM, -ENOBUFS };
	uint32_t row = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(row, true);
	for (size_t i = 0; i < COUNT(errors); i++) {
		LOCKED(net.route_error = errors[i]);
		event(RTM_DELROUTE);
		wait_for_hop(row, false);
		LOCKED(net.route_error = 0);
		event(RTM_NEWROUTE);
		wait_for_hop(row, true);

		LOCKED(net.link_error = errors[i]);
		event(RTM_DELLINK);
		wait_for_hop(row, false);
		LOCKED(net.link_error = 0);
		event(RTM_NEWLINK);
		wait_for_hop(row, true);

		LOCKED(net.neighbour_error = errors[i]);
		event(RTM_NEWLINK);
		wait_for_hop(row, false);
		LOCKED(net.neighbour_error = 0);
		event(RTM_NEWLINK);
		wait_for_hop(row, true);
	}
	LOCKED(net.down = true);
	event(RTM_NEWLINK);
	wait_for_hop(row, false);
	LOCKED(net.down = false);
	event(RTM_NEWLINK);
	wait_for_hop(row, true);
	LOCKED(net.not_ethernet = true);
	event(RTM_NEWLINK);
	wait_for_hop(row, false);
}

static void test_mtu(void **state)
{
	static const struct {
		uint32_t route, link;
		uint16_t mtu;
	} table[] = {
		{ 0, 1500, 1500 },    { 1400, 1500, 1400 },   { 1500, 1500, 1500 },   { 9000, 1500, 1500 },
		{ 0, 9000, 9000 },    { 576, 65535, 576 },    { 0, 65535, 65535 },    { 0, 65536, 65535 },
		{ 1280, 65536, 1280 }, { 0, 1000000, 65535 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		uint32_t row;

		LOCKED(net.route_mtu = table[i].route; net.link_mtu = table[i].link);
		row = acquired("192.0.2.20");
		wait_for_hop(row, true);
		assert_int_equal(hop_of(row).mtu, table[i].mtu);
		nexthop_release(row);
	}
}

static void test_abilities(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		bool redirect = i & 1, transmit = i & 2;
		uint32_t row;

		LOCKED(net.redirect = redirect; net.transmit = transmit; net.device_error = i & 4 ? -E2BIG : 0;
		       net.devices = 0);
		row = acquired("192.0.2.20");
		wait_for_hop(row, true);
		/* The map of devices must have it, too. */
		assert_int_equal(hop_of(row).redirect, redirect && !(i & 4));
		assert_int_equal(hop_of(row).transmit, transmit);
		assert_int_equal(number(&net.devices), redirect);
		nexthop_release(row);
	}
}

static void test_start_fails(void **state)
{
	(void)state;
	nexthop_stop();
	net.closed = 0;
	net.listen_error = EPERM;
	assert_int_equal(nexthop_start(ROWS, &callbacks), -EPERM);
	assert_int_equal(net.closed, 1);
	net.listen_error = 0;
	net.open_error = EMFILE;
	assert_int_equal(nexthop_start(ROWS, &callbacks), -EMFILE);
	assert_int_equal(net.closed, 1);
	/* Nothing was started, so nothing is stopped. */
	nexthop_stop();
	assert_int_equal(net.closed, 1);
}

static void test_start_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(acquired("192.0.2.20"), 0);
		wait_for_hop(0, true);
		nexthop_stop();
		nexthop_stop();
		LOCKED(memset(net.hop, 0, sizeof(net.hop)));
		assert_int_equal(nexthop_start(ROWS, &callbacks), 0);
	}
}

/* Rows come and go on several threads while events arrive. */
static void *take_and_give(void *argument)
{
	uint64_t seed = SEED + *(int *)argument;
	uintptr_t failures = 0;

	for (int i = 0; i < 3000; i++) {
		uint32_t row;

		if (acquire("192.0.2.1", htonl(0xc0000200 + (uint32_t)(unit_random(&seed) % 12)), &row))
			failures++;
		else
			nexthop_release(row);
	}
	return (void *)failures;
}

static void test_threads(void **state)
{
	pthread_t thread[4];
	int which[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		which[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, take_and_give, &which[i]), 0);
	}
	for (int i = 0; i < 50; i++)
		event(RTM_NEWROUTE);
	for (int i = 0; i < 4; i++) {
		void *failures;

		assert_int_equal(pthread_join(thread[i], &failures), 0);
		assert_null(failures);
	}
	settle();
	for (uint32_t row = 0; row < ROWS; row++)
		assert_int_equal(hop_of(row).ifindex, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_on_link),
		TEST(test_behind_a_gateway),
		TEST(test_rows_are_shared),
		TEST(test_rows_of_each_source),
		TEST(test_table),
		TEST(test_full),
		TEST(test_reused_row),
		TEST(test_neighbour_comes_and_goes),
		TEST(test_aged_neighbour_is_confirmed),
		TEST(test_probe_without_privilege),
		TEST(test_privileges_dropped),
		TEST(test_events_of_other_neighbours),
		TEST(test_ipsec), TEST(test_odd_events),
		TEST(test_all_other_events),
		TEST(test_no_needless_work),
		TEST(test_no_way),
		TEST(test_mtu),
		TEST(test_abilities),
		TEST(test_start_fails),
		TEST(test_start_again),
		TEST(test_threads),
	};

	return cmocka_run_group_tests_name("nexthop", tests, NULL, NULL);
}
