/* SPDX-License-Identifier: BSD-3-Clause */
/* One look at a server, or two, for rates. */
#ifndef OFFLOAD_XDP_UTILS_SAMPLE_H
#define OFFLOAD_XDP_UTILS_SAMPLE_H

#include "arguments.h"
#include "snapshot.h"

/** The later of two looks, or the only one. 0, to be freed; or an exit status, having said why. */
int sample_take(const struct arguments *arguments, struct snapshot *snapshot);

/** Those channels that were asked for, in the order that was asked for. */
void sample_arrange(const struct arguments *arguments, struct snapshot *snapshot);

#endif
