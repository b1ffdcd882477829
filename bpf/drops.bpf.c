/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Counts the frames that an XDP program has sent and that got lost afterwards. The XDP program itself cannot
 * know: a driver may refuse a frame after the program has ended. These programs run at tracepoints of the kernel, two
 * of which fire only for frames that are lost, and the third for each bunch of redirected frames. The last program counts what
 * the network stack receives; the server attaches it only while it doubts that a driver runs the XDP program.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "drop_count.h"

/* The kernel's own types, as far as they are read; libbpf finds out where the fields are. */
struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
} __attribute__((preserve_access_index));

struct bpf_dtab_netdev {
	struct net_device *dev;
} __attribute__((preserve_access_index));

/* By place, the index of the device that is watched; 0: none. The server writes it. */
__u32 watched[DROPS_DEVICES];

/* By CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct drops_count[DROPS_DEVICES]);
	__uint(max_entries, 1);
} counts SEC(".maps");

/* The device's counters on this CPU, or NULL if it is not watched. */
static __always_inline struct drops_count *find(__u32 ifindex)
{
	__u32 cpu = bpf_get_smp_processor_id(), place;
	struct drops_count *all;

	if (!ifindex)
		return NULL;
	for (__u32 probe = 0; probe < DROPS_PROBES; probe++) {
		place = drops_place(ifindex, probe);
		if (*(volatile __u32 *)&watched[place] != ifindex)
			continue;
		all = bpf_map_lookup_elem(&counts, &cpu);
		return all ? &all[place & (DROPS_DEVICES - 1)] : NULL;
	}
	return NULL;
}

/* The kernel hands a bunch of redirected frames to the driver of the device that they are to leave by. */
SEC("tp_btf/xdp_devmap_xmit")
int devmap_xmit(__u64 *ctx)
{
	const struct net_device *to = (const struct net_device *)ctx[1];
	int sent = (int)ctx[2], dropped = (int)ctx[3];
	struct drops_count *count = find((__u32)to->ifindex);

	if (!count)
		return 0;
	if (sent > 0)
		count->sent += (__u32)sent;
	if (dropped > 0)
		count->dropped += (__u32)dropped;
	return 0;
}

static __always_inline __u32 index_of(const void *device)
{
	return (__u32)BPF_CORE_READ((const struct net_device *)device, ifindex);
}

/*
 * The kernel refuses to redirect a frame. Since Linux 5.13 the fifth argument is the type of the map; before, it is the
 * address of the map, and larger than any type.
 */
SEC("raw_tp/xdp_redirect_err")
int redirect_err(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 type = ctx->args[4];
	struct drops_count *count;

	count = find(index_of((const void *)ctx->args[0]));
	if (count)
		count->refused++;
	/* A frame that is too long for a device says nothing of the device. */
	if ((int)ctx->args[3] == -EMSGSIZE ||
	    (type < 4096 && type != BPF_MAP_TYPE_DEVMAP && type != BPF_MAP_TYPE_DEVMAP_HASH))
		return 0;
	count = find((__u32)BPF_CORE_READ((const struct bpf_dtab_netdev *)ctx->args[2], dev, ifindex));
	if (count)
		count->dropped++;
	return 0;
}

/* A driver does not do what the program has returned, or could not. Some drivers also say so after redirect_err. */
SEC("raw_tp/xdp_exception")
int exception(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 action = (__u32)ctx->args[2];
	struct drops_count *count;

	if (action != XDP_TX && action != XDP_REDIRECT)
		return 0;
	count = find(index_of((const void *)ctx->args[0]));
	if (count)
		count->failed++;
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int receive(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];
	struct drops_count *count = find((__u32)skb->dev->ifindex);

	if (count)
		count->received++;
	return 0;
}

/* Only programs with a GPL-compatible license may read what the kernel has in its memory. */
char _license[] SEC("license") = "Dual BSD/GPL";
