/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * max-bps, as coturn means it (ioa_socket_check_bandwidth): what is over is
 * dropped, and smaller packets after it may still fit. The server, which sees
 * the session's other traffic, takes that off the same meters and fills them
 * again every second.
 */
#ifndef BPF_LIMIT_H
#define BPF_LIMIT_H

#include "maps.h"

/* NULL only if the server sized the table wrong. */
static __always_inline struct limit *limit_find(const struct flow *flow)
{
	__u32 index = flow->limit;

	return bpf_map_lookup_elem(&limits, &index);
}

/*
 * Takes bytes from what is left; false, and nothing is taken, if there are fewer.
 * CPUs that ask at the same moment may all get the last ones: then less than 0 is
 * left, which the next second pays for.
 */
static __always_inline int limit_take(__s64 *left, __u16 bytes)
{
	if (*(volatile __s64 *)left < bytes)
		return 0;
	__atomic_fetch_add(left, -(__s64)bytes, __ATOMIC_RELAXED);
	return 1;
}

/* A datagram from the client; one that is refused counts nowhere. */
static __always_inline int limit_from_client(struct limit *limit, __u16 datagram)
{
	if (limit_take(&limit->left[LIMIT_CLIENT_READ], datagram))
		return 1;
	__atomic_fetch_add(&limit->refused, 1, __ATOMIC_RELAXED);
	return 0;
}

/* A peer's datagram, and what of it goes to the client: the first can be received without the second. */
static __always_inline int limit_to_client(struct limit *limit, const struct flow *flow, __u16 datagram,
					   __u16 payload)
{
	int v6 = !!(flow->flags & FLOW_LIMITED_V6);

	if (limit_take(&limit->left[LIMIT_RELAY_READ + v6], datagram)) {
		if (limit_take(&limit->left[LIMIT_CLIENT_WRITE], payload))
			return 1;
		__atomic_fetch_add(&limit->unsent_packets, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&limit->unsent_bytes, datagram, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&limit->refused, 1, __ATOMIC_RELAXED);
	return 0;
}

#endif
