/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * max-bps, as coturn applies it (ioa_socket_check_bandwidth): a packet that does not fit
 * into what is left of the second is dropped, and a smaller one after it may still fit. The
 * server takes the session's other traffic off the same meters, and fills them again
 * every second.
 */
#ifndef BPF_LIMIT_H
#define BPF_LIMIT_H

#include "maps.h"

/*
 * The index of the limit of a flow's session, by the flow's slot. The function is not static, so that the verifier walks
 * it once.
 */
__noinline __u32 limit_index(__u32 flow)
{
	const struct flow_note *note = bpf_map_lookup_elem(&notes, &flow);

	return note ? note->session - 1 : ~0u;
}

/* The limit of the session of a limited flow. It is NULL only if the server made the tables too small. */
static __always_inline struct limit *limit_find(__u32 flow)
{
	__u32 index = limit_index(flow);

	return bpf_map_lookup_elem(&limits, &index);
}

/*
 * Takes bytes off a meter. Returns 0, and takes nothing, if fewer are left. CPUs that ask
 * at the same moment may all get the last bytes; then the meter falls below 0, and the
 * next second begins with as much less.
 */
static __always_inline int limit_take(__s32 *left, __u16 bytes)
{
	if (*(volatile __s32 *)left < bytes)
		return 0;
	__atomic_fetch_add(left, -(__s32)bytes, __ATOMIC_RELAXED);
	return 1;
}

/* Charges a datagram from the client. One that is dropped is counted in no usage figure, as in coturn. */
static __always_inline int limit_from_client(struct limit *limit, __u16 datagram)
{
	if (limit_take(&limit->left[LIMIT_CLIENT_READ], datagram))
		return 1;
	__atomic_fetch_add(&limit->dropped, 1, __ATOMIC_RELAXED);
	return 0;
}

/*
 * Charges a peer's datagram twice, as coturn does: when it is received, and when it is sent
 * to the client as `payload` bytes. One that is received but not sent counts as received.
 */
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
	__atomic_fetch_add(&limit->dropped, 1, __ATOMIC_RELAXED);
	return 0;
}

#endif
