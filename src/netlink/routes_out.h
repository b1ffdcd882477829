/* SPDX-License-Identifier: BSD-3-Clause */
/* The links by which routes lead out of this host's own networks, by rtnetlink(7). */
#ifndef OFFLOAD_NETLINK_ROUTES_OUT_H
#define OFFLOAD_NETLINK_ROUTES_OUT_H

#include <stdbool.h>
#include <stdint.h>

/* So many links are remembered. */
#define ROUTES_OUT_LINKS 64

struct routes_out {
	unsigned int count;
	struct {
		uint32_t ifindex;
		bool is_default; /* a default route leaves by it */
	} link[ROUTES_OUT_LINKS];
};

/**
 * Reads all routes of a family, AF_INET or AF_INET6, and writes the links of those that are
 * default routes or have a gateway. 0, or -errno with `routes` untouched. Any thread.
 */
int routes_out_read(int family, struct routes_out *routes);

#endif
