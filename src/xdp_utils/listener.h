/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens the address of an HTTP server, which outlives a lack of files. */
#ifndef OFFLOAD_XDP_UTILS_LISTENER_H
#define OFFLOAD_XDP_UTILS_LISTENER_H

#include <event2/http.h>
#include <event2/listener.h>
#include <stdint.h>

/**
 * Listens for `http`. When a connection cannot be accepted, this is said on standard error,
 * and accepting pauses for a second. 0 with *listener, which goes with `http`; or -errno.
 */
int listener_open(struct evhttp *http, const char *address, uint16_t port, struct evconnlistener **listener);

#endif
