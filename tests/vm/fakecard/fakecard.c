// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Pairs of Ethernet devices that are joined by a cable, for tests: nearN runs XDP programs
 * as a card's driver does, with the faults that parameters ask for, and farN does not.
 *
 * What is sent at one end is copied and received at the other: complete frames with
 * complete checksums, as on a wire.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/version.h>
#include <net/xdp.h>

#define MAX_PAIRS 8
#define MAX_QUEUED 1000
#define TAIL SKB_DATA_ALIGN(sizeof(struct skb_shared_info))

static unsigned int pairs = 2;
module_param(pairs, uint, 0444);
MODULE_PARM_DESC(pairs, "number of pairs");

static bool runs = true;
module_param(runs, bool, 0444);
MODULE_PARM_DESC(runs, "programs that are accepted run");

static bool sends = true;
module_param(sends, bool, 0444);
MODULE_PARM_DESC(sends, "XDP_TX sends");

enum { XMIT_ABSENT, XMIT_SENDS, XMIT_REFUSES };
static unsigned int xmit = XMIT_SENDS;
module_param(xmit, uint, 0444);
MODULE_PARM_DESC(xmit, "redirects to a near device: 0 there is no ndo_xdp_xmit, 1 sent, 2 refused (ENXIO)");

static unsigned int headroom = XDP_PACKET_HEADROOM;
module_param(headroom, uint, 0444);
MODULE_PARM_DESC(headroom, "bytes before a frame that a program may use");

static unsigned int largest;
module_param(largest, uint, 0444);
MODULE_PARM_DESC(largest, "largest MTU with a program, 0 for any; larger frames are lost while there is one");

static bool strict;
module_param(strict, bool, 0444);
MODULE_PARM_DESC(strict, "above the largest MTU a program cannot be taken away either");

/* One end. */
struct end {
	struct net_device *device;
	struct end *other;
	struct bpf_prog *program;
	struct sk_buff_head queue;
	struct napi_struct napi;
	struct xdp_rxq_info rxq;
};

static struct net_device *devices[2 * MAX_PAIRS];

/* ---- the cable ---- */

/* A frame arrives at an end, which is woken. */
static bool cable_send(struct end *from, const void *frame, unsigned int length)
{
	struct end *to = from->other;
	struct sk_buff *skb;

	if (!netif_running(to->device) || skb_queue_len(&to->queue) >= MAX_QUEUED)
		goto lost;
	skb = netdev_alloc_skb(to->device, length);
	if (!skb)
		goto lost;
	skb_put_data(skb, frame, length);
	skb_queue_tail(&to->queue, skb);
	napi_schedule(&to->napi);
	from->device->stats.tx_packets++;
	from->device->stats.tx_bytes += length;
	return true;
lost:
	from->device->stats.tx_dropped++;
	return false;
}

