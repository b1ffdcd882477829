/* SPDX-License-Identifier: BSD-3-Clause */
#include "nexthop.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "ipsec.h"
#include "log.h"
#include "map.h"
#include "netlink.h"
#include "privilege.h"
#include "resolve.h"

/*
 * What no event tells of, such as a path MTU that was learned or forgotten, is
 * found by looking at all rows again: every second, but not for more than a
 * twentieth of the time, so less often where there are many.
 */
#define REFRESH_MS 1000
#define REFRESH_PAUSE 20
#define REFRESH_MS_MAX 30000
/* Changes come in bursts; and a row rests between two writes (see abi.h). */
#define SETTLE_US 1000
/* Rows that were given back stay unused while there are others. */
#define ROWS_AT_REST 256

struct destination {
	struct way way;
	struct hop hop; /* what the row holds, if way.known */
	bool stale;     /* the row is to be looked at again */
	uint32_t users;
	uint32_t next; /* in its bucket, or in the free list: index + 1, 0 ends */
};

/* The second and third are missing on some kernels. */
enum event_source { EVENT_ROUTING, EVENT_DEVICES, EVENT_IPSEC, EVENT_SOURCES };

static struct {
	pthread_mutex_t lock; /* of the table; not held while the kernel is asked */
	pthread_t thread;
	bool running, dropped; /* dropped: the server has changed its user */
	struct nexthop_callbacks callbacks;
	int wake; /* eventfd: a row is to be looked at, or the thread is to end */
	sem_t started;
	struct mnl_socket *events[EVENT_SOURCES];
	struct mnl_socket *questions;
	bool barred; /* IPsec policies: no row leads anywhere */
	struct destination *table;
	uint32_t rows, used; /* rows ever used are the first of the table */
	uint32_t *buckets, bucket_mask;
	uint32_t free_first, free_last, free_count; /* a queue, longest free first */
} nexthops = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = -1 };

static bool leads(const struct way *way, int family, const union abi_addr *from,
		  const union abi_addr *to)
{
	return way->family == family && !memcmp(&way->from, from, sizeof(*from)) &&
	       !memcmp(&way->to, to, sizeof(*to));
}

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
		if (leads(&nexthops.table[index - 1].way, family, from, to))
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
		destination->way.family = (uint8_t)family;
		destination->way.from = *from;
		destination->way.to = *to;
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
		link = bucket_of(&destination->way.from, &destination->way.to);
		while (*link != row + 1)
			link = &nexthops.table[*link - 1].next;
		*link = destination->next;
		if (nexthops.free_count++)
			nexthops.table[nexthops.free_last - 1].next = row + 1;
		else
			nexthops.free_first = row + 1;
		nexthops.free_last = row + 1;
		destination->next = 0;
		if (destination->way.known)
			map_hop_put(row, NULL);
		destination->way.known = false;
	}
	pthread_mutex_unlock(&nexthops.lock);
}

/* Brings one row up to date; its owner may have gone meanwhile. */
static void update(uint32_t row)
{
	struct destination *destination = &nexthops.table[row];
	struct hop hop;
	struct way way;
	bool wanted, known;

	pthread_mutex_lock(&nexthops.lock);
	way = destination->way;
	wanted = destination->users && destination->stale;
	__atomic_store_n(&destination->stale, false, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&nexthops.lock);
	if (!wanted)
		return;
	known = way_find(nexthops.questions, nexthops.callbacks.device_abilities, &way, &hop) == 0 &&
		!nexthops.barred;

	pthread_mutex_lock(&nexthops.lock);
	if (destination->users && leads(&destination->way, way.family, &way.from, &way.to)) {
		if (known != destination->way.known ||
		    (known && memcmp(&destination->hop, &hop, sizeof(hop))))
			map_hop_put(row, known ? &hop : NULL);
		destination->way = way;
		destination->way.known = known;
		destination->hop = hop;
	}
	pthread_mutex_unlock(&nexthops.lock);
}

