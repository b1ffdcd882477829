/* SPDX-License-Identifier: BSD-3-Clause */
/* The metrics that each channel has series of. Pure. */
#ifndef OFFLOAD_XDP_UTILS_METRICS_CHANNEL_H
#define OFFLOAD_XDP_UTILS_METRICS_CHANNEL_H

#include <stddef.h>

#include "metric.h"

extern const struct metric metrics_channel[];
extern const size_t metrics_channel_count;

#endif
