/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/clock.h"
#include "base/log.h"
#include "netlink/device.h"
#include "netlink/request.h"
#include "netlink/rtnetlink.h"
#include "route/ipsec.h"
#include "route/watchdog.h"
#include "table/maps.h"

#define SECOND_NS 1000000000ULL
/*
 * No event tells of some changes, such as a path MTU that was learned or forgotten. To
 * find them all entries are updated again within a second; where there are many, this
 * takes at most a twentieth of the thread's time, but not more than 30 seconds.
 */
#define REFRESH_NS SECOND_NS
#define REFRESH_SHARE 20
#define REFRESH_NS_MAX (30 * SECOND_NS)
/* The host may be looked at this much earlier than it is due if something else is due, so that one wake-up does for both. */
#define TOGETHER_NS (SECOND_NS / 50)

/* Every kernel has the first; the sockets of the others may be NULL. That of the host may come later. */
enum event_source { EVENT_ROUTING,
		    EVENT_DEVICES,
		    EVENT_IPSEC,
		    EVENT_HOST,
		    EVENT_SOURCES };

static struct {
	struct monitor_callbacks callbacks;
	pthread_t thread;
	sem_t started; /* the thread has marked the capabilities that it keeps */
	bool running;  /* false: the thread is to end */
	bool dropped;  /* the server has changed its user, and the thread has not yet seen to it */
	int wake;      /* eventfd: there is work, or one of the above has changed */
	struct mnl_socket *sockets[EVENT_SOURCES];
	/* The kernel has told of a change: until then, all that it tells of is read at each look, and once at least. */
	uint64_t heard_until_ns;
	bool unseen; /* it was not read since */
	/* When links and policies, and when the next piece of the entries is updated again. */
	uint64_t next_look_ns, next_refresh_ns;
} monitor = { .wake = -1 };

