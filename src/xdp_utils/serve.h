/* SPDX-License-Identifier: BSD-3-Clause */
/* An HTTP server for one page. */
#ifndef OFFLOAD_XDP_UTILS_SERVE_H
#define OFFLOAD_XDP_UTILS_SERVE_H

#include <stdint.h>
#include <stdio.h>

/**
 * Serves /metrics until SIGINT or SIGTERM, with few capabilities (see privilege.h). It calls
 * `write` with `data` at most once a second, which writes the page to `out` and returns 0
 * or -errno. An exit status.
 */
int serve_run(const char *address, uint16_t port, int (*write)(FILE *out, const void *data), const void *data);

#endif
