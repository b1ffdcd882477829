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

/* What a request may take. Requests for the page have no body. */
#define REQUEST_SECONDS 10
#define HEADERS_MAX 16384
#define BODY_MAX 0

struct service {
	struct event_base *base;
	struct evhttp *http;
	struct event *ends[2];
	int (*write)(FILE *out, const void *data);
	const void *data;
};

static void answer(struct evhttp_request *request, int code, const char *reason, const char *type, const char *text,
		   size_t length)
{
	struct evbuffer *body = evbuffer_new();

	if (!body) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	evbuffer_add(body, text, length);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
	evhttp_send_reply(request, code, reason, body);
	evbuffer_free(body);
}

static void give_metrics(struct evhttp_request *request, void *data)
{
	const struct service *service = data;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	int error = out ? service->write(out, service->data) : -ENOMEM;

	if (out && fclose(out) && !error)
		error = -ENOMEM;
	if (error)
		answer(request, HTTP_INTERNAL, "Internal Server Error", "text/plain", strerror(-error),
		       strlen(strerror(-error)));
	else
		answer(request, HTTP_OK, "OK", "text/plain; version=0.0.4; charset=utf-8", text, length);
	free(text);
}

static void give_hint(struct evhttp_request *request, void *data)
{
	static const char text[] = "There is one page here: /metrics\n";

	(void)data;
	answer(request, HTTP_NOTFOUND, "Not Found", "text/plain", text, sizeof(text) - 1);
}

static void end(evutil_socket_t number, short what, void *base)
{
	(void)number, (void)what;
	event_base_loopexit(base, NULL);
}

static int open_service(struct service *service, const char *address, uint16_t port)
{
	static const int signals[] = { SIGINT, SIGTERM };

	service->base = event_base_new();
	service->http = service->base ? evhttp_new(service->base) : NULL;
	if (!service->http)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		service->ends[i] = evsignal_new(service->base, signals[i], end, service->base);
		if (!service->ends[i] || evsignal_add(service->ends[i], NULL))
			return -ENOMEM;
	}
	evhttp_set_allowed_methods(service->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_timeout(service->http, REQUEST_SECONDS);
	evhttp_set_max_headers_size(service->http, HEADERS_MAX);
	evhttp_set_max_body_size(service->http, BODY_MAX);
	evhttp_set_cb(service->http, "/metrics", give_metrics, service);
	evhttp_set_gencb(service->http, give_hint, NULL);
	errno = 0;
	if (evhttp_bind_socket(service->http, address, port))
		return errno ? -errno : -EADDRNOTAVAIL;
	return 0;
}

static void close_service(struct service *service)
{
	for (int i = 0; i < 2; i++) {
		if (service->ends[i])
			event_free(service->ends[i]);
	}
	if (service->http)
		evhttp_free(service->http);
	if (service->base)
		event_base_free(service->base);
}

int serve_run(const char *address, uint16_t port, int (*write)(FILE *out, const void *data), const void *data)
{
	struct service service = { .write = write, .data = data };
	int error;

	signal(SIGPIPE, SIG_IGN);
	error = open_service(&service, address, port);
	if (error) {
		fprintf(stderr, PROGRAM ": cannot listen on %s port %u: %s\n", address, port, strerror(-error));
	} else {
		fprintf(stderr, strchr(address, ':') ? PROGRAM ": metrics are at http://[%s]:%u/metrics\n" :
						       PROGRAM ": metrics are at http://%s:%u/metrics\n",
			address, port);
		event_base_dispatch(service.base);
	}
	close_service(&service);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
