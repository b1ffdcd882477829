/* SPDX-License-Identifier: BSD-3-Clause */
#include "listener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"

#define PAUSE_SECONDS 1

static const char *advice(int error)
{
	if (error == EMFILE)
		return "; let the process open more files ('ulimit -n', or LimitNOFILE= of its unit)";
	if (error == ENFILE)
		return "; let the host open more files (the sysctl fs.file-max)";
	return "";
}

/* Once for each error, which would come again every second. */
static void say(int error)
{
	static int said;

	if (error == said)
		return;
	said = error;
	fprintf(stderr,
		PROGRAM ": a connection cannot be accepted: %s; connections wait, and each second one is tried "
			"again%s\n",
		strerror(error), advice(error));
}

static void resume(evutil_socket_t number, short what, void *listener)
{
	(void)number, (void)what;
	evconnlistener_enable(listener);
}

/* The connection stays in the queue, so that accepting at once would fail again and again. */
static void pause_accepting(struct evconnlistener *listener, void *http)
{
	static const struct timeval time = { .tv_sec = PAUSE_SECONDS };
	int error = errno;

	(void)http;
	say(error);
	if (!event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, resume, listener, &time))
		evconnlistener_disable(listener);
}

int listener_open(struct evhttp *http, const char *address, uint16_t port, struct evconnlistener **listener)
{
	struct evhttp_bound_socket *bound;

	errno = 0;
	bound = evhttp_bind_socket_with_handle(http, address, port);
	if (!bound)
		return errno ? -errno : -EADDRNOTAVAIL;
	*listener = evhttp_bound_socket_get_listener(bound);
	evconnlistener_set_error_cb(*listener, pause_accepting);
	return 0;
}
