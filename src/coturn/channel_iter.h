/* SPDX-License-Identifier: BSD-3-Clause */
/* The channels of an allocation, in coturn's own map of them. */
#ifndef OFFLOAD_COTURN_CHANNEL_ITER_H
#define OFFLOAD_COTURN_CHANNEL_ITER_H

#include "ns_turn_allocation.h"

/** Where a walk through the map is; it begins with all zeros. */
struct channel_iter {
	size_t bucket, at;
};

/**
 * The next bound channel; NULL after the last. Channels may come and go from the
 * kernel in between, but not from the map. On the allocation's relay thread.
 */
ch_info *channel_iter_next(allocation *a, struct channel_iter *place);

#endif