static netdev_tx_t end_start_xmit(struct sk_buff *skb, struct net_device *device)
{
	/* Neither fragments nor checksums are offloaded: the frame is in one piece. */
	cable_send(netdev_priv(device), skb->data, skb->len);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static int end_xdp_xmit(struct net_device *device, int count, struct xdp_frame **frames, u32 flags)
{
	int i, sent = 0;

	if (xmit == XMIT_REFUSES)
		return -ENXIO;
	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	/* The caller returns those that were not sent. */
	for (i = 0; i < count; i++) {
		if (!cable_send(netdev_priv(device), frames[i]->data, frames[i]->len))
			break;
		xdp_return_frame_rx_napi(frames[i]);
		sent++;
	}
	return sent;
}

/* ---- receiving ---- */

/* Redirects need more room before the frame than a program may have had. */
static int redirect(struct end *end, struct xdp_buff *xdp, struct bpf_prog *program)
{
	unsigned int length = xdp->data_end - xdp->data;

	if (xdp->data - xdp->data_hard_start < XDP_PACKET_HEADROOM) {
		if (XDP_PACKET_HEADROOM + length + TAIL > PAGE_SIZE)
			return -EOVERFLOW;
		memmove(xdp->data_hard_start + XDP_PACKET_HEADROOM, xdp->data, length);
		xdp_prepare_buff(xdp, xdp->data_hard_start, XDP_PACKET_HEADROOM, length, false);
	}
	return xdp_do_redirect(end->device, xdp, program);
}

/* Runs a program on a copy of a frame in a page; the verdict and, if it passes, the frame. */
static struct sk_buff *run_program(struct end *end, struct bpf_prog *program, struct sk_buff *skb)
{
	struct page *page = dev_alloc_page();
	struct sk_buff *passed = NULL;
	struct xdp_buff xdp;

	if (!page || headroom + skb->len + TAIL > PAGE_SIZE || (largest && skb->len > largest + ETH_HLEN)) {
		end->device->stats.rx_dropped++;
		goto out;
	}
	memcpy(page_address(page) + headroom, skb->data, skb->len);
	xdp_init_buff(&xdp, PAGE_SIZE, &end->rxq);
	xdp_prepare_buff(&xdp, page_address(page), headroom, skb->len, false);
	switch (bpf_prog_run_xdp(program, &xdp)) {
	case XDP_PASS:
		passed = napi_alloc_skb(&end->napi, xdp.data_end - xdp.data);
		if (passed)
			skb_put_data(passed, xdp.data, xdp.data_end - xdp.data);
		break;
	case XDP_TX:
		if (sends)
			cable_send(end, xdp.data, xdp.data_end - xdp.data);
		else
			trace_xdp_exception(end->device, program, XDP_TX); /* as drivers do with what they do not know */
		break;
	case XDP_REDIRECT:
		if (!redirect(end, &xdp, program))
			page = NULL; /* it went with the frame */
		break;
	default:
		break;
	}
out:
	if (page)
		put_page(page);
	consume_skb(skb);
	return passed;
}

static int end_poll(struct napi_struct *napi, int budget)
{
	struct end *end = container_of(napi, struct end, napi);
	struct bpf_prog *program = READ_ONCE(end->program);
	struct sk_buff *skb;
	int done = 0;

	while (done < budget && (skb = skb_dequeue(&end->queue))) {
		done++;
		end->device->stats.rx_packets++;
		end->device->stats.rx_bytes += skb->len;
		if (program && runs)
			skb = run_program(end, program, skb);
		if (!skb)
			continue;
		skb->protocol = eth_type_trans(skb, end->device);
		napi_gro_receive(napi, skb);
	}
	xdp_do_flush();
	if (done < budget && napi_complete_done(napi, done) && !skb_queue_empty(&end->queue))
		napi_schedule(napi);
	return done;
}

/* ---- programs ---- */

/* The lock of network devices is held. */
static int end_bpf(struct net_device *device, struct netdev_bpf *bpf)
{
	struct end *end = netdev_priv(device);
	struct bpf_prog *old = end->program;

	if (bpf->command != XDP_SETUP_PROG)
		return -EINVAL;
	if (largest && device->mtu > largest && (bpf->prog || strict)) {
		NL_SET_ERR_MSG_MOD(bpf->extack, "the MTU is too large for XDP");
		return -EINVAL;
	}
	WRITE_ONCE(end->program, bpf->prog);
	if (old)
		bpf_prog_put(old);
	return 0;
}

/* ---- devices ---- */

static int end_open(struct net_device *device)
{
	struct end *end = netdev_priv(device);
	int error = xdp_rxq_info_reg(&end->rxq, device, 0, end->napi.napi_id);

	if (error)
		return error;
	error = xdp_rxq_info_reg_mem_model(&end->rxq, MEM_TYPE_PAGE_SHARED, NULL);
	if (error) {
		xdp_rxq_info_unreg(&end->rxq);
		return error;
	}
	napi_enable(&end->napi);
	netif_carrier_on(device);
	netif_start_queue(device);
	return 0;
}

static int end_stop(struct net_device *device)
{
	struct end *end = netdev_priv(device);

	netif_stop_queue(device);
	netif_carrier_off(device);
	napi_disable(&end->napi);
	skb_queue_purge(&end->queue);
	xdp_rxq_info_unreg(&end->rxq);
	return 0;
}

static void end_drvinfo(struct net_device *device, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
}

static const struct ethtool_ops end_ethtool = {
	.get_drvinfo = end_drvinfo,
	.get_link = ethtool_op_get_link,
};

#define END_OPS                                                                                     \
	.ndo_open = end_open, .ndo_stop = end_stop, .ndo_start_xmit = end_start_xmit,               \
	.ndo_set_mac_address = eth_mac_addr, .ndo_validate_addr = eth_validate_addr

static const struct net_device_ops far_ops = { END_OPS };
static const struct net_device_ops near_ops = { END_OPS, .ndo_bpf = end_bpf, .ndo_xdp_xmit = end_xdp_xmit };
static const struct net_device_ops near_ops_no_xmit = { END_OPS, .ndo_bpf = end_bpf };

/* Linux 6.3 and later let drivers tell. */
static void say_features(struct net_device *device)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	xdp_set_features_flag(device, NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
					      (xmit == XMIT_ABSENT ? 0 : NETDEV_XDP_ACT_NDO_XMIT));
#endif
}

