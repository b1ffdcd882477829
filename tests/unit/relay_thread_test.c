/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a tick of a relay thread does with each of its channels. This file defines the functions of offload.c that
 * relay_thread.c calls, and the headers in standin/ stand in for coturn's.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

/* The files under test. */
#include "coturn/channel_pool.c"
#include "coturn/relay_thread.c"

/* More than two blocks. */
#define CHANNELS (2 * CHANNEL_POOL_BLOCK + 3)

/* What the kernel counts of a channel. Its slot to the peer is its index here. */
static struct kernel {
	struct usage to_peer, to_client; /* since it was last read */
	unsigned int reads, looks, closes, frees;
} kernel[CHANNELS];

static struct {
	bool crowded;
	int listener;
	event_callback_fn heard;
	bool quick_runs; /* the timer of the quick ticks */
	unsigned int quick_starts, warnings;
	uint64_t bytes_in, bytes_out, processed;
	unsigned int reports, quick_looks, refusals;
	ioa_timer_event_handler tick;
} host;

static ts_ur_super_session session[CHANNELS];
static struct hooked_channel *hooked[CHANNELS];
static struct engine_standin engine;

static struct kernel *of(const struct channel *channel)
{
	return &kernel[channel->direction[TO_PEER].slot];
}

/* ---- offload.c ---- */

void offload_channel_fetch(const struct channel *channel)
{
	assert_true(of(channel)->frees == 0);
}

void offload_channel_fetch_rest(const struct channel *channel)
{
	assert_true(of(channel)->frees == 0);
}

bool offload_channel_moved(const struct channel *channel)
{
	return of(channel)->to_peer.packets || of(channel)->to_client.packets;
}

void offload_channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client)
{
	struct kernel *read = of(channel);

	assert_int_equal(read->frees, 0);
	read->reads++;
	*to_peer = read->to_peer;
	*to_client = read->to_client;
	read->to_peer = read->to_client = (struct usage){ 0 };
}

enum refusal offload_channel_look(struct channel *channel, bool second)
{
	assert_int_equal(of(channel)->frees, 0);
	of(channel)->looks++;
	host.quick_looks += !second;
	return REFUSAL_HOST;
}

void offload_channel_close(struct channel *channel)
{
	of(channel)->closes++;
}

void offload_channel_free(struct channel *channel)
{
	if (channel)
		of(channel)->frees++;
}

bool offload_is_crowded(void)
{
	return host.crowded;
}

int offload_host_listen(void)
{
	return host.listener;
}

void offload_count_relayed(uint64_t bytes_in, uint64_t bytes_out)
{
	host.bytes_in += bytes_in;
	host.bytes_out += bytes_out;
}

void offload_count_userspace(uint64_t packets)
{
	(void)packets;
}

void offload_beat(uint16_t owner)
{
	(void)owner;
}

/* ---- coturn's, libevent's, and other hooks ---- */

ioa_timer_handle set_ioa_timer(ioa_engine_handle e, int seconds, int ms, ioa_timer_event_handler handler,
			       void *argument, int persist, const char *text)
{
	(void)e, (void)seconds, (void)ms, (void)argument, (void)persist, (void)text;
	host.tick = handler;
	return &host;
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn callback, void *argument)
{
	(void)base, (void)what, (void)argument;
	if (fd < 0) {
		assert_ptr_equal(callback, quick_tick);
		return (struct event *)&host.quick_runs;
	}
	assert_int_equal(fd, host.listener);
	host.heard = callback;
	return (struct event *)&host.heard;
}

int event_add(struct event *event, const struct timeval *period)
{
	if (event == (struct event *)&host.quick_runs) {
		assert_int_equal(period->tv_usec, 250000);
		host.quick_runs = true;
		host.quick_starts++;
	}
	return 0;
}

int event_del(struct event *event)
{
	assert_ptr_equal(event, &host.quick_runs);
	host.quick_runs = false;
	return 0;
}

void event_free(struct event *event)
{
	(void)event;
}

void __real_turn_report_session_usage(void *of_session, int force_invalid)
{
	(void)of_session, (void)force_invalid;
	host.reports++;
}

void release_count_processed(uint64_t packets)
{
	host.processed += packets;
}

