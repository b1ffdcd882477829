/* SPDX-License-Identifier: BSD-3-Clause */
/* What a link has received and sent, as its driver counts it. */
#ifndef OFFLOAD_NETLINK_LINK_COUNT_H
#define OFFLOAD_NETLINK_LINK_COUNT_H

#include <stdint.h>

struct link_count {
	uint64_t received; /* packets */
	uint64_t sent;
};

/** Asks the kernel for the counts of a link. 0, -ENODEV if there is no such link, or another -errno; then `count` is untouched. */
int link_count_read(uint32_t ifindex, struct link_count *count);

#endif
