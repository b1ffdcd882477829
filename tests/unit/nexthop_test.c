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
#include <linux/xfrm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/capability.h"
#include "netlink/link.h"
#include "netlink/request.h"
#include "netlink/rtnetlink.h"
#include "route/nexthop.h"
#include "table/maps.h"

#define SEED 0x9fb21c651e98df25ULL
#define ROWS 64
#define PATIENCE_MS 10000

/* ---- the network as it pretends to be ---- */

/*
 *   203.0.113.0/24 --- 192.0.2.254 ---+
 *                                     +--- eth (ifindex 7), the server
 *                      192.0.2.0/24 --+
 * 2001:db8:1::/48 ------- fe80::fe ---+
 *                    2001:db8::/48 ---+
 * 198.51.100.0/24 --------------------- other (ifindex 8)
 */
enum { LO = 1, ETH = 7, OTHER = 8, VLAN = 9, INNER = 10, DEEP = 11 };

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t vlan_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const char gateway6[] = "fe80::fe";

static struct {
	pthread_mutex_t lock;
	/* What is answered. */
	int route_error, link_error, neighbour_error, device_error;
	uint32_t route_mtu, link_mtu, mtu6, vlan_mtu;
	uint32_t device; /* of all routes, if not 0 */
	uint8_t route_hop_limit, hop_limit6;
	bool local, via6, mtu_locked, vlan_down, vlan_qos, vlan_elsewhere, vlan_silent;
	bool down, not_ethernet, aged;
	uint8_t flags;
	uint8_t mac; /* last byte of the neighbours' */
	int probe_error, open_error, listen_error;
	/* What was asked. */
	unsigned int asked[256]; /* routes, by the last byte of the destination */
	unsigned int links_asked, neighbours_asked;
	int asked_family;
	bool asked_ipv4, asked_ipv6;
	union abi_addr gateway_asked;
	unsigned int probes, gateway_probes, privileges, kept, links_changed, devices, puts, closed;
	__be32 neighbour_asked, neighbour_probed;
	uint32_t probed_ifindex;
	/* What was written. */
	struct hop hop[ROWS];
	struct mnl_socket *events;
} net = { .lock = PTHREAD_MUTEX_INITIALIZER };
static bool ipsec, ipsec_unknown, barred_shown;
static unsigned int overruns_shown;

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

/* As on a kernel before 6.3. */
struct mnl_socket *device_listen(void)
{
	return NULL;
}

/* Only the question for IPsec policies comes this way. */
struct mnl_socket *request_socket_open(int family, int flags)
{
	static char anything;

	assert_int_equal(family, NETLINK_XFRM);
	errno = EPROTONOSUPPORT;
	return flags & SOCK_NONBLOCK ? NULL : (struct mnl_socket *)(void *)&anything;
}

void request_socket_close(struct mnl_socket *socket)
{
	(void)socket;
}

int request_ask(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	struct xfrmu_spdinfo info = { .outcnt = __atomic_load_n(&ipsec, __ATOMIC_RELAXED) };
	char buffer[256] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	(void)socket;
	assert_int_equal(request->nlmsg_type, XFRM_MSG_GETSPDINFO);
	if (__atomic_load_n(&ipsec_unknown, __ATOMIC_RELAXED))
		return -EPERM;
	message->nlmsg_type = XFRM_MSG_NEWSPDINFO;
	mnl_nlmsg_put_extra_header(message, sizeof(uint32_t));
	mnl_attr_put(message, XFRMA_SPD_INFO, sizeof(info), &info);
	parse(message, result);
	return 0;
}

struct mnl_socket *rtnetlink_open(void)
{
	if (net.open_error) {
		errno = net.open_error;
		return NULL;
	}
	return mnl_socket_open(NETLINK_USERSOCK);
}

struct mnl_socket *rtnetlink_listen(void)
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

void rtnetlink_close(struct mnl_socket *socket)
{
	if (socket) {
		mnl_socket_close(socket);
		net.closed++;
	}
}

int rtnetlink_route(struct mnl_socket *socket, int family, const union abi_addr *from, const union abi_addr *to,
		  struct route *route)
{
	uint32_t host = ntohl(family == AF_INET6 ? to->word[3] : to->v4);
	int error;

