/* SPDX-License-Identifier: BSD-3-Clause */
/* An HTTP server for one page. */
#ifndef OFFLOAD_XDP_UTILS_SERVE_H
#define OFFLOAD_XDP_UTILS_SERVE_H

#include <stdio.h>

#include "arguments.h"

/**
 * Serves /metrics at the address, the port and to the origin of `arguments` until SIGINT or SIGTERM, with few capabilities (see privilege.h). It calls
 * `write` with `data` at most once a second, which writes the page to `out` and returns 0
 * or -errno. An exit status.
 */
int serve_run(const struct arguments *arguments, int (*write)(FILE *out, const void *data), const void *data);

#endif
