/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot of the server that is meant: with rates, if a second one is to be taken. */
#ifndef OFFLOAD_XDP_UTILS_SAMPLE_H
#define OFFLOAD_XDP_UTILS_SAMPLE_H

#include "arguments.h"
#include "snapshot.h"

/**
 * Takes two snapshots at the interval that was asked for, and gives the later one, with
 * rates. Without an interval it takes one. 0, to be freed; or an exit status after it has
 * said why on standard error.
 */
int sample_take(const struct arguments *arguments, struct snapshot *snapshot);

/** Leaves the channels that were asked for in the snapshot, in the order that was asked for. */
void sample_arrange(const struct arguments *arguments, struct snapshot *snapshot);

#endif