	(void)socket, (void)from;
	memset(route, 0, sizeof(*route));
	pthread_mutex_lock(&net.lock);
	net.asked[host & 0xff]++;
	error = net.route_error;
	route->mtu = net.route_mtu;
	route->mtu_locked = net.mtu_locked;
	route->hop_limit = net.route_hop_limit;
	route->gateway = *to;
	route->gateway_family = (uint8_t)family;
	route->ifindex = ETH;
	if (family == AF_INET6 && to->v6[5] == 1)
		inet_pton(AF_INET6, gateway6, &route->gateway);
	if (family == AF_INET && host >> 8 == 0xcb0071)
		route->gateway.v4 = address("192.0.2.254");
	else if (family == AF_INET && host >> 8 == 0xc63364)
		route->ifindex = OTHER;
	if (net.device)
		route->ifindex = net.device;
	if (net.via6) {
		route->gateway_family = AF_INET6;
		inet_pton(AF_INET6, gateway6, &route->gateway);
	}
	if (net.local) {
		route->local = true;
		route->ifindex = LO;
	}
	pthread_mutex_unlock(&net.lock);
	return error;
}

int link_read(struct mnl_socket *socket, uint32_t ifindex, struct link *link)
{
	int error;

	(void)socket;
	pthread_mutex_lock(&net.lock);
	net.links_asked++;
	*link = (struct link){
		.ifindex = ifindex,
		.mtu = net.link_mtu,
		.mtu6 = net.mtu6,
		.hop_limit6 = net.hop_limit6,
		.up = !net.down,
		.ethernet = !net.not_ethernet,
	};
	memcpy(link->mac, own_mac, sizeof(own_mac));
	if (ifindex == LO) {
		*link = (struct link){ .ifindex = LO, .mtu = 65536, .mtu6 = 65536, .hop_limit6 = 33, .up = true };
	} else if (ifindex >= VLAN) {
		link->vlan = true;
		link->mtu = net.vlan_mtu;
		link->up = !net.vlan_down;
		link->vlan_id = ifindex == VLAN ? 100 : ifindex == INNER ? 200 : 300;
		link->vlan_protocol = ifindex == VLAN ? 0x88a8 : 0x8100;
		link->vlan_qos = net.vlan_qos;
		link->lower = ifindex == VLAN ? ETH : ifindex - 1;
		memcpy(link->mac, vlan_mac, sizeof(vlan_mac));
		if (net.vlan_elsewhere)
			link->lower = 0;
		if (net.vlan_silent)
			link->vlan_protocol = 0;
	}
	error = net.link_error;
	pthread_mutex_unlock(&net.lock);
	return error;
}

int rtnetlink_neighbour(struct mnl_socket *socket, int family, uint32_t ifindex, const union abi_addr *neighbour,
		      uint8_t mac[6], bool *stale)
{
	int error;

	(void)socket, (void)ifindex;
	pthread_mutex_lock(&net.lock);
	net.neighbours_asked++;
	net.asked_family = family;
	net.asked_ipv4 = net.asked_ipv4 || family == AF_INET;
	net.asked_ipv6 = net.asked_ipv6 || family == AF_INET6;
	net.gateway_asked = *neighbour;
	net.neighbour_asked = neighbour->v4;
	memcpy(mac, (uint8_t[6]){ 2, 0, 0, 0, 1, net.mac }, 6);
	*stale = net.aged;
	error = net.neighbour_error;
	pthread_mutex_unlock(&net.lock);
	return error;
}

int rtnetlink_probe(struct mnl_socket *socket, int family, uint32_t ifindex, const union abi_addr *neighbour)
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

void capability_keep(unsigned int set)
{
	assert_int_equal(set, CAPABILITY_NET_ADMIN);
	LOCKED(net.kept++);
}

int capability_reduce(unsigned int set)
{
	assert_int_equal(set, CAPABILITY_NET_ADMIN);
	LOCKED(net.privileges++);
	return 0;
}

bool maps_want_bpf(void)
{
	return false;
}

void maps_hop_put(uint32_t row, const struct hop *hop)
{
	static const struct hop nowhere;

	assert_true(row < ROWS);
	pthread_mutex_lock(&net.lock);
	net.puts++;
	net.hop[row] = hop ? *hop : nowhere;
	pthread_mutex_unlock(&net.lock);
}

void status_blocked_put(bool blocked)
{
	LOCKED(barred_shown = blocked);
}

