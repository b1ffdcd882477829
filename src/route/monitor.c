/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "netlink/device.h"
#include "route/ipsec.h"
#include "base/log.h"
#include "table/maps.h"
#include "table/status.h"
#include "netlink/rtnetlink.h"
#include "base/capability.h"

/*
 * What no event tells of, such as a path MTU that was learned or forgotten, is
 * found by looking at all entries again: in a second, but not for more than a
 * twentieth of the time, so more slowly where there are many.
 */
#define REFRESH_US 1000000
#define REFRESH_PAUSE 20
#define REFRESH_US_MAX 30000000

/* The second and third are missing on some kernels. */
enum event_source { EVENT_ROUTING, EVENT_DEVICES, EVENT_IPSEC, EVENT_SOURCES };

static struct {
	struct monitor_callbacks callbacks;
	pthread_t thread;
	sem_t started;
	bool running, dropped; /* dropped: the server has changed its user */
	int wake;              /* eventfd: there is work, or the thread is to end */
	struct mnl_socket *events[EVENT_SOURCES];
	bool blocked; /* the host has IPsec policies */
	/* When the rest of the host, and when a piece of the entries is looked at again. */
	int64_t next_look, next_refresh;
} watcher = { .wake = -1 };

bool monitor_blocked(void)
{
	return watcher.blocked;
}

void monitor_wake(void)
{
	uint64_t one = 1;

	while (write(watcher.wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* XDP would bypass policies: nothing leads anywhere while there are any. */
static void look_for_ipsec(void)
{
	bool any = false;

	/* An answer that cannot be had changes nothing: policies may still be there. */
	if (ipsec_policies(&any))
		return;
	if (any != watcher.blocked)
		log_line(LOG_LEVEL_WARNING, any ? "this host has IPsec policies, which XDP would bypass: everything is relayed in userspace" :
						  "IPsec policies are gone: channels are offloaded again");
	if (any != watcher.blocked)
		watcher.callbacks.all_changed();
	watcher.blocked = any;
	status_blocked_put(any);
}

static void all_changed(void)
{
	look_for_ipsec();
	watcher.callbacks.links_changed();
	watcher.callbacks.all_changed();
}

/* What events at one time come to, besides what was done about each. */
struct heard {
	unsigned int routes;
	bool entries; /* all entries are to be updated */
	bool all;  /* and links and policies looked at */
};

/* Routes are looked for one by one, unless many change at a time. */
#define ROUTES_AT_ONCE 8

static void hear_route(const struct nlmsghdr *message, struct heard *heard)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	union abi_addr prefix = { 0 };
	bool found = false;

	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		if (mnl_attr_get_type(attribute) == RTA_DST &&
		    mnl_attr_get_payload_len(attribute) <= sizeof(prefix) &&
		    header->rtm_dst_len <= 8 * mnl_attr_get_payload_len(attribute)) {
			memcpy(&prefix, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
			found = true;
		}
	}
	if (!found || ++heard->routes > ROUTES_AT_ONCE)
		heard->entries = true;
	else
		watcher.callbacks.route_changed(header->rtm_family, &prefix, header->rtm_dst_len);
}

static void hear_neighbour(const struct nlmsghdr *message)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	union abi_addr address = { 0 };

	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		if (mnl_attr_get_type(attribute) == NDA_DST &&
		    mnl_attr_get_payload_len(attribute) <= sizeof(address)) {
			memcpy(&address, mnl_attr_get_payload(attribute),
			       mnl_attr_get_payload_len(attribute));
			watcher.callbacks.neighbour_changed(header->ndm_family,
							    (uint32_t)header->ndm_ifindex, &address);
		}
	}
}

/*
 * A neighbour concerns those entries that lead by it, a route those to what it
 * covers; anything else, all entries.
 */
static int hear(const struct nlmsghdr *message, void *data)
{
	struct heard *heard = data;

	switch (message->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		hear_neighbour(message);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		hear_route(message, heard);
		break;
	default:
		heard->all = true;
	}
	return MNL_CB_OK;
}

