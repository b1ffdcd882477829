/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/relay_thread.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "mainrelay.h"

#include "base/log.h"
#include "coturn/channel_pool.h"
#include "coturn/refusal.h"
#include "coturn/release.h"
#include "coturn/send.h"

void __real_turn_report_session_usage(void *session, int force_invalid);

/* A channel that has carried nothing for so long gives up its slots when the tables are crowded. */
#define IDLE_SECONDS 30

/* How often each relay thread looks at its channels after something has happened on the host; and how many times. */
#define QUICK_TICK_MS 250
#define QUICK_TICKS 8

/* The state of the calling relay thread. */
static _Thread_local struct {
	bool started;
	int error; /* 0, or why the thread has no channels in the kernel */
	uint16_t owner;
	struct event *quick; /* the timer of the quick ticks */
	unsigned int hurry;  /* so many quick ticks are still to come; 0: the timer does not run */
	uint32_t resting;    /* so many channels are resting */
	uint64_t userspace;  /* packets of data that coturn has sent since the last tick */
	uint64_t bytes_in;   /* UDP payload that was read of the kernel's counters since then, as received */
	uint64_t bytes_out;  /* the same, as sent */
} thread;

/* How many relay threads have started: the next one gets this slot of the deadlines. */
static uint32_t threads_started;

/* Adds what the kernel has relayed since the last time to the session, and makes the reports that are due. */
static void fold(struct hooked_channel *hooked)
{
	ts_ur_super_session *ss = hooked->session;
	struct usage to_peer, to_client;
	struct usage_sum rest = { 0 }, part;
	bool due;

	if (!hooked->channel)
		return;
	offload_channel_read(hooked->channel, &to_peer, &to_client);
	release_count_processed(to_peer.packets);
	thread.bytes_in += to_peer.bytes_in + to_client.bytes_in;
	thread.bytes_out += to_peer.bytes_out + to_client.bytes_out;
	usage_add(&rest, &to_peer, &to_client, release_is_4_6() ? 0 : 4);
	hooked->idle_seconds = usage_empty(&rest) ? hooked->idle_seconds + 1 : 0;
	if (hooked->bandwidth)
		bandwidth_count(hooked->bandwidth, &rest);
	while (!usage_empty(&rest)) {
		due = usage_take(&rest,
				 ss->received_packets + ss->sent_packets + ss->peer_received_packets +
					 ss->peer_sent_packets,
				 &part);
		ss->received_packets += (uint32_t)part.packets[USAGE_RECEIVED];
		ss->received_bytes += (uint32_t)part.bytes[USAGE_RECEIVED];
		ss->sent_packets += (uint32_t)part.packets[USAGE_SENT];
		ss->sent_bytes += (uint32_t)part.bytes[USAGE_SENT];
		ss->peer_received_packets += (uint32_t)part.packets[USAGE_PEER_RECEIVED];
		ss->peer_received_bytes += (uint32_t)part.bytes[USAGE_PEER_RECEIVED];
		ss->peer_sent_packets += (uint32_t)part.packets[USAGE_PEER_SENT];
		ss->peer_sent_bytes += (uint32_t)part.bytes[USAGE_PEER_SENT];
		if (due)
			__real_turn_report_session_usage(ss, 0);
	}
}

void relay_thread_count_userspace(void)
{
	/* Before its first channel in the kernel the thread has no ticks. */
	if (thread.started)
		thread.userspace++;
	else
		offload_count_userspace(1);
}

bool relay_thread_has_resting(void)
{
	return thread.resting;
}

void relay_thread_wake(struct hooked_channel *hooked)
{
	if (hooked->resting)
		thread.resting--;
	hooked->resting = false;
	hooked->idle_seconds = 0;
}

void relay_thread_close(struct hooked_channel *hooked)
{
	relay_thread_wake(hooked);
	if (hooked->channel)
		offload_channel_close(hooked->channel);
	hooked->closed = true;
	hooked->relay = NULL;
	fold(hooked);
}

/* Gives the slots of a closed channel back, which other channels may get then. */
static void give_back(struct hooked_channel *hooked)
{
	offload_channel_free(hooked->channel);
	bandwidth_release(hooked->bandwidth);
	share_give(hooked->share);
	hooked->share = NULL;
	hooked->channel = NULL;
	hooked->bandwidth = NULL;
}

/*
 * Has a channel rest that nobody uses, so that another one gets its slots. Its next packet goes to coturn, and the
 * channel gets slots again then (send.c).
 */
static void rest(struct hooked_channel *hooked)
{
	offload_channel_close(hooked->channel);
	fold(hooked);
	give_back(hooked);
	hooked->resting = true;
	thread.resting++;
}

/*
 * Has the CPU fetch from memory what a tick reads of the channels of a block, many at a time. Otherwise it would wait for
 * each of them, because nothing of a second ago is in its caches. The counters come first, because they say which
 * sessions are needed.
 */
static void fetch(const struct hooked_channel *block)
{
	for (unsigned int i = 0; i < CHANNEL_POOL_BLOCK; i++) {
		if (block[i].channel)
			offload_channel_fetch(block[i].channel);
	}
	for (unsigned int i = 0; i < CHANNEL_POOL_BLOCK; i++) {
		if (!block[i].channel || !offload_channel_moved(block[i].channel))
			continue;
		offload_channel_fetch_rest(block[i].channel);
		/* These stand in two or three cache lines. */
		__builtin_prefetch(&block[i].session->received_packets, 1);
		__builtin_prefetch(&block[i].session->sent_bytes, 1);
		__builtin_prefetch(&block[i].session->peer_sent_bytes, 1);
	}
}

