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
 * The limit of a limited flow's session, by the index of the flow. It is NULL only if the server made the tables too
 * small.
 */
static __always_inline struct limit *limit_find(__u32 flow)
{
	const struct flow_note *note = bpf_map_lookup_elem(&notes, &flow);
	__u32 index;

	if (!note)
		return NULL;
	index = note->session - 1;
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

/*
 * Charges a datagram from the client, of so many bytes of UDP payload. Returns 0 if it is to be dropped. One that is
 * dropped is counted in no usage figure, as in coturn. This function and the next one are not static, so that the
 * verifier walks them once, and not for each path that leads here.
 */
__noinline int limit_from_client(__u32 flow, __u32 datagram)
{
	struct limit *limit = limit_find(flow);

	if (!limit || limit_take(&limit->left[LIMIT_CLIENT_READ], datagram))
		return 1;
	__atomic_fetch_add(&limit->dropped, 1, __ATOMIC_RELAXED);
	return 0;
}

/*
 * Charges a peer's datagram twice, as coturn does: when it is received, and when it is sent
 * to the client as `payload` bytes. One that is received but not sent counts as received.
 */
__noinline int limit_to_client(__u32 flow, __u32 v6, __u32 datagram, __u32 payload)
{
	struct limit *limit = limit_find(flow);

	if (!limit)
		return 1;
	if (limit_take(v6 ? &limit->left[LIMIT_RELAY_READ6] : &limit->left[LIMIT_RELAY_READ], datagram)) {
		if (limit_take(&limit->left[LIMIT_CLIENT_WRITE], payload))
			return 1;
		__atomic_fetch_add(&limit->unsent_packets, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&limit->unsent_bytes, datagram, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&limit->dropped, 1, __ATOMIC_RELAXED);
	return 0;
}

#endif