/* Reads all events there are. Events that were lost may have been any. */
static void hear_all(enum event_source source)
{
	char buffer[32768];
	struct heard heard = { .all = source != EVENT_ROUTING };

	for (;;) {
		ssize_t size = mnl_socket_recvfrom(watcher.events[source], buffer, sizeof(buffer));

		if (size > 0 && source == EVENT_ROUTING) {
			mnl_cb_run(buffer, (size_t)size, 0, 0, hear, &heard);
		} else if (size < 0 && errno == ENOBUFS) {
			heard.all = true;
			status_count_overrun();
		} else if (size == 0 || (size < 0 && errno != EINTR)) {
			break;
		}
	}
	if (heard.all)
		all_changed();
	else if (heard.entries)
		watcher.callbacks.all_changed();
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Where tables want CAP_BPF, so does attaching to an interface that comes back. */
static unsigned int kept(void)
{
	return CAPABILITY_NET_ADMIN | (maps_want_bpf() ? CAPABILITY_BPF : 0);
}

/* The server has given up root, and with it what was not kept. */
static void drop(void)
{
	if (!capability_reduce(kept()))
		return;
	if (capability_reduce(CAPABILITY_NET_ADMIN))
		log_line(LOG_LEVEL_WARNING, "CAP_NET_ADMIN is lost: neighbours are resolved by the packets that "
					    "are relayed in userspace only");
	if (maps_want_bpf())
		log_line(LOG_LEVEL_WARNING,
			 "CAP_BPF is lost, which this kernel (before 5.19) wants for each change of a table: interfaces "
			 "and ways out that are new are left to coturn");
}

/* What the other threads want, and what the kernel tells. */
static void attend(struct pollfd *ready)
{
	uint64_t count;

	if (ready[EVENT_SOURCES].revents && read(watcher.wake, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		log_line(LOG_LEVEL_ERROR, "events: %s", strerror(errno));
	if (__atomic_exchange_n(&watcher.dropped, false, __ATOMIC_ACQUIRE))
		drop();
	for (int source = 0; source < EVENT_SOURCES; source++) {
		if (ready[source].revents)
			hear_all(source);
	}
}

/* From one piece of the entries to the next, if one took so long. */
static int64_t refresh_period(int64_t took, uint32_t pieces)
{
	int64_t period = took * REFRESH_PAUSE;

	if (period < REFRESH_US / pieces)
		period = REFRESH_US / pieces;
	return period < REFRESH_US_MAX / pieces ? period : REFRESH_US_MAX / pieces;
}

/* Does a part of what there is to do. When there is more: at once if that is past. */
static int64_t work(void)
{
	int64_t started = now_us();
	uint32_t pieces = 0;
	bool more;

	if (started >= watcher.next_look) {
		watcher.next_look = started + REFRESH_US;
		look_for_ipsec();
		watcher.callbacks.links_changed();
	}
	if (started >= watcher.next_refresh)
		pieces = watcher.callbacks.refresh();
	more = watcher.callbacks.update();
	if (pieces)
		watcher.next_refresh = started + refresh_period(now_us() - started, pieces);
	if (more)
		return 0;
	return watcher.next_refresh < watcher.next_look ? watcher.next_refresh : watcher.next_look;
}

static void *run(void *unused)
{
	struct pollfd ready[EVENT_SOURCES + 1];

	(void)unused;
	capability_keep(kept());
	sem_post(&watcher.started);
	for (int i = 0; i < EVENT_SOURCES; i++)
		ready[i] = (struct pollfd){
			.fd = watcher.events[i] ? mnl_socket_get_fd(watcher.events[i]) : -1,
			.events = POLLIN,
		};
	ready[EVENT_SOURCES] = (struct pollfd){ .fd = watcher.wake, .events = POLLIN };

	while (__atomic_load_n(&watcher.running, __ATOMIC_ACQUIRE)) {
		int64_t next = work(), now = now_us();
		int timeout = next > now ? (int)((next - now) / 1000 + 1) : 0;

		if (poll(ready, EVENT_SOURCES + 1, timeout) > 0)
			attend(ready);
	}
	return NULL;
}

/* The thread gets no signals: those are for coturn's threads. 0 or -errno. */
static int create_thread(void)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&watcher.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

static int start_thread(void)
{
	int error;

	sem_init(&watcher.started, 0, 0);
	error = create_thread();
	/* What it may is settled before the server changes its user. */
	while (!error && sem_wait(&watcher.started) && errno == EINTR)
		;
	return error;
}

/* Closes what monitor_start has opened so far. */
static void close_all(void)
{
	for (int i = 0; i < EVENT_SOURCES; i++) {
		rtnetlink_close(watcher.events[i]);
		watcher.events[i] = NULL;
	}
	if (watcher.wake >= 0)
		close(watcher.wake);
	watcher.wake = -1;
}

int monitor_start(const struct monitor_callbacks *callbacks)
{
	int error = 0;

	watcher.callbacks = *callbacks;
	watcher.next_look = watcher.next_refresh = 0;
	watcher.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watcher.wake >= 0)
		watcher.events[EVENT_ROUTING] = rtnetlink_listen();
	if (!watcher.events[EVENT_ROUTING])
		error = -errno;
	if (!error) {
		watcher.events[EVENT_DEVICES] = device_listen();
		watcher.events[EVENT_IPSEC] = ipsec_listen();
		watcher.running = true;
		error = start_thread();
	}
	if (error) {
		watcher.running = false;
		close_all();
	}
	return error;
}

void monitor_privileges_dropped(void)
{
	if (!watcher.running)
		return;
	__atomic_store_n(&watcher.dropped, true, __ATOMIC_RELEASE);
	monitor_wake();
}

void monitor_stop(void)
{
	if (!watcher.running)
		return;
	__atomic_store_n(&watcher.running, false, __ATOMIC_RELEASE);
	monitor_wake();
	pthread_join(watcher.thread, NULL);
	close_all();
}