static void look(struct hooked_channel *hooked, bool second)
{
	enum refusal refusal;

	if (!hooked->channel)
		return;
	refusal = offload_channel_look(hooked->channel, second);
	if (refusal != REFUSAL_NONE)
		refusal_log(hooked->session, refusal);
}

static void tick_channel(struct hooked_channel *hooked)
{
	/* A closed channel is read a last time, also if a packet was counted in part when it was closed. */
	if (hooked->channel && !hooked->closed && !hooked->bandwidth && !offload_channel_moved(hooked->channel))
		hooked->idle_seconds++;
	else
		fold(hooked);
	if (hooked->closed)
		give_back(hooked);
	else if (hooked->channel && hooked->idle_seconds >= IDLE_SECONDS && offload_is_crowded())
		rest(hooked);
	look(hooked, true);
}

/*
 * Runs once a second on each relay thread. It also gives back the slots of closed channels, because coturn
 * deletes some of them minutes later: those of an address family that was released, and those of a mobile
 * session that has ended.
 */
static void tick(ioa_engine_handle engine, void *unused)
{
	(void)engine, (void)unused;
	for (uint32_t i = 0; i < channel_pool_blocks(); i++) {
		struct hooked_channel *block = channel_pool_block(i);

		fetch(block);
		for (unsigned int j = 0; j < CHANNEL_POOL_BLOCK; j++)
			tick_channel(&block[j]);
	}
	offload_count_userspace(thread.userspace);
	offload_count_relayed(thread.bytes_in, thread.bytes_out);
	thread.userspace = thread.bytes_in = thread.bytes_out = 0;
	offload_beat(thread.owner);
}

static void look_quickly(struct hooked_channel *hooked, void *unused)
{
	(void)unused;
	look(hooked, false);
}

/*
 * Runs on each relay thread for some time after something has happened on the host: the channels are looked at
 * without waiting for the second, so that what the host refuses from now on is not relayed for longer.
 */
static void quick_tick(evutil_socket_t none, short what, void *unused)
{
	(void)none, (void)what, (void)unused;
	if (!--thread.hurry)
		event_del(thread.quick);
	relay_thread_each(look_quickly, NULL);
}

/* Something has happened on the host. coturn's own timers run once a second at most. */
static void hurry(evutil_socket_t listener, short what, void *unused)
{
	static const struct timeval period = { .tv_usec = QUICK_TICK_MS * 1000 };
	uint64_t count;

	(void)what, (void)unused;
	if (read(listener, &count, sizeof(count)) < 0)
		return;
	/* A timer that runs is not set anew: what happens all the time would put off its tick for ever. */
	if (thread.hurry || !event_add(thread.quick, &period))
		thread.hurry = QUICK_TICKS;
}

/* Returns 0 or -errno. */
static int listen_to_host(ioa_engine_handle engine)
{
	int listener = offload_host_listen();
	struct event *heard = listener < 0 ? NULL : event_new(engine->event_base, listener, EV_READ | EV_PERSIST, hurry, NULL);

	thread.quick = heard ? event_new(engine->event_base, -1, EV_PERSIST, quick_tick, NULL) : NULL;
	if (thread.quick && !event_add(heard, NULL))
		return 0;
	if (thread.quick)
		event_free(thread.quick);
	thread.quick = NULL;
	if (heard)
		event_free(heard);
	return listener < 0 ? listener : -ENOMEM;
}

/* A thread that is not told still sees each change at its next tick. */
static void try_to_listen(ioa_engine_handle engine)
{
	int error = listen_to_host(engine);

	if (error)
		log_line(LOG_LEVEL_WARNING,
			 "a relay thread cannot be told of changes of this host (%s), and sees them up to a second later: what a new "
			 "firewall rule refuses may be relayed for so long; let turnserver open more files",
			 strerror(-error));
}

/* Gives the thread its number and its timers. Returns 0, -EUSERS or -ENOMEM. */
static int start(ioa_engine_handle engine)
{
	uint32_t owner = __atomic_fetch_add(&threads_started, 1, __ATOMIC_RELAXED);

	if (owner >= ABI_OWNERS)
		return -EUSERS;
	thread.owner = (uint16_t)owner;
	try_to_listen(engine);
	if (!set_ioa_timer(engine, 1, 0, tick, NULL, 1, "offload_tick"))
		return -ENOMEM;
	offload_beat(thread.owner);
	return 0;
}

int relay_thread_start(ioa_engine_handle engine)
{
	/* A thread that could not be started is not started again: its number would be lost each time. */
	if (!thread.started)
		thread.error = start(engine);
	thread.started = true;
	return thread.error;
}

uint16_t relay_thread_owner(void)
{
	return thread.owner;
}

void relay_thread_remove(struct hooked_channel *hooked)
{
	give_back(hooked);
	send_forget(hooked);
	channel_pool_give(hooked);
}

void relay_thread_each(void (*act)(struct hooked_channel *hooked, void *data), void *data)
{
	for (uint32_t i = 0; i < channel_pool_blocks(); i++) {
		struct hooked_channel *block = channel_pool_block(i);

		for (unsigned int j = 0; j < CHANNEL_POOL_BLOCK; j++) {
			if (block[j].taken)
				act(&block[j], data);
		}
	}
}