void refusal_log(const ts_ur_super_session *ss, enum refusal refusal)
{
	(void)ss;
	assert_int_equal(refusal, REFUSAL_HOST);
	host.refusals++;
}

void bandwidth_count(struct bandwidth *bandwidth, struct usage_sum *sum)
{
	(void)bandwidth;
	sum->packets[USAGE_PEER_RECEIVED] += 2;
	sum->bytes[USAGE_PEER_RECEIVED] += 200;
}

void bandwidth_release(struct bandwidth *bandwidth)
{
	(void)bandwidth;
}

void share_give(struct share *share)
{
	(void)share;
}

void send_forget(const struct hooked_channel *forgotten)
{
	(void)forgotten;
}

/* ---- the tests ---- */

static int set_up(void **state)
{
	(void)state;
	memset(kernel, 0, sizeof(kernel));
	memset(session, 0, sizeof(session));
	memset(&host, 0, sizeof(host));
	memset(&thread, 0, sizeof(thread));
	host.listener = eventfd(0, EFD_NONBLOCK);
	assert_true(host.listener >= 0);
	assert_int_equal(relay_thread_start(&engine), 0);
	for (uint32_t i = 0; i < CHANNELS; i++) {
		hooked[i] = channel_pool_take();
		assert_non_null(hooked[i]);
		hooked[i]->session = &session[i];
		hooked[i]->memory.direction[TO_PEER].slot = i;
		hooked[i]->channel = &hooked[i]->memory;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CHANNELS; i++) {
		if (hooked[i])
			relay_thread_remove(hooked[i]);
	}
	return close(host.listener);
}

static void carry(unsigned int i, uint64_t to_peer, uint64_t to_client)
{
	kernel[i].to_peer = (struct usage){ to_peer, 104 * to_peer, 100 * to_peer };
	kernel[i].to_client = (struct usage){ to_client, 100 * to_client, 104 * to_client };
}

static void tick_times(unsigned int times)
{
	while (times--)
		host.tick(&engine, NULL);
}

/* Each session gets what its channel has carried, once, and only a channel that has carried something is read. */
static void test_counts(void **state)
{
	uint64_t in = 0, out = 0;

	(void)state;
	for (unsigned int i = 0; i < CHANNELS; i += 3) {
		carry(i, i + 1, i % 2);
		in += 104 * (i + 1) + 100 * (i % 2);
		out += 100 * (i + 1) + 104 * (i % 2);
	}
	tick_times(2);
	for (unsigned int i = 0; i < CHANNELS; i++) {
		bool moved = i % 3 == 0;

		assert_int_equal(kernel[i].reads, moved);
		assert_int_equal(kernel[i].looks, 2);
		assert_int_equal(hooked[i]->idle_seconds, moved ? 1 : 2);
		assert_int_equal(session[i].received_packets, moved ? i + 1 : 0);
		assert_int_equal(session[i].received_bytes, moved ? 104 * (i + 1) : 0);
		assert_int_equal(session[i].peer_sent_bytes, moved ? 104 * (i + 1) : 0);
		assert_int_equal(session[i].sent_packets, moved ? i % 2 : 0);
		assert_int_equal(session[i].peer_received_bytes, moved ? 100 * (i % 2) : 0);
	}
	assert_int_equal(host.bytes_in, in);
	assert_int_equal(host.bytes_out, out);
	assert_int_equal(host.refusals, 2 * CHANNELS);
}

/* Packets that a limit has dropped are counted although the kernel has relayed none. */
static void test_limited(void **state)
{
	(void)state;
	hooked[5]->bandwidth = (struct bandwidth *)&host;
	tick_times(1);
	assert_int_equal(session[5].peer_received_packets, 2);
	assert_int_equal(session[5].peer_received_bytes, 200);
	assert_int_equal(hooked[5]->idle_seconds, 1);
	hooked[5]->bandwidth = NULL;
}

