/* SPDX-License-Identifier: BSD-3-Clause */
#include "nexthop.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "map.h"
#include "netlink.h"
#include "privilege.h"

/* What no event tells of, such as a path MTU that was learned or forgotten. */
#define REFRESH_MS 30000
/* Changes come in bursts; and a row rests between two writes (see abi.h). */
#define SETTLE_US 1000
/* Rows that were given back stay unused while there are others. */
#define ROWS_AT_REST 256

struct destination {
	union abi_addr from, to;
	uint8_t family;
	bool stale;    /* the row is to be looked at again */
	bool resolved; /* the row leads somewhere */
	bool probed;   /* the neighbour was asked for since it was last known */
	uint32_t users;
	uint32_t ifindex; /* of the way out, when last looked at */
	union abi_addr gateway;
	struct hop hop;
	uint32_t next; /* in its bucket, or in the free list: index + 1, 0 ends */
};

static struct {
	pthread_mutex_t lock; /* of the table; not held while the kernel is asked */
	pthread_t thread;
	bool running, dropped; /* dropped: the server has changed its user */
	struct nexthop_callbacks callbacks;
	int wake; /* eventfd: a row is to be looked at, or the thread is to end */
	struct mnl_socket *events, *questions;
	struct destination *table;
	uint32_t rows, used; /* rows ever used are the first of the table */
	uint32_t *buckets, bucket_mask;
	uint32_t free_first, free_last, free_count; /* a queue, longest free first */
} nexthops = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = -1 };

static uint32_t *bucket_of(const union abi_addr *from, const union abi_addr *to)
{
	uint64_t hash = 0;

	for (int i = 0; i < 4; i++)
		hash = (hash ^ from->word[i] ^ ((uint64_t)to->word[i] << 32)) * 0x9e3779b97f4a7c15ULL;
	return &nexthops.buckets[(hash >> 32) & nexthops.bucket_mask];
}

