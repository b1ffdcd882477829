/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network that a test makes up, for the thread of next hops: functions in place of those
 * that ask the kernel for routes, links, neighbours and IPsec policies, and of those that
 * write the tables. A test that includes this file has them, so the linker leaves out the
 * library's. Events reach the thread by NETLINK_USERSOCK, by which anyone may send. Time
 * stands still unless the test has it pass, so what is updated is so because of an event.
 */
#ifndef NETWORK_H
#define NETWORK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/clock.h"
#include "netlink/link.h"
#include "netlink/request.h"
#include "netlink/rtnetlink.h"
#include "route/monitor.h"
#include "route/nexthop.h"
#include "table/maps.h"

#define SEED 0x9fb21c651e98df25ULL
#ifndef ENTRIES
#define ENTRIES 64
#endif
#define PATIENCE_MS 10000

/* ---- the network ---- */

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

/* Our address that the packets of all paths come in to. */
#define COMES_IN_TO "100.127.0.1"

static struct {
	pthread_mutex_t lock;
	/* What the kernel answers. */
	int route_error, link_error, neighbour_error, device_error;
	uint32_t route_mtu, link_mtu, mtu6, vlan_mtu;
	uint32_t device; /* of all routes, if not 0 */
	uint8_t route_hop_limit, hop_limit6;
	bool local, not_ours, via6, mtu_locked, vlan_down, vlan_qos, vlan_elsewhere, vlan_protocol_unknown;
	bool down, not_ethernet, stale;
	uint8_t flags;
	uint8_t mac; /* last byte of the neighbours' */
	int probe_error, open_error, listen_error;
	/* What the kernel was asked. */
	unsigned int asked[256]; /* routes, by the last byte of the destination */
	unsigned int own_asked; /* whether COMES_IN_TO is ours */
	unsigned int links_asked, neighbours_asked, other_asked; /* the last: routes by `other` */
	int asked_family;
	bool asked_ipv4, asked_ipv6;
	union abi_addr gateway_asked;
	unsigned int probes, gateway_probes, privileges, kept, devices, puts, closed;
	unsigned int policies_asked, links_changed, links_heard; /* the last two: looks at links, and those after a change */
	__be32 neighbour_asked, neighbour_probed;
	uint32_t probed_ifindex;
	/* What was written. */
	struct hop hop[ENTRIES];
	unsigned int other_hops; /* writes of hops by `other` */
	struct mnl_socket *events;
} net = { .lock = PTHREAD_MUTEX_INITIALIZER };
static bool ipsec, ipsec_unknown, blocked_shown, ipsec_events;
static struct mnl_socket *ipsec_socket;
static unsigned int overruns_shown;
static uint64_t monitor_deadline;

#define LOCKED(statement)                          \
	do {                                       \
		pthread_mutex_lock(&net.lock);     \
		statement;                         \
		pthread_mutex_unlock(&net.lock);   \
	} while (0)

/* ---- time ---- */

static uint64_t now_ns = 1000000000;
static uint64_t lookup_ns; /* that each of the next `slow_lookups` questions for a route takes */
static unsigned int slow_lookups;
static int poll_timeout; /* that the thread waits with, in milliseconds */

