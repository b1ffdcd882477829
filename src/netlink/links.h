/* SPDX-License-Identifier: BSD-3-Clause */
/* All links of this network namespace, as they were at one time. */
#ifndef OFFLOAD_NETLINK_LINKS_H
#define OFFLOAD_NETLINK_LINKS_H

#include <stdint.h>

#include "netlink/rtnetlink.h"

struct links {
	struct link *link;
	unsigned int count, room;
};

/** Asks the kernel. 0, to be freed by links_free; or -errno with `links` empty. */
int links_read(struct links *links);

void links_free(struct links *links);

/** NULL if there is none. */
const struct link *links_find(const struct links *links, uint32_t ifindex);

#endif
