/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coturn compares the bytes that a socket has carried in the current second with max-bps
 * (ioa_socket_check_bandwidth in ns_ioalib_engine_impl.c). A timer of the engine reads the clock
 * (timer_handler); a new second begins when it has changed.
 */
#include "coturn/bandwidth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mainrelay.h"
#include "ns_turn_allocation.h"

#include "offload.h"

struct bandwidth {
	ts_ur_super_session *session;
	struct meters meters;
	unsigned int channels;
	struct bandwidth *previous, *next; /* of the same relay thread */
};

/* The limited sessions of this relay thread. */
static _Thread_local struct bandwidth *first;
/* coturn's own handler of the timer. */
static _Thread_local ioa_timer_event_handler upstream_timer;

/*
 * Clears a socket's counters in a new second. coturn itself does that when the first packet of the second
 * arrives, and it then clears either the counters of data or those of control messages, depending on the
 * packet. The meters cannot wait for that packet, so both are cleared here.
 */
static void second_begin(ioa_socket_handle s)
{
	if (!s || !s->e || s->jiffie == s->e->jiffie)
		return;
	s->jiffie = s->e->jiffie;
	memset(&s->data_traffic, 0, sizeof(s->data_traffic));
	memset(&s->control_traffic, 0, sizeof(s->control_traffic));
}

/* meter_share or meter_begin_second. */
typedef uint64_t (*limit_step)(struct meters *meters, enum limit_meter meter, uint64_t counter);

/* Updates one meter. The session may be closing: then its socket is NULL, and coturn's counter is taken as 0. */
static void step_socket(struct bandwidth *bandwidth, limit_step step, ioa_socket_handle s, enum limit_meter meter)
{
	bool write = meter == LIMIT_CLIENT_WRITE;
	band_limit_t none = 0, *counter = &none;

	if (s)
		counter = write ? &s->data_traffic.jiffie_bytes_write : &s->data_traffic.jiffie_bytes_read;
	*counter = (band_limit_t)step(&bandwidth->meters, meter, *counter);
}

/*
 * Updates the meter of a relay's socket. One that sessions share (--multiplex-peer) belongs to no session, so
 * that coturn does not limit it.
 */
static void step_relay(struct bandwidth *bandwidth, limit_step step, ioa_socket_handle s, enum limit_meter meter)
{
	if (s && s->session != bandwidth->session) {
		meter_lift(&bandwidth->meters, meter);
		return;
	}
	second_begin(s);
	step_socket(bandwidth, step, s, meter);
}

/* Updates all meters of a session. */
static void step_session(struct bandwidth *bandwidth, limit_step step)
{
	ts_ur_super_session *ss = bandwidth->session;

	second_begin(ss->client_socket);
	step_socket(bandwidth, step, ss->client_socket, LIMIT_CLIENT_READ);
	step_socket(bandwidth, step, ss->client_socket, LIMIT_CLIENT_WRITE);
	step_relay(bandwidth, step, get_relay_socket(&ss->alloc, AF_INET), LIMIT_RELAY_READ);
	step_relay(bandwidth, step, get_relay_socket(&ss->alloc, AF_INET6), LIMIT_RELAY_READ6);
}

/* Replaces coturn's handler, so that the second of the meters begins at the same moment as coturn's. */
static void on_timer(ioa_engine_handle engine, void *argument)
{
	turn_time_t before = engine->jiffie;

	upstream_timer(engine, argument);
	if (engine->jiffie == before)
		return;
	for (struct bandwidth *bandwidth = first; bandwidth; bandwidth = bandwidth->next)
		step_session(bandwidth, meter_begin_second);
}

/* Replaces the handler of the engine's timer, once. Returns 0, or -ENOTSUP if the engine has no such timer. */
static int follow_seconds(ioa_engine_handle engine)
{
	timer_event *timer = engine->timer_ev;

	if (!timer || !timer->cb)
		return -ENOTSUP;
	if (timer->cb != on_timer) {
		upstream_timer = timer->cb;
		timer->cb = on_timer;
	}
	return 0;
}

int bandwidth_open(ts_ur_super_session *ss, ioa_engine_handle engine, uint32_t number, struct bandwidth **bandwidth)
{
	struct bandwidth *made;
	int error = follow_seconds(engine);

	if (error)
		return error;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->session = ss;
	made->channels = 1;
	meter_open(&made->meters, offload_session_limit(number), ss->bps);
	/* The session may have spent a part of this second already. */
	step_session(made, meter_share);
	made->next = first;
	if (first)
		first->previous = made;
	first = made;
	*bandwidth = made;
	return 0;
}

struct bandwidth *bandwidth_hold(struct bandwidth *bandwidth)
{
	bandwidth->channels++;
	return bandwidth;
}

void bandwidth_release(struct bandwidth *bandwidth)
{
	if (!bandwidth)
		return;
	if (--bandwidth->channels)
		return;
	if (bandwidth->previous)
		bandwidth->previous->next = bandwidth->next;
	else
		first = bandwidth->next;
	if (bandwidth->next)
		bandwidth->next->previous = bandwidth->previous;
	free(bandwidth);
}

void bandwidth_share(struct bandwidth *bandwidth)
{
	step_session(bandwidth, meter_share);
}

void bandwidth_count(struct bandwidth *bandwidth, struct usage_sum *sum)
{
	uint64_t packets, bytes;

	meter_unsent(&bandwidth->meters, &packets, &bytes);
	sum->packets[USAGE_PEER_RECEIVED] += packets;
	sum->bytes[USAGE_PEER_RECEIVED] += bytes;
}