uint64_t clock_monotonic_ns(void)
{
	return __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

/* The thread looks at the clock when it is woken. */
static inline void pass_ms(unsigned int milliseconds)
{
	__atomic_add_fetch(&now_ns, milliseconds * 1000000ULL, __ATOMIC_RELAXED);
	monitor_wake();
}

/* While time stands still no timeout passes. */
int poll(struct pollfd *files, nfds_t count, int timeout)
{
	__atomic_store_n(&poll_timeout, timeout, __ATOMIC_RELAXED);
	return ppoll(files, count, timeout > 0 ? NULL : &(struct timespec){ 0 }, NULL);
}

/* ---- what the kernel answers ---- */

static inline __be32 address(const char *text)
{
	return inet_addr(text);
}

/* As on a kernel before 6.3. */
struct mnl_socket *device_listen(void)
{
	return NULL;
}

/* The socket that hears of IPsec policies. The kernel has one if there are `ipsec_events`. */
struct mnl_socket *request_socket_open(int family, int flags)
{
	assert_int_equal(family, NETLINK_XFRM);
	assert_true(flags & SOCK_NONBLOCK);
	errno = EPROTONOSUPPORT;
	if (!ipsec_events)
		return NULL;
	ipsec_socket = mnl_socket_open2(NETLINK_USERSOCK, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_non_null(ipsec_socket);
	assert_int_equal(mnl_socket_bind(ipsec_socket, 0, MNL_SOCKET_AUTOPID), 0);
	return ipsec_socket;
}

/* Its group is no group of such a socket. */
int mnl_socket_setsockopt(const struct mnl_socket *socket, int type, void *value, socklen_t size)
{
	(void)socket, (void)value, (void)size;
	assert_int_equal(type, NETLINK_ADD_MEMBERSHIP);
	return 0;
}

void request_socket_close(struct mnl_socket *socket)
{
	if (socket)
		mnl_socket_close(socket);
}

void request_socket_forget_own(void)
{
}

/* Only the question for IPsec policies comes this way. */
int request_ask_own(int family, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	struct xfrmu_spdinfo info = { .outcnt = __atomic_load_n(&ipsec, __ATOMIC_RELAXED) };
	char buffer[256] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	assert_int_equal(family, NETLINK_XFRM);
	assert_int_equal(request->nlmsg_type, XFRM_MSG_GETSPDINFO);
	LOCKED(net.policies_asked++);
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
	if (family == AF_INET && to->v4 == address(COMES_IN_TO)) {
		route->local = !net.not_ours;
		net.own_asked++;
		pthread_mutex_unlock(&net.lock);
		return 0;
	}
	net.asked[host & 0xff]++;
	if (slow_lookups) {
		slow_lookups--;
		__atomic_add_fetch(&now_ns, lookup_ns, __ATOMIC_RELAXED);
	}
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
	net.other_asked += route->ifindex == OTHER;
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
		if (net.vlan_protocol_unknown)
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
	*stale = net.stale;
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

int maps_hop_put(uint32_t entry, const struct hop *hop)
{
	static const struct hop nowhere;

	assert_true(entry < ENTRIES);
	pthread_mutex_lock(&net.lock);
	net.puts++;
	net.other_hops += hop && hop->ifindex == OTHER;
	net.hop[entry] = hop ? *hop : nowhere;
	pthread_mutex_unlock(&net.lock);
	return 0;
}

void status_blocked_put(bool blocked)
{
	LOCKED(blocked_shown = blocked);
}

void status_monitor_put(uint64_t deadline)
{
	__atomic_store_n(&monitor_deadline, deadline, __ATOMIC_RELAXED);
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

static inline uint8_t device_flags(uint32_t ifindex)
{
	uint8_t flags;

	(void)ifindex;
	LOCKED(flags = net.flags);
	return flags;
}

static uint64_t links_take_ns; /* that the next look at the links takes */

static inline void look_at_links(bool heard)
{
	LOCKED(net.links_changed++; net.links_heard += heard);
	__atomic_add_fetch(&now_ns, __atomic_exchange_n(&links_take_ns, 0, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

/* In place of libmnl's; once events were lost, it says so before it gives those that are left. */
static bool events_lost;

ssize_t mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size)
{
	if (socket == net.events && __atomic_exchange_n(&events_lost, false, __ATOMIC_RELAXED)) {
		errno = ENOBUFS;
		return -1;
	}
	return recv(mnl_socket_get_fd(socket), buffer, size, 0);
}

/* ---- what the thread is to see of the host ---- */

static unsigned int host_looks, host_events, host_listens;
static struct mnl_socket *host_socket; /* that it is to listen to */
static uint64_t host_next_ns;          /* when it is to look again */
static unsigned int host_told;         /* so many looks were told that something was heard */
static uint64_t host_ahead_ns;         /* so far in the future was the time of a look, at most */

static inline struct mnl_socket *listen_to_host(void)
{
	struct mnl_socket *socket;

	LOCKED(host_listens++; socket = host_socket);
	return socket;
}

static inline void hear_of_host(struct mnl_socket *socket)
{
	char buffer[64];

	assert_ptr_equal(socket, host_socket);
	while (recv(mnl_socket_get_fd(socket), buffer, sizeof(buffer), 0) >= 0)
		LOCKED(host_events++);
}

static inline uint64_t look_at_host(uint64_t now, bool heard)
{
	uint64_t next, ahead = now - clock_monotonic_ns();

	LOCKED(host_looks++; host_told += heard; host_ahead_ns = ahead > host_ahead_ns ? ahead : host_ahead_ns; next = host_next_ns);
	return next;
}

static const struct nexthop_callbacks callbacks = { device_flags, look_at_links,
						    { listen_to_host, hear_of_host, look_at_host } };

/* ---- asking for entries, and waiting for them ---- */

static inline int setup(void **state)
{
	(void)state;
	memset((char *)&net + sizeof(net.lock), 0, sizeof(net) - sizeof(net.lock));
	net.link_mtu = net.vlan_mtu = 1500;
	net.mtu6 = 1492;
	net.hop_limit6 = 77;
	net.mac = 0x10;
	net.flags = HOP_REDIRECT | HOP_TRANSMIT;
	ipsec = ipsec_unknown = ipsec_events = events_lost = false;
	slow_lookups = 0;
	host_looks = host_events = host_listens = host_told = 0;
	host_ahead_ns = links_take_ns = 0;
	host_socket = NULL;
	host_next_ns = UINT64_MAX;
	return nexthop_start(ENTRIES, &callbacks);
}

static inline int teardown(void **state)
{
	(void)state;
	nexthop_stop();
	return 0;
}

static inline int acquire_path(int family, const union abi_addr *from, const union abi_addr *to, uint32_t *entry)
{
	struct hop_path path;

	memset(&path, 0, sizeof(path));
	path.at_family = AF_INET;
	path.at.v4 = address(COMES_IN_TO);
	path.family = (uint8_t)family;
	memcpy(path.from.v6, from->v6, family == AF_INET ? 4 : 16);
	memcpy(path.to.v6, to->v6, family == AF_INET ? 4 : 16);
	return nexthop_acquire(&path, entry);
}

static inline int acquire(const char *from, __be32 to, uint32_t *entry)
{
	return acquire_path(AF_INET, &(union abi_addr){ .v4 = address(from) }, &(union abi_addr){ .v4 = to }, entry);
}

static inline uint32_t acquired(const char *to)
{
	uint32_t entry = UINT32_MAX;

	assert_int_equal(acquire("192.0.2.1", address(to), &entry), 0);
	assert_true(entry < ENTRIES);
	return entry;
}

static inline uint32_t acquired6(const char *to)
{
	union abi_addr ours, theirs;
	uint32_t entry = UINT32_MAX;

	inet_pton(AF_INET6, "2001:db8::1", &ours);
	inet_pton(AF_INET6, to, &theirs);
	assert_int_equal(acquire_path(AF_INET6, &ours, &theirs, &entry), 0);
	return entry;
}

static inline struct hop hop_of(uint32_t entry)
{
	struct hop hop;

	LOCKED(hop = net.hop[entry]);
	return hop;
}

static inline unsigned int number(const unsigned int *counter)
{
	unsigned int now;

	LOCKED(now = *counter);
	return now;
}

static inline void wait_for_number(const unsigned int *counter, unsigned int least)
{
	for (int i = 0; i < PATIENCE_MS && number(counter) < least; i++)
		usleep(1000);
	assert_true(number(counter) >= least);
}

static inline void wait_for_hop(uint32_t entry, bool somewhere)
{
	for (int i = 0; i < PATIENCE_MS && (hop_of(entry).ifindex != 0) != somewhere; i++)
		usleep(1000);
	assert_int_equal(hop_of(entry).ifindex != 0, somewhere);
}

static inline void wait_for_mac(uint32_t entry, uint8_t last)
{
	for (int i = 0; i < PATIENCE_MS && hop_of(entry).eth[5] != last; i++)
		usleep(1000);
	assert_int_equal(hop_of(entry).eth[5], last);
}

/* New entries are updated before all others; after the third, all that was to be done before is done. */
static inline void wait_until_updated(void)
{
	for (int i = 0; i < 3; i++) {
		unsigned int before = number(&net.asked[255]);
		uint32_t entry = acquired("192.0.2.255");

		wait_for_number(&net.asked[255], before + 1);
		nexthop_release(entry);
	}
}

/* ---- events ---- */

static inline void send_event_to(const struct mnl_socket *listener, struct nlmsghdr *message)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_USERSOCK);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = mnl_socket_get_portid(listener) };

	assert_non_null(socket);
	assert_int_equal(sendto(mnl_socket_get_fd(socket), message, message->nlmsg_len, 0, (struct sockaddr *)&to,
				sizeof(to)),
			 message->nlmsg_len);
	mnl_socket_close(socket);
}

static inline void send_event(struct nlmsghdr *message)
{
	send_event_to(net.events, message);
}

static inline void neighbour6_event(const char *neighbour)
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

static inline void neighbour_event(uint16_t type, uint32_t ifindex, const char *neighbour)
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

static inline void event(uint16_t type)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(message, sizeof(struct rtmsg));
	send_event(message);
}

/* A route to a prefix of either family; with length 0 the event has no prefix, as for a default route. */
static inline void route_event(const char *prefix, uint8_t length)
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

/* ---- what tests compare with ---- */

/* The TTL of this host, which is not made up. */
static inline int default_ttl(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ttl = 0;
	socklen_t size = sizeof(ttl);

	assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, &size), 0);
	close(fd);
	return ttl;
}

static inline bool same_address(const union abi_addr *left, const char *right)
{
	union abi_addr address;

	inet_pton(AF_INET6, right, &address);
	return !memcmp(left, &address, sizeof(address));
}

#endif
