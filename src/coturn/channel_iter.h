/* SPDX-License-Identifier: BSD-3-Clause */
/* A walk over the channels of an allocation, in coturn's own map of them (ch_map in ns_turn_allocation.h). */
#ifndef OFFLOAD_COTURN_CHANNEL_ITER_H
#define OFFLOAD_COTURN_CHANNEL_ITER_H

#include "ns_turn_allocation.h"

/** The place where a walk is. It begins with all zeros. */
struct channel_iter {
	size_t bucket, at;
};

/**
 * Returns the next bound channel, or NULL after the last. The caller may change kernel_channel of the
 * channels during the walk, but not add or delete channels. On the relay thread of the allocation.
 */
ch_info *channel_iter_next(allocation *a, struct channel_iter *place);

#endif
