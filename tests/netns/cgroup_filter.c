// SPDX-License-Identifier: BSD-3-Clause
/* A filter of a cgroup, as an operator's service manager attaches them: it drops packets
 * whose address at OFFSET of the IP header begins with ADDRESS, by the interface IFINDEX, or
 * by any if that is 0. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef IFINDEX
#define IFINDEX 0
#endif

static const __u8 address[] = { ADDRESS };

static __always_inline int refused(struct __sk_buff *packet)
{
	__u8 found[sizeof(address)];
	unsigned int i, different = 0;

	if (IFINDEX && packet->ifindex != IFINDEX)
		return 0;
	if ((packet->protocol == 0xdd86) != (sizeof(address) == 16) || /* IPv6, in network order */
	    bpf_skb_load_bytes(packet, OFFSET, found, sizeof(found)))
		return 0;
	for (i = 0; i < sizeof(address); i++)
		different |= found[i] ^ address[i]; /* branches would be too many for the verifier */
	return !different;
}

SEC("cgroup/skb")
int filter(struct __sk_buff *packet)
{
	return !refused(packet);
}

char _license[] SEC("license") = "GPL";
