/* SPDX-License-Identifier: BSD-3-Clause */
/* All links of this network namespace, as they were at one time. */
#ifndef OFFLOAD_NETLINK_LINKS_H
#define OFFLOAD_NETLINK_LINKS_H

#include <stdint.h>

#include "netlink/link.h"

struct links {
	struct link *link;
	unsigned int count;
	unsigned int room; /* links that there is memory for */
};

/**
 * Asks the kernel for all links, again if some change meanwhile. 0, then links_free
 * frees them; or -errno with `links` empty: -EINTR if links changed at each try, or
 * -ENOMEM. Any thread.
 */
int links_read(struct links *links);

/** Frees the links and leaves `links` empty. */
void links_free(struct links *links);

/** The link with an index, or NULL if there is none. */
const struct link *links_find(const struct links *links, uint32_t ifindex);

#endif
