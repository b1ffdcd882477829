/* SPDX-License-Identifier: BSD-3-Clause */
#include "connections.h"

#include <errno.h>
#include <sys/resource.h>

#define ROOM_MIN 2
/* Open files besides connections: what the process always has, and the tables of a server. */
#define OTHER_FILES 32
/*
 * How long a connection may take for its first request, and after each request: for the answer
 * and the next request. evhttp itself ends what is silent for 50 seconds.
 */
#define FIRST_SECONDS 10
#define NEXT_SECONDS 30
/* What is read ahead of evhttp, which wants less than this for a request. */
#define UNREAD_MAX 65536

/*
 * evhttp does not say when a connection ends. So each place holds a reference to its
 * bufferevent, and with it the socket, until its time is up or another connection needs the
 * place. If evhttp is done with the bufferevent by then, nothing listens to this timeout;
 * otherwise evhttp ends the connection.
 */
static void leave(struct connection *connection)
{
	struct bufferevent *stream = connection->stream;

	if (!stream)
		return;
	connection->stream = NULL;
	event_del(connection->late);
	bufferevent_trigger_event(stream, BEV_EVENT_TIMEOUT | BEV_EVENT_READING, 0);
	bufferevent_decref(stream);
}

static void on_late(evutil_socket_t number, short what, void *connection)
{
	(void)number, (void)what;
	leave(connection);
}

static void give_time(struct connections *connections, struct connection *connection, time_t seconds)
{
	const struct timeval time = { .tv_sec = seconds };

	connection->turn = ++connections->turn;
	event_add(connection->late, &time);
}

/* A free place, or that of the connection that has been silent the longest. */
static struct connection *choose_place(struct connections *connections)
{
	struct connection *chosen = &connections->place[0];

	for (unsigned int i = 0; i < connections->room && chosen->stream; i++) {
		struct connection *one = &connections->place[i];

		if (!one->stream || one->turn < chosen->turn)
			chosen = one;
	}
	return chosen;
}

static void resume(evutil_socket_t number, short what, void *listener)
{
	(void)number, (void)what;
	evconnlistener_enable(listener);
}

/*
 * Takes the place of the connection that has been silent the longest, so that idle
 * connections do not keep others away. Its socket is closed by the next loop of events;
 * others are accepted after that, and after what the connections have sent was read.
 */
static void displace(struct connections *connections, struct connection *connection)
{
	static const struct timeval soon = { 0 };
	struct evconnlistener *listener = connections->listener;

	leave(connection);
	if (!event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, resume, listener, &soon))
		evconnlistener_disable(listener);
}

/* evhttp calls this for each connection that it has accepted. */
static struct bufferevent *enter(struct event_base *base, void *data)
{
	struct connections *connections = data;
	struct connection *connection = choose_place(connections);

	if (connection->stream)
		displace(connections, connection);
	connection->stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!connection->stream)
		return NULL;
	bufferevent_incref(connection->stream);
	bufferevent_setwatermark(connection->stream, EV_READ, 0, UNREAD_MAX);
	give_time(connections, connection, FIRST_SECONDS);
	return connection->stream;
}

/* Where few files may be open, there is still room for the tables. */
static unsigned int choose_room(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= OTHER_FILES + CONNECTIONS_MAX)
		return CONNECTIONS_MAX;
	return files.rlim_cur > OTHER_FILES + ROOM_MIN ? (unsigned int)files.rlim_cur - OTHER_FILES : ROOM_MIN;
}

int connections_open(struct connections *connections, struct evhttp *http, struct evconnlistener *listener)
{
	*connections = (struct connections){ .listener = listener, .room = choose_room() };
	for (unsigned int i = 0; i < connections->room; i++) {
		struct connection *connection = &connections->place[i];

		connection->late = evtimer_new(evconnlistener_get_base(listener), on_late, connection);
		if (!connection->late) {
			connections_close(connections);
			return -ENOMEM;
		}
	}
	evhttp_set_bevcb(http, enter, connections);
	return 0;
}

void connections_renew(struct connections *connections, struct evhttp_request *request)
{
	const struct bufferevent *stream = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));

	for (unsigned int i = 0; i < connections->room; i++) {
		if (connections->place[i].stream == stream)
			give_time(connections, &connections->place[i], NEXT_SECONDS);
	}
}

void connections_close(struct connections *connections)
{
	for (unsigned int i = 0; i < connections->room; i++) {
		leave(&connections->place[i]);
		if (connections->place[i].late)
			event_free(connections->place[i].late);
		connections->place[i].late = NULL;
	}
}