static void mark(uint32_t ifindex, const union abi_addr *gateway)
{
	pthread_mutex_lock(&nexthops.lock);
	for (uint32_t row = 0; row < nexthops.used; row++) {
		struct destination *destination = &nexthops.table[row];

		if (!gateway || (destination->way.ifindex == ifindex &&
				 !memcmp(&destination->way.gateway, gateway, sizeof(*gateway))))
			__atomic_store_n(&destination->stale, true, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&nexthops.lock);
}

/* XDP would bypass policies: nothing leads anywhere while there are any. */
static void look_for_ipsec(void)
{
	bool any = false;

	if (!ipsec_policies(&any) && any != nexthops.barred)
		log_line(LOG_LEVEL_WARNING, any ? "this host has IPsec policies, which XDP would bypass: everything is relayed in userspace" :
						  "IPsec policies are gone: channels are offloaded again");
	nexthops.barred = any;
}

static void mark_all(void)
{
	look_for_ipsec();
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
static void hear_all(enum event_source source)
{
	char buffer[32768];
	bool all = source != EVENT_ROUTING;

	for (;;) {
		ssize_t size = mnl_socket_recvfrom(nexthops.events[source], buffer, sizeof(buffer));

		if (size > 0 && source == EVENT_ROUTING)
			mnl_cb_run(buffer, (size_t)size, 0, 0, hear, &all);
		else if (size < 0 && errno == ENOBUFS)
			all = true;
		else if (size == 0 || (size < 0 && errno != EINTR))
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

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What the other threads want, and what the kernel tells. */
static void attend(struct pollfd *ready)
{
	uint64_t count;

	if (ready[EVENT_SOURCES].revents && read(nexthops.wake, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		log_line(LOG_LEVEL_ERROR, "next hops: %s", strerror(errno));
	if (__atomic_exchange_n(&nexthops.dropped, false, __ATOMIC_ACQUIRE) && privilege_net_admin())
		log_line(LOG_LEVEL_WARNING, "CAP_NET_ADMIN is lost: neighbours are resolved by the packets that "
					    "are relayed in userspace only");
	for (int source = 0; source < EVENT_SOURCES; source++) {
		if (ready[source].revents)
			hear_all(source);
	}
}

/* How long to leave the rows alone after a look at all of them that took so long. */
static int64_t refresh_pause(int64_t took)
{
	int64_t pause = took * REFRESH_PAUSE;

	return pause < REFRESH_MS ? REFRESH_MS : pause > REFRESH_MS_MAX ? REFRESH_MS_MAX : pause;
}

static void *run(void *unused)
{
	struct pollfd ready[EVENT_SOURCES + 1];
	int64_t refresh = 0;

	(void)unused;
	privilege_keep();
	sem_post(&nexthops.started);
	for (int i = 0; i < EVENT_SOURCES; i++)
		ready[i] = (struct pollfd){
			.fd = nexthops.events[i] ? mnl_socket_get_fd(nexthops.events[i]) : -1,
			.events = POLLIN,
		};
	ready[EVENT_SOURCES] = (struct pollfd){ .fd = nexthops.wake, .events = POLLIN };

	while (__atomic_load_n(&nexthops.running, __ATOMIC_ACQUIRE)) {
		int64_t started = now_ms(), now;

		if (started >= refresh)
			mark_all();
		update_all();
		now = now_ms();
		if (started >= refresh)
			refresh = now + refresh_pause(now - started);
		if (refresh <= now || poll(ready, EVENT_SOURCES + 1, (int)(refresh - now)) > 0)
			attend(ready);
	}
	return NULL;
}

/* Without signals, which are for coturn's threads. 0 or an errno. */
static int start_thread(void)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	sem_init(&nexthops.started, 0, 0);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&nexthops.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* What it may is settled before the server changes its user. */
	while (!error && sem_wait(&nexthops.started) && errno == EINTR)
		;
	return error;
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
	for (int i = 0; i < EVENT_SOURCES; i++) {
		netlink_close(nexthops.events[i]);
		nexthops.events[i] = NULL;
	}
	netlink_close(nexthops.questions);
	if (nexthops.wake >= 0)
		close(nexthops.wake);
	free(nexthops.table);
	free(nexthops.buckets);
	nexthops.questions = NULL;
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
	nexthops.events[EVENT_ROUTING] = netlink_listen();
	if (nexthops.wake >= 0 && nexthops.events[EVENT_ROUTING])
		nexthops.questions = netlink_open();
	if (!nexthops.questions) {
		error = errno;
		goto failed;
	}
	nexthops.events[EVENT_DEVICES] = device_listen();
	nexthops.events[EVENT_IPSEC] = ipsec_listen();
	nexthops.running = true;
	error = start_thread();
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
