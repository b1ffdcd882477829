/* SPDX-License-Identifier: BSD-3-Clause */
#include "serve.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "connections.h"
#include "listener.h"
#include "page.h"
#include "privilege.h"

/* What a request may take. A body is read only for the status that its method gets. */
#define HEADERS_MAX 16384
#define BODY_MAX 4096

/* To those that evhttp is not told of it answers that the server does not know them. */
#define METHODS                                                                                    \
	(EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | \
	 EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

struct service {
	struct event_base *base;
	struct evhttp *http;
	struct connections connections;
	struct event *ends[2];
	struct page page;
	const char *origin; /* whose pages may read the metrics in a browser; NULL: none */
};

static void add_header(struct evhttp_request *request, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

/* Sends what is in `body`; evhttp would send it to HEAD as well. */
static void answer(struct evhttp_request *request, int code, const char *reason, const char *type,
		   struct evbuffer *body)
{
	char length[24];

	snprintf(length, sizeof(length), "%zu", evbuffer_get_length(body));
	add_header(request, "Content-Type", type);
	add_header(request, "Content-Length", length);
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
		evbuffer_drain(body, evbuffer_get_length(body));
	evhttp_send_reply(request, code, reason, body);
}

static void answer_line(struct evhttp_request *request, int code, const char *reason, struct evbuffer *body,
			const char *line)
{
	evbuffer_add_printf(body, "%s\n", line);
	answer(request, code, reason, "text/plain", body);
}

static bool is_read(const struct evhttp_request *request)
{
	return evhttp_request_get_command(request) & (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
}

static void give_metrics(struct service *service, struct evhttp_request *request, struct evbuffer *body)
{
	int error = page_get(&service->page, body);

	if (service->origin)
		add_header(request, "Access-Control-Allow-Origin", service->origin);
	if (error)
		answer_line(request, HTTP_INTERNAL, "Internal Server Error", body, strerror(-error));
	else
		answer(request, HTTP_OK, "OK", "text/plain; version=0.0.4; charset=utf-8", body);
}

static void give_link(struct evhttp_request *request, struct evbuffer *body)
{
	evbuffer_add_printf(body, "<!DOCTYPE html>\n<title>" PROGRAM "</title>\n<a href=\"/metrics\">metrics</a>\n");
	answer(request, HTTP_OK, "OK", "text/html; charset=utf-8", body);
}

static void give(struct evhttp_request *request, void *data)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
	struct evbuffer *body = evbuffer_new();
	struct service *service = data;

	connections_renew(&service->connections, request);
	if (!body) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	if (!is_read(request)) {
		add_header(request, "Allow", "GET, HEAD");
		answer_line(request, HTTP_BADMETHOD, "Method Not Allowed", body, "Use GET or HEAD.");
	} else if (path && !strcmp(path, "/metrics")) {
		give_metrics(service, request, body);
	} else if (path && !strcmp(path, "/")) {
		give_link(request, body);
	} else {
		answer_line(request, HTTP_NOTFOUND, "Not Found", body, "The metrics are at /metrics.");
	}
	evbuffer_free(body);
}

static void end(evutil_socket_t number, short what, void *base)
{
	(void)number, (void)what;
	event_base_loopexit(base, NULL);
}

static int open_signals(struct service *service)
{
	static const int signals[] = { SIGINT, SIGTERM };

	for (int i = 0; i < 2; i++) {
		service->ends[i] = evsignal_new(service->base, signals[i], end, service->base);
		if (!service->ends[i] || evsignal_add(service->ends[i], NULL))
			return -ENOMEM;
	}
	return 0;
}

static int open_service(struct service *service)
{
	int error;

	service->base = event_base_new();
	service->http = service->base ? evhttp_new(service->base) : NULL;
	if (!service->http)
		return -ENOMEM;
	evhttp_set_allowed_methods(service->http, METHODS);
	evhttp_set_max_headers_size(service->http, HEADERS_MAX);
	evhttp_set_max_body_size(service->http, BODY_MAX);
	evhttp_set_gencb(service->http, give, service);
	error = open_signals(service);
	return error ? error : page_open(&service->page, service->base);
}

static void close_service(struct service *service)
{
	page_close(&service->page);
	for (int i = 0; i < 2; i++) {
		if (service->ends[i])
			event_free(service->ends[i]);
	}
	if (service->http)
		evhttp_free(service->http);
	connections_close(&service->connections);
	if (service->base)
		event_base_free(service->base);
}

static int fail(const char *what, int error)
{
	fprintf(stderr, PROGRAM ": %s: %s\n", what, strerror(-error));
	return error;
}

/* Capabilities are given up last, because a port below 1024 takes one. */
static int start(struct service *service, const char *address, uint16_t port)
{
	struct evconnlistener *listener;
	int error = open_service(service);

	if (error)
		return fail("metrics cannot be served", error);
	error = listener_open(service->http, address, port, &listener);
	if (error) {
		fprintf(stderr, PROGRAM ": cannot listen on %s port %u: %s\n", address, port, strerror(-error));
		return error;
	}
	error = connections_open(&service->connections, service->http, listener);
	if (error)
		return fail("metrics cannot be served", error);
	error = privilege_reduce();
	return error ? fail("capabilities cannot be given up", error) : 0;
}

int serve_run(const struct arguments *arguments, int (*write)(FILE *out, const void *data), const void *data)
{
	struct service service = { .page = { .write = write, .data = data }, .origin = arguments->origin };
	const char *address = arguments->listen;
	bool v6 = strchr(address, ':');
	int error;

	signal(SIGPIPE, SIG_IGN);
	error = start(&service, address, arguments->port);
	if (!error) {
		fprintf(stderr, PROGRAM ": metrics are at http://%s%s%s:%u/metrics\n", v6 ? "[" : "", address,
			v6 ? "]" : "", arguments->port);
		event_base_dispatch(service.base);
	}
	close_service(&service);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
