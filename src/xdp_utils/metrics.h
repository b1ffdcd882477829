/* SPDX-License-Identifier: BSD-3-Clause */
/* All metrics of servers and their channels, in Prometheus' text format, version 0.0.4. Pure. */
#ifndef OFFLOAD_XDP_UTILS_METRICS_H
#define OFFLOAD_XDP_UTILS_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include "snapshot.h"

/** A server, and what could be read of it; NULL: nothing. */
struct measured {
	const struct server *server;
	const struct snapshot *snapshot;
};

/** Writes the page of `count` servers. `each_channel`: also the series of each channel. */
void metrics_write(FILE *out, const struct measured *measured, unsigned int count, bool each_channel);

#endif
