/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compiled like hook.c, as it knows coturn's structs. coturn holds the bytes of a
 * socket's second against max-bps (ioa_socket_check_bandwidth); its second begins
 * when a timer of its engine has read the clock.
 */
#include "coturn/bandwidth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mainrelay.h"
#include "ns_turn_allocation.h"

#include "channel/channel.h"
#include "table/meter.h"

struct limited {
	ts_ur_super_session *session;
	struct limiter limiter;
	uint32_t row;
	unsigned int channels;
	struct limited *previous, *next; /* of the same relay thread */
};

static _Thread_local struct limited *first;
/* What coturn does when the timer fires. */
static _Thread_local ioa_timer_event_handler upstream_timer;

/*
 * The first packet of a second finds its socket's counters as they were, and
 * coturn clears them: those of data, or only those of control messages if it is
 * one. Here it is not waited for, and both are cleared.
 */
static void second_begin(ioa_socket_handle s)
{
	if (!s || !s->e || s->jiffie == s->e->jiffie)
		return;
	s->jiffie = s->e->jiffie;
	memset(&s->data_traffic, 0, sizeof(s->data_traffic));
	memset(&s->control_traffic, 0, sizeof(s->control_traffic));
}

typedef uint64_t (*limit_step)(struct limiter *limiter, enum limit_meter meter, uint64_t counter);

/* A session that is closing has no sockets any more; the seconds go on. */
static void step_socket(struct limited *limited, limit_step step, ioa_socket_handle s, enum limit_meter meter)
{
	bool write = meter == LIMIT_CLIENT_WRITE;
	band_limit_t none = 0, *counter = &none;

	if (s)
		counter = write ? &s->data_traffic.jiffie_bytes_write : &s->data_traffic.jiffie_bytes_read;
	*counter = (band_limit_t)step(&limited->limiter, meter, *counter);
}

/* A relay that sessions share (--multiplex-peer) is nobody's, and has no limit in coturn. */
static void step_relay(struct limited *limited, limit_step step, ioa_socket_handle s, enum limit_meter meter)
{
	if (s && s->session != limited->session) {
		limiter_lift(&limited->limiter, meter);
		return;
	}
	second_begin(s);
	step_socket(limited, step, s, meter);
}

static void step_session(struct limited *limited, limit_step step)
{
	ts_ur_super_session *ss = limited->session;

	second_begin(ss->client_socket);
	step_socket(limited, step, ss->client_socket, LIMIT_CLIENT_READ);
	step_socket(limited, step, ss->client_socket, LIMIT_CLIENT_WRITE);
	step_relay(limited, step, get_relay_socket(&ss->alloc, AF_INET), LIMIT_RELAY_READ);
	step_relay(limited, step, get_relay_socket(&ss->alloc, AF_INET6), LIMIT_RELAY_READ6);
}

/* In place of coturn's handler: the kernel's second begins in the same moment. */
static void on_timer(ioa_engine_handle engine, void *argument)
{
	turn_time_t before = engine->jiffie;

	upstream_timer(engine, argument);
	if (engine->jiffie == before)
		return;
	for (struct limited *limited = first; limited; limited = limited->next)
		step_session(limited, limiter_turn);
}

/* 0, or -ENOTSUP if the engine has no such timer. */
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

int hook_limit_open(ts_ur_super_session *ss, ioa_engine_handle engine, struct limited **limited)
{
	struct limited *made;
	struct limit *shared;
	int error = follow_seconds(engine);

	if (error)
		return error;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	error = channel_limit_take(&made->row, &shared);
	if (error) {
		free(made);
		return error;
	}
	made->session = ss;
	made->channels = 1;
	limiter_open(&made->limiter, shared, ss->bps);
	/* What it has spent of this second already. */
	step_session(made, limiter_share);
	made->next = first;
	if (first)
		first->previous = made;
	first = made;
	*limited = made;
	return 0;
}

struct limited *hook_limit_hold(struct limited *limited)
{
	limited->channels++;
	return limited;
}

void hook_limit_release(struct limited *limited)
{
	if (!limited)
		return;
	if (--limited->channels)
		return;
	if (limited->previous)
		limited->previous->next = limited->next;
	else
		first = limited->next;
	if (limited->next)
		limited->next->previous = limited->previous;
	channel_limit_give(limited->row);
	free(limited);
}

uint32_t hook_limit_row(const struct limited *limited)
{
	return limited->row;
}

void hook_limit_share(struct limited *limited)
{
	step_session(limited, limiter_share);
}

void hook_limit_count(struct limited *limited, struct usage_sum *sum)
{
	uint64_t packets, bytes;

	limiter_unsent(&limited->limiter, &packets, &bytes);
	sum->packets[USAGE_PEER_RECEIVED] += packets;
	sum->bytes[USAGE_PEER_RECEIVED] += bytes;
}