void status_count_overrun(void)
{
	LOCKED(overruns_shown++);
}

int maps_device_put(uint32_t ifindex)
{
	int error;

	(void)ifindex;
	pthread_mutex_lock(&net.lock);
	net.devices++;
	error = net.device_error;
	pthread_mutex_unlock(&net.lock);
	return error;
}

static uint8_t device_flags(uint32_t ifindex)
{
	uint8_t flags;

	(void)ifindex;
	LOCKED(flags = net.flags);
	return flags;
}

static void links_changed(void)
{
	LOCKED(net.links_changed++);
}

/* ---- asking for rows, and waiting for them ---- */

static const struct nexthop_callbacks callbacks = { device_flags, links_changed };

static int setup(void **state)
{
	(void)state;
	memset((char *)&net + sizeof(net.lock), 0, sizeof(net) - sizeof(net.lock));
	net.link_mtu = net.vlan_mtu = 1500;
	net.mtu6 = 1492;
	net.hop_limit6 = 77;
	net.mac = 0x10;
	net.flags = HOP_REDIRECT | HOP_TRANSMIT;
	return nexthop_start(ROWS, &callbacks);
}

static int teardown(void **state)
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

static uint32_t acquired6(const char *to)
{
	union abi_addr ours, theirs;
	uint32_t row = UINT32_MAX;

	inet_pton(AF_INET6, "2001:db8::1", &ours);
	inet_pton(AF_INET6, to, &theirs);
	assert_int_equal(nexthop_acquire(AF_INET6, &ours, &theirs, &row), 0);
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

/* New rows go before all others; after the third, what was asked before is done. */
static void mode_choose(void)
{
	for (int i = 0; i < 3; i++) {
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

static void neighbour6_event(const char *neighbour)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	uint8_t bytes[16];

	message->nlmsg_type = RTM_NEWNEIGH;
	header->ndm_family = AF_INET6;
	header->ndm_ifindex = ETH;
	inet_pton(AF_INET6, neighbour, bytes);
	mnl_attr_put(message, NDA_DST, sizeof(bytes), bytes);
	send_event(message);
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

/* To a prefix of either family; one of length 0 is not told. */
static void route_event(const char *prefix, uint8_t length)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	bool v6 = strchr(prefix, ':');
	uint8_t bytes[16];

	message->nlmsg_type = RTM_NEWROUTE;
	header->rtm_family = v6 ? AF_INET6 : AF_INET;
	header->rtm_dst_len = length;
	inet_pton(header->rtm_family, prefix, bytes);
	if (length)
		mnl_attr_put(message, RTA_DST, v6 ? 16 : 4, bytes);
	send_event(message);
}

/* ---- tests ---- */

/* Of this host, which the library asks for it. */
static int default_ttl(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ttl = 0;
	socklen_t size = sizeof(ttl);

	assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, &size), 0);
	close(fd);
	return ttl;
}

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
	assert_int_equal(hop.flags, HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(hop.tag[0].protocol, 0);
	assert_int_equal(hop.ttl, default_ttl());
	assert_memory_equal(hop.eth, eth, sizeof(eth));
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
	unsigned int asked;
	uint32_t row;

	(void)state;
	LOCKED(net.neighbour_error = -EHOSTUNREACH);
	row = acquired("203.0.113.20");
	wait_for_number(&net.probes, 1);
	assert_int_equal(net.neighbour_probed, address("192.0.2.254"));
	assert_int_equal(net.probed_ifindex, ETH);
	assert_int_equal(hop_of(row).ifindex, 0);
	/* Not again for each event that says that it is not known yet. */
	asked = number(&net.neighbours_asked);
	for (int i = 0; i < 5; i++)
		neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	mode_choose();
	assert_true(number(&net.neighbours_asked) >= asked + 5);
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
	mode_choose();
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
	mode_choose();
	puts = number(&net.asked[20]);
	changes = number(&net.links_changed);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.21");
	neighbour_event(RTM_NEWNEIGH, OTHER, "192.0.2.20");
	neighbour_event(RTM_DELNEIGH, ETH, "192.0.2.19");
	mode_choose();
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
	assert_true(barred_shown);
	/* Not to be told is not to be told that there are none. */
	__atomic_store_n(&ipsec_unknown, true, __ATOMIC_RELAXED);
	event(RTM_NEWROUTE);
	mode_choose();
	assert_int_equal(hop_of(row).ifindex, 0);
	__atomic_store_n(&ipsec_unknown, false, __ATOMIC_RELAXED);
	__atomic_store_n(&ipsec, false, __ATOMIC_RELAXED);
	event(RTM_NEWROUTE);
	wait_for_hop(row, true);
	assert_false(barred_shown);
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
	mode_choose();
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
	mode_choose();
	for (size_t i = 0; i < COUNT(types); i++) {
		unsigned int changes = number(&net.links_changed);

		LOCKED(net.mac = (uint8_t)(0x80 + i));
		event(types[i]);
		wait_for_mac(here, (uint8_t)(0x80 + i));
		wait_for_mac(there, (uint8_t)(0x80 + i));
		/* A route is no link. */
		if (types[i] != RTM_NEWROUTE && types[i] != RTM_DELROUTE)
			assert_true(number(&net.links_changed) > changes);
	}
}