static void wake(void)
{
	uint64_t one = 1;

	while (write(nexthops.wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

int nexthop_acquire(int family, const union abi_addr *from, const union abi_addr *to, uint32_t *row)
{
	struct destination *destination;
	uint32_t *bucket, index;
	bool created = false;

	pthread_mutex_lock(&nexthops.lock);
	bucket = bucket_of(from, to);
	for (index = *bucket; index; index = nexthops.table[index - 1].next) {
		destination = &nexthops.table[index - 1];
		if (destination->family == family && !memcmp(&destination->from, from, sizeof(*from)) &&
		    !memcmp(&destination->to, to, sizeof(*to)))
			break;
	}
	if (!index) {
		if (nexthops.free_count > ROWS_AT_REST ||
		    (nexthops.free_count && nexthops.used == nexthops.rows)) {
			index = nexthops.free_first;
			nexthops.free_first = nexthops.table[index - 1].next;
			nexthops.free_count--;
		} else if (nexthops.used < nexthops.rows) {
			index = nexthops.used + 1;
			__atomic_store_n(&nexthops.used, index, __ATOMIC_RELEASE);
		} else {
			pthread_mutex_unlock(&nexthops.lock);
			return -ENOSPC;
		}
		destination = &nexthops.table[index - 1];
		memset(destination, 0, sizeof(*destination));
		destination->family = (uint8_t)family;
		destination->from = *from;
		destination->to = *to;
		__atomic_store_n(&destination->stale, true, __ATOMIC_RELEASE);
		destination->next = *bucket;
		*bucket = index;
		created = true;
	}
	nexthops.table[index - 1].users++;
	pthread_mutex_unlock(&nexthops.lock);
	if (created)
		wake();
	*row = index - 1;
	return 0;
}

void nexthop_release(uint32_t row)
{
	struct destination *destination;
	uint32_t *link;

	pthread_mutex_lock(&nexthops.lock);
	destination = &nexthops.table[row];
	if (--destination->users == 0) {
		link = bucket_of(&destination->from, &destination->to);
		while (*link != row + 1)
			link = &nexthops.table[*link - 1].next;
		*link = destination->next;
		if (nexthops.free_count++)
			nexthops.table[nexthops.free_last - 1].next = row + 1;
		else
			nexthops.free_first = row + 1;
		nexthops.free_last = row + 1;
		destination->next = 0;
		if (destination->resolved)
			map_hop_put(row, NULL);
		destination->resolved = false;
	}
	pthread_mutex_unlock(&nexthops.lock);
}

/*
 * Has the kernel resolve or confirm the gateway. If it may not, the packets that
 * are passed up make the kernel resolve it, only later.
 */
static void probe(const struct destination *destination)
{
	netlink_probe(nexthops.questions, destination->family, destination->ifindex,
		      &destination->gateway);
}

/* The way as the kernel has it now. `destination` is a copy. 0 or -errno. */
static int resolve(struct destination *destination, struct hop *hop)
{
	struct route route;
	struct link link;
	uint32_t mtu;
	uint8_t mac[6];
	bool aged, redirect, transmit;
	int error;

	memset(hop, 0, sizeof(*hop));
	destination->ifindex = 0;
	error = netlink_route(nexthops.questions, destination->family, &destination->from,
			      &destination->to, &route);
	if (error)
		return error;
	destination->ifindex = route.ifindex;
	destination->gateway = route.gateway;
	error = netlink_link(nexthops.questions, route.ifindex, &link);
	if (error)
		return error;
	if (!link.up || !link.ethernet)
		return -ENETDOWN;
	error = netlink_neighbour(nexthops.questions, destination->family, route.ifindex,
				  &route.gateway, mac, &aged);
	if (error == -EHOSTUNREACH && (destination->resolved || !destination->probed)) {
		destination->probed = true;
		probe(destination);
	}
	if (error)
		return error;
	destination->probed = false;
	if (aged)
		probe(destination);

	hop->ifindex = route.ifindex;
	mtu = route.mtu && route.mtu < link.mtu ? route.mtu : link.mtu;
	hop->mtu = (uint16_t)(mtu < UINT16_MAX ? mtu : UINT16_MAX);
	nexthops.callbacks.device_abilities(route.ifindex, &redirect, &transmit);
	hop->redirect = redirect && !map_device_put(route.ifindex);
	hop->transmit = transmit;
	memcpy(hop->eth, mac, sizeof(mac));
	memcpy(hop->eth + sizeof(mac), link.mac, sizeof(link.mac));
	return 0;
}

/* Brings one row up to date; its owner may have gone meanwhile. */
static void update(uint32_t row)
{
	struct destination *destination = &nexthops.table[row];
	struct destination copy;
	struct hop hop;
	bool resolved;

	pthread_mutex_lock(&nexthops.lock);
	copy = *destination;
	__atomic_store_n(&destination->stale, false, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&nexthops.lock);
	if (!copy.users || !copy.stale)
		return;
	resolved = !resolve(&copy, &hop);

	pthread_mutex_lock(&nexthops.lock);
	if (destination->users && !memcmp(&destination->from, &copy.from, sizeof(copy.from)) &&
	    !memcmp(&destination->to, &copy.to, sizeof(copy.to))) {
		destination->ifindex = copy.ifindex;
		destination->gateway = copy.gateway;
		destination->probed = copy.probed;
		if (resolved != destination->resolved ||
		    (resolved && memcmp(&destination->hop, &hop, sizeof(hop))))
			map_hop_put(row, resolved ? &hop : NULL);
		destination->resolved = resolved;
		destination->hop = hop;
	}
	pthread_mutex_unlock(&nexthops.lock);
}

static void mark(uint32_t ifindex, const union abi_addr *gateway)
{
	pthread_mutex_lock(&nexthops.lock);
	for (uint32_t row = 0; row < nexthops.used; row++) {
		struct destination *destination = &nexthops.table[row];

		if (!gateway || (destination->ifindex == ifindex &&
				 !memcmp(&destination->gateway, gateway, sizeof(*gateway))))
			__atomic_store_n(&destination->stale, true, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&nexthops.lock);
}

static void mark_all(void)
{
	nexthops.callbacks.links_changed();
	mark(0, NULL);
}

/* A neighbour concerns those rows that lead by it; anything else, all rows. */
static int hear(const struct nlmsghdr *message, void *all)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	union abi_addr address = { 0 };

	if (message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH) {
		*(bool *)all = true;
		return MNL_CB_OK;
	}
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		if (mnl_attr_get_type(attribute) == NDA_DST &&
		    mnl_attr_get_payload_len(attribute) <= sizeof(address)) {
			memcpy(&address, mnl_attr_get_payload(attribute),
			       mnl_attr_get_payload_len(attribute));
			mark((uint32_t)header->ndm_ifindex, &address);
		}
	}
	return MNL_CB_OK;
}

/* Reads all events there are. Events that were lost may have been any. */
static void hear_all(void)
{
	char buffer[32768];
	bool all = false;

	for (;;) {
		ssize_t size = mnl_socket_recvfrom(nexthops.events, buffer, sizeof(buffer));

		if (size > 0)
			mnl_cb_run(buffer, (size_t)size, 0, 0, hear, &all);
		else if (size < 0 && errno == ENOBUFS)
			all = true;
		else if (size == 0 || errno != EINTR)
			break;
	}
	if (all)
		mark_all();
}

/* Looks at the rows that may have changed. */
static void update_all(void)
{
	uint32_t used = __atomic_load_n(&nexthops.used, __ATOMIC_ACQUIRE);
	bool any = false;

	for (uint32_t row = 0; row < used; row++) {
		if (__atomic_load_n(&nexthops.table[row].stale, __ATOMIC_ACQUIRE)) {
			update(row);
			any = true;
		}
	}
	if (any)
		usleep(SETTLE_US);
}

static void *run(void *unused)
{
	struct pollfd ready[] = {
		{ .fd = nexthops.wake, .events = POLLIN },
		{ .fd = mnl_socket_get_fd(nexthops.events), .events = POLLIN },
	};

	(void)unused;
	privilege_keep();
	while (__atomic_load_n(&nexthops.running, __ATOMIC_ACQUIRE)) {
		uint64_t count;
		int events = poll(ready, 2, REFRESH_MS);

		if (__atomic_exchange_n(&nexthops.dropped, false, __ATOMIC_ACQUIRE))
			privilege_net_admin();
		if (events == 0)
			mark_all();
		if (events > 0 && ready[0].revents && read(nexthops.wake, &count, sizeof(count)) < 0 &&
		    errno != EAGAIN)
			log_line(LOG_LEVEL_ERROR, "next hops: %s", strerror(errno));
		if (events > 0 && ready[1].revents)
			hear_all();
		update_all();
	}
	return NULL;
}

static uint32_t power_of_two_from(uint32_t number)
{
	uint32_t power = 16;

	while (power < number)
		power *= 2;
	return power;
}

/* Frees what nexthop_start has made so far. */
static void clear(void)
{
	netlink_close(nexthops.events);
	netlink_close(nexthops.questions);
	if (nexthops.wake >= 0)
		close(nexthops.wake);
	free(nexthops.table);
	free(nexthops.buckets);
	nexthops.events = nexthops.questions = NULL;
	nexthops.table = NULL;
	nexthops.buckets = NULL;
	nexthops.wake = -1;
	nexthops.rows = nexthops.used = 0;
	nexthops.free_first = nexthops.free_last = nexthops.free_count = 0;
}

int nexthop_start(uint32_t rows, const struct nexthop_callbacks *callbacks)
{
	uint32_t buckets = power_of_two_from(rows);
	int error = ENOMEM;

	nexthops.callbacks = *callbacks;
	nexthops.rows = rows;
	nexthops.bucket_mask = buckets - 1;
	nexthops.table = calloc(rows, sizeof(*nexthops.table));
	nexthops.buckets = calloc(buckets, sizeof(*nexthops.buckets));
	if (!nexthops.table || !nexthops.buckets)
		goto failed;
	nexthops.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	nexthops.events = netlink_listen();
	nexthops.questions = netlink_open();
	if (nexthops.wake < 0 || !nexthops.events || !nexthops.questions) {
		error = errno;
		goto failed;
	}
	nexthops.running = true;
	error = pthread_create(&nexthops.thread, NULL, run, NULL);
	if (error) {
		nexthops.running = false;
		goto failed;
	}
	return 0;
failed:
	clear();
	return -error;
}

void nexthop_privileges_dropped(void)
{
	if (!nexthops.running)
		return;
	__atomic_store_n(&nexthops.dropped, true, __ATOMIC_RELEASE);
	wake();
}

void nexthop_stop(void)
{
	if (!nexthops.running)
		return;
	__atomic_store_n(&nexthops.running, false, __ATOMIC_RELEASE);
	wake();
	pthread_join(nexthops.thread, NULL);
	clear();
}
