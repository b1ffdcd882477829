/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures in Prometheus' text format, version 0.0.4. Pure. */
#ifndef OFFLOAD_XDP_UTILS_METRICS_H
#define OFFLOAD_XDP_UTILS_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include "snapshot.h"

/** One server's part: what could be read of it, or NULL. */
struct measured {
	const struct server *server;
	const struct snapshot *snapshot;
};

/** Series of all of them; for each channel, too, if that is wanted. */
void metrics_write(FILE *out, const struct measured *measured, unsigned int count, bool each_channel);

#endif