/* A route concerns the rows that it covers, and no others. */
static void test_route_events(void **state)
{
	enum { A = 1, B = 2, C = 4, D = 8, OTHERS = 16, ROWS_HERE = 5, TRIES = 5 };
	static const struct {
		const char *prefix;
		uint8_t length;
		unsigned int asked;
	} table[] = {
		{ "198.51.100.0", 24, A },   { "198.51.100.40", 32, A },   { "198.51.100.41", 32, 0 },
		{ "203.0.113.0", 24, B },    { "203.0.113.32", 27, B },    { "203.0.113.64", 26, 0 },
		{ "192.0.0.0", 4, A | B },   { "128.0.0.0", 2, 0 },        { "192.0.2.1", 32, A | B },
		{ "2001:db8::", 32, C | D }, { "2001:db8:1::", 48, D },    { "2001:db8::2a", 128, C },
		{ "2001:db8:1::20", 123, D }, { "2001:db8:1::60", 123, 0 }, { "2001:db8::1", 128, C | D },
		{ "2001:db8:3::", 48, 0 },   { "198.51.100.0", 0, A | B | C | D | OTHERS },
	};
	union abi_addr from = { .v4 = address("100.64.0.1") }, to = { .v4 = address("100.64.0.44") };
	unsigned int before[ROWS_HERE], asked;
	uint32_t row;

	(void)state;
	wait_for_hop(acquired("198.51.100.40"), true);
	wait_for_hop(acquired("203.0.113.41"), true);
	wait_for_hop(acquired6("2001:db8::2a"), true);
	wait_for_hop(acquired6("2001:db8:1::2b"), true);
	assert_int_equal(nexthop_acquire(AF_INET, &from, &to, &row), 0);
	wait_for_hop(row, true);
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s/%u\n", table[i].prefix, table[i].length);
		/* All rows are looked at now and then, which may be just now. */
		asked = ~table[i].asked;
		for (int try = 0; try < TRIES && asked != table[i].asked; try++) {
			mode_choose();
			LOCKED(memcpy(before, &net.asked[40], sizeof(before)));
			route_event(table[i].prefix, table[i].length);
			mode_choose();
			asked = 0;
			for (unsigned int k = 0; k < ROWS_HERE; k++)
				asked |= (number(&net.asked[40 + k]) > before[k]) << k;
		}
		assert_int_equal(asked, table[i].asked);
	}
}