void monitor_wake(void)
{
	uint64_t one = 1;

	while (write(monitor.wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/*
 * The kernel tells of some changes before it makes them (fib_table_delete). So what it is asked is asked again a second
 * later.
 */
#define HEARD_NS (3 * SECOND_NS / 2)

static void hear(void)
{
	monitor.heard_until_ns = clock_monotonic_ns() + HEARD_NS;
	monitor.unseen = true;
}

/* ---- the thread's capabilities ---- */

/* Kernels that want CAP_BPF for a change of a table also need it to attach the program again. */
static unsigned int kept_capabilities(void)
{
	return CAPABILITY_NET_ADMIN | (maps_want_bpf() ? CAPABILITY_BPF : 0);
}

/* The server has given up root, and with it the capabilities that were not kept. */
static void reduce_capabilities(void)
{
	bool reduced = !capability_reduce(kept_capabilities());

	/* What the kernel has refused to tell in between is asked once more. */
	request_socket_forget_own();
	hear();
	if (reduced)
		return;
	if (capability_reduce(CAPABILITY_NET_ADMIN))
		log_line(LOG_LEVEL_WARNING,
			 "CAP_NET_ADMIN is lost: neighbours are resolved only when coturn itself sends to them, and IPsec "
			 "policies that come from now on are not noticed; firewalls cannot be read, so this host counts as one that "
			 "examines and translates packets; let the server start with CAP_NET_ADMIN");
	if (maps_want_bpf())
		log_line(LOG_LEVEL_WARNING,
			 "CAP_BPF is lost, which this kernel (before 5.19) wants for each change of a table: channels over "
			 "interfaces that are new from now on are relayed in userspace; let the server start with CAP_BPF");
}

/* ---- the thread ---- */

static void look_at_ipsec(void)
{
	if (ipsec_refresh())
		monitor.callbacks.all_changed();
}

static bool has_heard(void)
{
	return monitor.unseen || clock_monotonic_ns() < monitor.heard_until_ns;
}

static void look_at_links(void)
{
	monitor.callbacks.look_at_links(has_heard());
}

static void read_events(enum event_source source)
{
	enum events_extent extent;

	if (source == EVENT_HOST) {
		monitor.callbacks.host.heard(monitor.sockets[source]);
		return;
	}
	extent = source == EVENT_ROUTING ? events_read_routing(monitor.sockets[source], &monitor.callbacks.events) :
					   events_read_others(monitor.sockets[source]);
	if (extent >= EVENTS_ROUTES)
		hear();
	if (extent == EVENTS_ALL) {
		look_at_ipsec();
		look_at_links();
	}
	if (extent >= EVENTS_ENTRIES)
		monitor.callbacks.all_changed();
}

/* Sees to what other threads want, and to what the kernel tells. */
static void attend(struct pollfd *ready)
{
	uint64_t count;

	if (ready[EVENT_SOURCES].revents && read(monitor.wake, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		log_line(LOG_LEVEL_ERROR, "cannot read the eventfd that wakes the offload's monitor thread: %s", strerror(errno));
	if (__atomic_exchange_n(&monitor.dropped, false, __ATOMIC_ACQUIRE))
		reduce_capabilities();
	for (int source = 0; source < EVENT_SOURCES; source++) {
		if (ready[source].revents)
			read_events(source);
	}
}

/* The pause between two pieces of the entries, given the time that one took and the number of pieces. */
static uint64_t refresh_period(uint64_t took_ns, uint32_t pieces)
{
	uint64_t period = took_ns * REFRESH_SHARE;

	if (period < REFRESH_NS / pieces)
		period = REFRESH_NS / pieces;
	return period < REFRESH_NS_MAX / pieces ? period : REFRESH_NS_MAX / pieces;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What is looked at once a second. */
static void look_around(void)
{
	if (!monitor.sockets[EVENT_HOST])
		monitor.sockets[EVENT_HOST] = monitor.callbacks.host.listen();
	/* The kernel tells of new policies, but not on this socket of those that expire (km_policy_expired). */
	if (has_heard() || ipsec_blocks() || ipsec_is_unanswered() || !monitor.sockets[EVENT_IPSEC])
		look_at_ipsec();
	look_at_links();
}

/* Does a piece of what is to be done. Returns the time at which to work again; 0 means now. */
static uint64_t work(void)
{
	uint64_t started = clock_monotonic_ns(), next_host_ns;
	bool due = started >= monitor.next_look_ns || started >= monitor.next_refresh_ns, more;
	uint32_t pieces = 0;

	if (started >= monitor.next_look_ns) {
		monitor.next_look_ns = started + REFRESH_NS;
		look_around();
	}
	next_host_ns = monitor.callbacks.host.look(due ? started + TOGETHER_NS : started, has_heard());
	if (started >= monitor.next_refresh_ns)
		pieces = monitor.callbacks.refresh();
	more = monitor.callbacks.update(has_heard());
	monitor.unseen = false;
	if (pieces)
		monitor.next_refresh_ns = started + refresh_period(clock_monotonic_ns() - started, pieces);
	if (more)
		return 0;
	return sooner(next_host_ns, sooner(monitor.next_refresh_ns, monitor.next_look_ns));
}

/* Sockets may have come since the last poll. */
static void prepare_poll(struct pollfd *ready)
{
	for (int i = 0; i < EVENT_SOURCES; i++)
		ready[i] = (struct pollfd){
			.fd = monitor.sockets[i] ? mnl_socket_get_fd(monitor.sockets[i]) : -1,
			.events = POLLIN,
		};
	ready[EVENT_SOURCES] = (struct pollfd){ .fd = monitor.wake, .events = POLLIN };
}

static void *run(void *unused)
{
	struct pollfd ready[EVENT_SOURCES + 1];

	(void)unused;
	capability_keep(kept_capabilities());
	watchdog_report(clock_monotonic_ns(), clock_monotonic_ns());
	sem_post(&monitor.started);
	while (__atomic_load_n(&monitor.running, __ATOMIC_ACQUIRE)) {
		uint64_t began = clock_monotonic_ns(), next = work(), now = clock_monotonic_ns();
		int timeout = next > now ? (int)((next - now) / 1000000 + 1) : 0;

		watchdog_report(began, now);
		prepare_poll(ready);
		if (poll(ready, EVENT_SOURCES + 1, timeout) > 0)
			attend(ready);
	}
	return NULL;
}

/* ---- starting and ending ---- */

/* The thread gets no signals, which are for coturn's own threads. 0 or -errno. */
static int create_thread(void)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&monitor.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

static int start_thread(void)
{
	int error;

	sem_init(&monitor.started, 0, 0);
	error = create_thread();
	/* The server may change its user once this returns; by then the thread has marked what it keeps. */
	while (!error && sem_wait(&monitor.started) && errno == EINTR)
		;
	return error;
}

/* Closes what monitor_start has opened so far. */
static void close_all(void)
{
	for (int i = 0; i < EVENT_SOURCES; i++) {
		rtnetlink_close(monitor.sockets[i]);
		monitor.sockets[i] = NULL;
	}
	if (monitor.wake >= 0)
		close(monitor.wake);
	monitor.wake = -1;
}

int monitor_start(const struct monitor_callbacks *callbacks)
{
	int error = 0;

	monitor.callbacks = *callbacks;
	monitor.next_look_ns = monitor.next_refresh_ns = 0;
	/* Nobody was told of what has changed since the start. */
	hear();
	monitor.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (monitor.wake >= 0)
		monitor.sockets[EVENT_ROUTING] = rtnetlink_listen();
	if (!monitor.sockets[EVENT_ROUTING])
		error = -errno;
	if (!error) {
		monitor.sockets[EVENT_DEVICES] = device_listen();
		monitor.sockets[EVENT_IPSEC] = ipsec_listen();
		monitor.running = true;
		error = start_thread();
	}
	if (error) {
		monitor.running = false;
		close_all();
	}
	return error;
}

void monitor_privileges_dropped(void)
{
	if (!monitor.running)
		return;
	__atomic_store_n(&monitor.dropped, true, __ATOMIC_RELEASE);
	monitor_wake();
}

void monitor_stop(void)
{
	if (!monitor.running)
		return;
	__atomic_store_n(&monitor.running, false, __ATOMIC_RELEASE);
	monitor_wake();
	pthread_join(monitor.thread, NULL);
	close_all();
}
