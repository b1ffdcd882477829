/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connections of an HTTP server: there is a bounded number of them, and each has to
 * send its requests in time. libevent's evhttp has neither.
 */
#ifndef OFFLOAD_XDP_UTILS_CONNECTIONS_H
#define OFFLOAD_XDP_UTILS_CONNECTIONS_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdint.h>

#define CONNECTIONS_MAX 64

struct connection {
	struct bufferevent *stream; /* NULL: this place is free */
	struct event *late;
	uint64_t turn; /* grows with each connection and each request */
};

struct connections {
	struct evconnlistener *listener;
	uint64_t turn;
	unsigned int room;
	struct connection place[CONNECTIONS_MAX];
};

/** Bounds the connections that `http` accepts from `listener`. 0, to be closed, or -ENOMEM. */
int connections_open(struct connections *connections, struct evhttp *http, struct evconnlistener *listener);

/** A request has come: its connection has time again. */
void connections_renew(struct connections *connections, struct evhttp_request *request);

/** After evhttp_free(), before event_base_free(). What is not open is left as it is. */
void connections_close(struct connections *connections);

#endif