/* Many at a time concern all. */
static void test_route_events_at_once(void **state)
{
	uint32_t row = acquired("198.51.100.40"), other = acquired("203.0.113.41");
	unsigned int changes;

	(void)state;
	wait_for_hop(row, true);
	wait_for_hop(other, true);
	mode_choose();
	/* When all rows have just been looked at, it is a second to the next time. */
	wait_for_number(&net.asked[40], number(&net.asked[40]) + 1);
	changes = number(&net.links_changed);
	/* The thread waits for the lock when it looks for that row; events gather. */
	pthread_mutex_lock(&net.lock);
	net.mac = 0x66;
	route_event("198.51.100.40", 32);
	usleep(20000);
	for (int i = 0; i < 50; i++)
		route_event("198.18.0.0", 24);
	pthread_mutex_unlock(&net.lock);
	for (int i = 0; i < 500 && hop_of(other).eth[5] != 0x66; i++)
		usleep(1000);
	assert_int_equal(hop_of(other).eth[5], 0x66);
	assert_true(number(&net.links_changed) <= changes + 1);
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

/* coturn's packets leave without DF there, by IPv4; a flow's have it. */
static void test_mtu_locked(void **state)
{
	uint32_t row, row6;

	(void)state;
	LOCKED(net.mtu_locked = true);
	row = acquired("192.0.2.20");
	row6 = acquired6("2001:db8::20");
	wait_for_hop(row6, true);
	mode_choose();
	assert_int_equal(hop_of(row).ifindex, 0);
	LOCKED(net.mtu_locked = false);
	event(RTM_NEWROUTE);
	wait_for_hop(row, true);
}

static void test_device_flags(void **state)
{
	(void)state;
	for (uint8_t flags = 0; flags < 32; flags++) {
		uint8_t expected = flags & 14;
		uint32_t row;

		LOCKED(net.flags = expected; net.device_error = flags & 1 ? -E2BIG : 0; net.devices = 0);
		row = acquired("192.0.2.20");
		wait_for_hop(row, true);
		/* Redirects need the device in their map; it is put there in any case. */
		if (flags & 1)
			expected &= (uint8_t)~HOP_REDIRECT;
		assert_int_equal(hop_of(row).flags, expected);
		assert_true(number(&net.devices) > 0);
		nexthop_release(row);
	}
}

/* ---- IPv6 ---- */

static bool same_address(const union abi_addr *left, const char *right)
{
	union abi_addr address;

	inet_pton(AF_INET6, right, &address);
	return !memcmp(left, &address, sizeof(address));
}

static void test_ipv6(void **state)
{
	static const uint8_t eth[12] = { 2, 0, 0, 0, 1, 0x10, 2, 0, 0, 0, 0, 1 };
	uint32_t near = acquired6("2001:db8::20"), far;
	struct hop hop;

	(void)state;
	wait_for_hop(near, true);
	hop = hop_of(near);
	assert_int_equal(hop.ifindex, ETH);
	assert_int_equal(hop.mtu, 1492); /* the link's for IPv6 */
	assert_int_equal(hop.ttl, 77);
	assert_memory_equal(hop.eth, eth, sizeof(eth));
	assert_int_equal(net.asked_family, AF_INET6);
	assert_true(same_address(&net.gateway_asked, "2001:db8::20"));
	far = acquired6("2001:db8:1::20");
	assert_int_not_equal(far, near);
	wait_for_hop(far, true);
	assert_true(same_address(&net.gateway_asked, gateway6));

	/* News of the gateway concerns those behind it only. */
	LOCKED(net.mac = 0x78);
	neighbour6_event(gateway6);
	wait_for_mac(far, 0x78);
	LOCKED(net.mac = 0x10);
}

/* The same 16 bytes are not the same address in the other family. */
static void test_families_apart(void **state)
{
	union abi_addr from = { 0 }, to = { 0 };
	uint32_t four, six;

	(void)state;
	from.v4 = address("192.0.2.1");
	to.v4 = address("192.0.2.20");
	assert_int_equal(nexthop_acquire(AF_INET, &from, &to, &four), 0);
	assert_int_equal(nexthop_acquire(AF_INET6, &from, &to, &six), 0);
	assert_int_not_equal(four, six);
	wait_for_hop(four, true);
	wait_for_hop(six, true);
	assert_int_equal(hop_of(four).mtu, 1500);
	assert_int_equal(hop_of(six).mtu, 1492);
	/* Nor the same neighbour. */
	assert_true(net.asked_ipv4);
	assert_true(net.asked_ipv6);
}

static void test_ipv6_not_on_link(void **state)
{
	uint32_t row;

	(void)state;
	LOCKED(net.mtu6 = 0);
	row = acquired6("2001:db8::20");
	mode_choose();
	assert_true(number(&net.asked[0x20]) > 0);
	assert_int_equal(hop_of(row).ifindex, 0);
	LOCKED(net.mtu6 = 1280);
	event(RTM_NEWLINK);
	wait_for_hop(row, true);
	assert_int_equal(hop_of(row).mtu, 1280);
}

/* A link-local address needs an interface with it; a mapped one is none of IPv6. */
static void test_special_addresses(void **state)
{
	static const char *const to[] = { "fe80::20", "::ffff:192.0.2.20" };

	(void)state;
	for (size_t i = 0; i < COUNT(to); i++) {
		uint32_t row = acquired6(to[i]);

		mode_choose();
		assert_int_equal(hop_of(row).ifindex, 0);
		assert_int_equal(hop_of(row).flags, 0);
	}
}

static void test_ipv4_by_an_ipv6_gateway(void **state)
{
	uint32_t row;

	(void)state;
	LOCKED(net.via6 = true);
	row = acquired("203.0.113.20");
	wait_for_hop(row, true);
	assert_int_equal(net.asked_family, AF_INET6);
	assert_true(same_address(&net.gateway_asked, gateway6));
	assert_int_equal(hop_of(row).ttl, default_ttl());
	assert_int_equal(hop_of(row).mtu, 1500);
	LOCKED(net.mac = 0x79);
	neighbour6_event(gateway6);
	wait_for_mac(row, 0x79);
}

static void test_hop_limit(void **state)
{
	uint32_t four, six;

	(void)state;
	LOCKED(net.route_hop_limit = 9);
	four = acquired("192.0.2.20");
	six = acquired6("2001:db8::20");
	wait_for_hop(four, true);
	wait_for_hop(six, true);
	assert_int_equal(hop_of(four).ttl, 9);
	assert_int_equal(hop_of(six).ttl, 9);
}

/* ---- this very host ---- */

static void wait_for_flags(uint32_t row, uint8_t flags)
{
	for (int i = 0; i < PATIENCE_MS && hop_of(row).flags != flags; i++)
		usleep(1000);
	assert_int_equal(hop_of(row).flags, flags);
}

static void test_local(void **state)
{
	static const uint8_t none[12] = { 0 };
	uint32_t four, six;

	(void)state;
	LOCKED(net.local = true);
	four = acquired("192.0.2.2");
	six = acquired6("2001:db8::2");
	wait_for_flags(four, HOP_LOCAL);
	wait_for_flags(six, HOP_LOCAL);
	assert_int_equal(hop_of(four).ifindex, 0);
	assert_int_equal(hop_of(four).mtu, 65535);
	assert_int_equal(hop_of(four).ttl, default_ttl());
	assert_int_equal(hop_of(six).ttl, 33);
	assert_memory_equal(hop_of(six).eth, none, sizeof(none));
	assert_int_equal(number(&net.neighbours_asked), 0);
	assert_int_equal(number(&net.devices), 0);
	/* The address moves to another host, and back; the neighbour has no say then. */
	LOCKED(net.local = false);
	event(RTM_DELADDR);
	wait_for_hop(four, true);
	assert_int_equal(hop_of(four).flags, HOP_REDIRECT | HOP_TRANSMIT);
	LOCKED(net.local = true);
	event(RTM_NEWADDR);
	wait_for_flags(four, HOP_LOCAL);
	LOCKED(net.mac = 0x55);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.2");
	mode_choose();
	assert_int_equal(hop_of(four).flags, HOP_LOCAL);
	assert_memory_equal(hop_of(four).eth, none, sizeof(none));
}

/* ---- VLANs ---- */

static void test_vlan(void **state)
{
	static const uint8_t eth[12] = { 2, 0, 0, 0, 1, 0x10, 2, 0, 0, 0, 0, 2 };
	uint32_t row;
	struct hop hop;

	(void)state;
	LOCKED(net.device = VLAN);
	row = acquired("192.0.2.20");
	wait_for_hop(row, true);
	hop = hop_of(row);
	assert_int_equal(hop.ifindex, ETH);
	assert_int_equal(hop.tag[0].protocol, htons(0x88a8));
	assert_int_equal(hop.tag[0].tci, htons(100));
	assert_int_equal(hop.tag[1].protocol, 0);
	assert_memory_equal(hop.eth, eth, sizeof(eth));
	assert_int_equal(hop.mtu, 1500);
	/* The neighbour is on the VLAN. */
	LOCKED(net.mac = 0x66);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.20");
	mode_choose();
	assert_int_equal(hop_of(row).eth[5], 0x10);
	neighbour_event(RTM_NEWNEIGH, VLAN, "192.0.2.20");
	wait_for_mac(row, 0x66);
}

static void test_vlan_in_vlan(void **state)
{
	uint32_t row;
	struct hop hop;

	(void)state;
	LOCKED(net.device = INNER);
	row = acquired("192.0.2.20");
	wait_for_hop(row, true);
	hop = hop_of(row);
	assert_int_equal(hop.ifindex, ETH);
	assert_int_equal(hop.tag[0].protocol, htons(0x88a8));
	assert_int_equal(hop.tag[0].tci, htons(100));
	assert_int_equal(hop.tag[1].protocol, htons(0x8100));
	assert_int_equal(hop.tag[1].tci, htons(200));
	/* The device has room for one tag. */
	assert_int_equal(hop.mtu, 1496);
	LOCKED(net.device = DEEP);
	event(RTM_NEWROUTE);
	wait_for_hop(row, false);
}

static void test_vlan_mtu(void **state)
{
	static const struct {
		uint32_t device, route, vlan, lower;
		uint16_t mtu;
	} table[] = {
		{ VLAN, 0, 1500, 1500, 1500 },     { VLAN, 1400, 1500, 1500, 1400 }, { VLAN, 0, 1400, 1500, 1400 },
		{ VLAN, 0, 1500, 1400, 1400 },     { VLAN, 0, 9000, 9000, 9000 },    { INNER, 0, 1500, 1600, 1500 },
		{ INNER, 0, 1500, 1503, 1499 },    { INNER, 0, 1496, 1500, 1496 },   { VLAN, 0, 65535, 65535, 65535 },
		{ VLAN, 0, 70000, 70000, 65535 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		uint32_t row;

		LOCKED(net.device = table[i].device; net.route_mtu = table[i].route; net.vlan_mtu = table[i].vlan;
		       net.link_mtu = table[i].lower);
		row = acquired("192.0.2.20");
		wait_for_hop(row, true);
		assert_int_equal(hop_of(row).mtu, table[i].mtu);
		nexthop_release(row);
	}
}

static void test_vlan_left_to_the_kernel(void **state)
{
	bool *const causes[] = { &net.vlan_down, &net.down, &net.vlan_qos, &net.vlan_elsewhere, &net.vlan_silent };
	uint32_t row;

	(void)state;
	LOCKED(net.device = VLAN);
	row = acquired("192.0.2.20");
	wait_for_hop(row, true);
	for (size_t i = 0; i < COUNT(causes); i++) {
		LOCKED(*causes[i] = true);
		event(RTM_NEWLINK);
		wait_for_hop(row, false);
		LOCKED(*causes[i] = false);
		event(RTM_NEWLINK);
		wait_for_hop(row, true);
	}
}

/* ---- many rows ---- */

/* Those behind one gateway share what it costs to know it. */
static void test_shared_gateway(void **state)
{
	unsigned int links, neighbours, puts, routes;
	uint32_t row[32];

	(void)state;
	for (uint32_t i = 0; i < COUNT(row); i++)
		assert_int_equal(acquire("192.0.2.1", htonl(0xcb007100 + i), &row[i]), 0);
	for (uint32_t i = 0; i < COUNT(row); i++)
		wait_for_hop(row[i], true);
	mode_choose();
	links = number(&net.links_asked);
	neighbours = number(&net.neighbours_asked);
	event(RTM_NEWROUTE);
	mode_choose();
	/* The refresh of each second may come between; mode_choose() itself asks for three. */
	assert_true(number(&net.links_asked) - links < COUNT(row));
	assert_true(number(&net.neighbours_asked) - neighbours < COUNT(row));

	/* News of the gateway that is none changes nothing. */
	puts = number(&net.puts);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	mode_choose();
	assert_true(number(&net.puts) - puts <= 6); /* mode_choose()'s own */
	/* A new MAC is written everywhere, without a question about routes but the refresh's. */
	routes = number(&net.asked[5]);
	for (uint8_t mac = 0x42; mac < 0x48; mac++) {
		LOCKED(net.mac = mac);
		neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
		for (uint32_t i = 0; i < COUNT(row); i++)
			wait_for_mac(row[i], mac);
	}
	assert_true(number(&net.asked[5]) - routes <= 3);
	/* And so is that it has none, except where nobody wants it any more. */
	nexthop_release(row[3]);
	LOCKED(net.neighbour_error = -EHOSTUNREACH);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	for (uint32_t i = 0; i < COUNT(row); i++)
		wait_for_hop(row[i], false);
	assert_int_equal(number(&net.gateway_probes), 1);
	/* A new row behind it is worth another try. */
	acquired("203.0.113.99");
	wait_for_number(&net.gateway_probes, 2);
	LOCKED(net.neighbour_error = 0);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	for (uint32_t i = 0; i < COUNT(row); i++)
		wait_for_hop(row[i], i != 3);
}

/* A row that changes hands before the thread has seen it is still seen once. */
static void test_new_row_twice(void **state)
{
	uint32_t row;

	(void)state;
	for (uint32_t i = 0; i < ROWS; i++)
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000300 + i), &row), 0);
	wait_for_hop(row, true);
	nexthop_release(row);
	mode_choose();
	/* The thread waits for an answer, and one row is left, which each takes in turn. */
	pthread_mutex_lock(&net.lock);
	event(RTM_NEWROUTE);
	usleep(20000);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t one = 0;

		if (i)
			nexthop_release(row);
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000220 + i), &one), 0);
		row = one;
	}
	pthread_mutex_unlock(&net.lock);
	wait_for_hop(row, true);
	usleep(50000);
	assert_true(number(&net.asked[0x23]) <= 8);
}