static struct net_device *end_make(unsigned int number)
{
	bool near = number % 2 == 0;
	struct net_device *device = alloc_etherdev(sizeof(struct end));
	struct end *end;

	if (!device)
		return NULL;
	end = netdev_priv(device);
	end->device = device;
	skb_queue_head_init(&end->queue);
	snprintf(device->name, IFNAMSIZ, "%s%u", near ? "near" : "far", number / 2);
	eth_hw_addr_random(device);
	device->max_mtu = 9000;
	device->ethtool_ops = &end_ethtool;
	device->netdev_ops = !near ? &far_ops : xmit == XMIT_ABSENT ? &near_ops_no_xmit : &near_ops;
	if (near)
		say_features(device);
	netif_napi_add(device, &end->napi, end_poll);
	netif_carrier_off(device);
	return device;
}

static int __init pair_make(unsigned int number)
{
	struct net_device **both = devices + 2 * number;
	struct end *near, *far;
	int error;

	both[0] = end_make(2 * number);
	both[1] = both[0] ? end_make(2 * number + 1) : NULL;
	if (!both[1])
		return -ENOMEM;
	near = netdev_priv(both[0]);
	far = netdev_priv(both[1]);
	near->other = far;
	far->other = near;
	error = register_netdev(both[0]);
	return error ? error : register_netdev(both[1]);
}

static void fakecard_exit(void)
{
	int i;

	/* Both ends of a pair are quiet before either is freed. */
	for (i = 0; i < 2 * MAX_PAIRS && devices[i]; i++) {
		if (devices[i]->reg_state == NETREG_REGISTERED)
			unregister_netdev(devices[i]);
	}
	for (i = 0; i < 2 * MAX_PAIRS && devices[i]; i++) {
		skb_queue_purge(&((struct end *)netdev_priv(devices[i]))->queue);
		free_netdev(devices[i]);
	}
}

static int __init fakecard_init(void)
{
	unsigned int i;
	int error = 0;

	if (!pairs || pairs > MAX_PAIRS || headroom > XDP_PACKET_HEADROOM)
		return -EINVAL;
	for (i = 0; i < pairs && !error; i++)
		error = pair_make(i);
	if (error)
		fakecard_exit();
	return error;
}

module_init(fakecard_init);
module_exit(fakecard_exit);
MODULE_DESCRIPTION("Pairs of Ethernet devices with the faults of XDP drivers, for tests");
MODULE_LICENSE("Dual BSD/GPL");
