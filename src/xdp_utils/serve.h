/* SPDX-License-Identifier: BSD-3-Clause */
/* A web server for one page. */
#ifndef OFFLOAD_XDP_UTILS_SERVE_H
#define OFFLOAD_XDP_UTILS_SERVE_H

#include <stdint.h>
#include <stdio.h>

/**
 * Gives what `write` writes to whoever asks for /metrics, until SIGINT or SIGTERM.
 * An exit status; `write` returns 0 or -errno.
 */
int serve_run(const char *address, uint16_t port, int (*write)(FILE *out, const void *data), const void *data);

#endif