/* Rows move from one neighbour to the next, leave, and come back. */
static void test_neighbours_of_rows(void **state)
{
	uint64_t seed = SEED;
	uint32_t row[24];

	(void)state;
	for (uint32_t i = 0; i < COUNT(row); i++)
		assert_int_equal(acquire("192.0.2.1", htonl((i % 2 ? 0xcb007100 : 0xc0000200) + i), &row[i]), 0);
	for (int step = 0; step < 300; step++) {
		switch (unit_random(&seed) % 6) {
		case 0:
			LOCKED(net.via6 = !net.via6);
			event(RTM_NEWROUTE);
			break;
		case 1:
			LOCKED(net.device = net.device ? 0 : OTHER);
			event(RTM_NEWROUTE);
			break;
		case 2:
			LOCKED(net.local = !net.local);
			event(RTM_NEWADDR);
			break;
		case 3: {
			uint32_t i = (uint32_t)(unit_random(&seed) % COUNT(row));

			nexthop_release(row[i]);
			assert_int_equal(acquire("192.0.2.1", htonl((i % 2 ? 0xcb007100 : 0xc0000200) + i), &row[i]), 0);
			break;
		}
		case 4:
			LOCKED(net.mac++);
			neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
			neighbour6_event(gateway6);
			break;
		case 5:
			usleep((useconds_t)(unit_random(&seed) % 3000));
			break;
		}
	}
	LOCKED(net.via6 = net.local = false; net.device = 0; net.mac = 0x31);
	event(RTM_NEWROUTE);
	for (uint32_t i = 0; i < COUNT(row); i++) {
		wait_for_mac(row[i], 0x31);
		assert_int_equal(hop_of(row[i]).ifindex, ETH);
	}
	LOCKED(net.mac = 0x32);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	for (uint32_t i = 1; i < COUNT(row); i += 2)
		wait_for_mac(row[i], 0x32);
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
	mode_choose();
	for (uint32_t row = 0; row < ROWS; row++)
		assert_int_equal(hop_of(row).ifindex, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(test_ipsec),
		TEST(test_odd_events),
		TEST(test_all_other_events),
		TEST(test_route_events),
		TEST(test_route_events_at_once),
		TEST(test_no_needless_work),
		TEST(test_no_way),
		TEST(test_mtu),
		TEST(test_mtu_locked),
		TEST(test_device_flags),
		TEST(test_ipv6),
		TEST(test_families_apart),
		TEST(test_ipv6_not_on_link),
		TEST(test_special_addresses),
		TEST(test_ipv4_by_an_ipv6_gateway),
		TEST(test_hop_limit),
		TEST(test_local),
		TEST(test_vlan),
		TEST(test_vlan_in_vlan),
		TEST(test_vlan_mtu),
		TEST(test_vlan_left_to_the_kernel),
		TEST(test_shared_gateway),
		TEST(test_new_row_twice),
		TEST(test_neighbours_of_rows),
		TEST(test_start_fails),
		TEST(test_start_again),
		TEST(test_threads),
	};

	return cmocka_run_group_tests_name("nexthop", tests, NULL, NULL);
}