/* What a channel carried last is counted when it is closed, and its slots are given back with the next tick. */
static void test_close(void **state)
{
	(void)state;
	carry(7, 3, 0);
	relay_thread_close(hooked[7]);
	assert_int_equal(kernel[7].closes, 1);
	assert_int_equal(session[7].received_packets, 3);
	assert_int_equal(kernel[7].frees, 0);
	tick_times(2);
	assert_int_equal(kernel[7].frees, 1);
	assert_null(hooked[7]->channel);
	assert_int_equal(session[7].received_packets, 3);
	assert_int_equal(host.bytes_in, 312);
	/* The bytes behind the data may have been counted after the packet. */
	kernel[8].to_peer.bytes_in = 3;
	relay_thread_close(hooked[8]);
	assert_int_equal(session[8].received_bytes, 3);
}

/* A channel that is removed is not looked at any more, and all others are. */
static void test_remove(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CHANNELS; i += 2) {
		relay_thread_close(hooked[i]);
		relay_thread_remove(hooked[i]);
		hooked[i] = NULL;
	}
	tick_times(1);
	for (unsigned int i = 0; i < CHANNELS; i++) {
		assert_int_equal(kernel[i].looks, i % 2);
		assert_int_equal(kernel[i].frees, i % 2 == 0);
	}
}

/* Where the tables are crowded, a channel rests that has carried nothing for IDLE_SECONDS. */
static void test_rest(void **state)
{
	(void)state;
	host.crowded = true;
	tick_times(IDLE_SECONDS - 1);
	carry(9, 1, 0);
	assert_false(relay_thread_has_resting());
	tick_times(1);
	for (unsigned int i = 0; i < CHANNELS; i++) {
		assert_int_equal(hooked[i]->resting, i != 9);
		assert_int_equal(kernel[i].frees, i != 9);
	}
	/* It gets slots again. */
	hooked[4]->channel = &hooked[4]->memory;
	kernel[4].frees = 0;
	relay_thread_wake(hooked[4]);
	carry(4, 2, 0);
	tick_times(1);
	assert_int_equal(session[4].received_packets, 2);
	assert_false(hooked[4]->resting);
}

static void happen(void)
{
	assert_int_equal(eventfd_write(host.listener, 1), 0);
	host.heard(host.listener, EV_READ, NULL);
}

/* Lets so much time pass, at most, that the timer has run so often. Returns how often it has. */
static unsigned int quick_ticks(unsigned int times)
{
	unsigned int run = 0;

	for (; run < times && host.quick_runs; run++)
		quick_tick(-1, 0, NULL);
	return run;
}

/* After something has happened on the host, all channels are looked at with the next quick ticks. */
static void test_quick(void **state)
{
	eventfd_t left;

	(void)state;
	assert_false(host.quick_runs);
	/* Nothing has happened, and the descriptor does not block. */
	host.heard(host.listener, EV_READ, NULL);
	assert_false(host.quick_runs);
	happen();
	assert_int_equal(eventfd_read(host.listener, &left), -1);
	assert_int_equal(quick_ticks(100), QUICK_TICKS);
	assert_int_equal(host.quick_looks, QUICK_TICKS * CHANNELS);
	/* More happens meanwhile: the timer runs on, and longer. */
	happen();
	assert_int_equal(quick_ticks(3), 3);
	happen();
	assert_int_equal(quick_ticks(100), QUICK_TICKS);
	assert_int_equal(host.quick_starts, 2);
	assert_int_equal(host.quick_looks, (2 * QUICK_TICKS + 3) * CHANNELS);
}

static void count_warnings(enum log_level level, const char *line)
{
	host.warnings += level == LOG_LEVEL_WARNING && strstr(line, "(Too many open files)");
}

/* A thread that cannot be told of changes goes on with its ticks alone. */
static void test_deaf(void **state)
{
	(void)state;
	memset(&thread, 0, sizeof(thread));
	memset(&host, 0, sizeof(host));
	host.listener = -EMFILE;
	log_to(count_warnings);
	assert_int_equal(relay_thread_start(&engine), 0);
	log_to(NULL);
	assert_int_equal(host.warnings, 1);
	assert_null(host.heard);
	assert_ptr_equal(host.tick, tick);
	assert_int_equal(relay_thread_start(&engine), 0);
	assert_int_equal(host.warnings, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_close, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_remove, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quick, set_up, tear_down),
		cmocka_unit_test(test_deaf),
	};

	return cmocka_run_group_tests_name("relay_thread", tests, NULL, NULL);
}
