/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/driver.h"

#include <linux/version.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The machine's pages are of this size, or else nothing is known of MTUs. */
#define PAGE 4096

#define V5_10 KERNEL_VERSION(5, 10, 0)
#define V6_1 KERNEL_VERSION(6, 1, 0)
/* Of no kernel yet. */
#define NEVER UINT32_MAX

/*
 * Read in Linux 5.10, 6.1 and 6.12, in the file of drivers/net/ that stands behind each entry. What they have in common:
 * a frame of one buffer is a page (or what is said behind it), less the room in front for XDP (256 bytes), the end of
 * the buffer (struct skb_shared_info, 320 bytes) and the headers of Ethernet and VLAN.
 */
static const struct driver {
	const char *name;
	uint32_t mtu;        /* the largest for a program that takes frames of one buffer; 0: not known */
	bool half;           /* at most half of the channels may be in use: the others are for what XDP sends */
	bool lro;            /* it refuses while LRO is on */
	bool loses;          /* above `mtu` it may take the program, and loses frames */
	bool resets;         /* attaching stops the card's queues, or resets it */
	uint32_t detach_mtu; /* driver_detach_mtu */
	bool detach_mended;  /* since Linux 6.3 it gives the program back at any MTU */
	enum driver_sends sends;
	uint32_t since;     /* the first kernel of those that were read in which it is so */
	uint32_t shares;    /* the first kernel in which CPUs share transmit queues for what they redirect */
	uint32_t transmits; /* the first kernel in which what the program returns with XDP_TX is sent as it should */
	bool forgets;       /* it runs no program any more after the interface was down and up again */
	bool no_xdp;        /* in no kernel */
} drivers[] = {
	/* ethernet/amazon/ena/ena_xdp.h: ENA_XDP_MAX_MTU, ena_xdp_legal_queue_count() */
	{ "ena", .mtu = 3498, .half = true, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	/*
	 * virtio_net.c: virtnet_xdp_set() and xdp_linearize_page(): the header of virtio (12 bytes) is part of the buffer.
	 * Before 6.3 the driver takes the program up to nearly a page, and asks the same when it is to give it back.
	 */
	{ "virtio_net", .mtu = 3490, .loses = true, .detach_mtu = PAGE - 32, .detach_mended = true,
	  .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	/*
	 * veth.c: veth_xdp_set(), for the MTU of the other end. After XDP_TX the driver does not wake its other end if that has no
	 * program (veth_xdp_flush()), so the frames would wait there. After a redirect it does.
	 */
	{ "veth", .mtu = 3506, .sends = DRIVER_SENDS_ALL, .since = V5_10, .transmits = NEVER },
	/* ethernet/google/gve/gve_main.c: verify_xdp_configuration(), buffers of 2048 bytes; for detaching, too */
	{ "gve", .mtu = 2032, .half = true, .lro = true, .resets = true, .detach_mtu = 2032 },
	/* xen-netfront.c: xennet_xdp_set(), for detaching, too */
	{ "vif", .mtu = PAGE - 256, .detach_mtu = PAGE - 256, .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	/* hyperv/netvsc_bpf.c: netvsc_xdp_set() */
	{ "hv_netvsc", .mtu = 3506, .lro = true, .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	/* ethernet/microsoft/mana/mana_bpf.c: MANA_XDP_MTU_MAX */
	{ "mana", .mtu = 3506, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	/* ethernet/broadcom/bnxt/bnxt.h: BNXT_MAX_PAGE_MODE_MTU */
	{ "bnxt_en", .mtu = 3500, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	/* ethernet/intel/: ixgbe_xdp_setup(), igb_xdp_setup(), i40e_xdp_setup(), ice_xdp_setup_prog(), buffers of 3072 bytes */
	{ "ixgbe", .mtu = 3050, .lro = true, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "igb", .mtu = 3046, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	/* and i40e_xdp_xmit(), ice_xdp_xmit() */
	{ "i40e", .mtu = 3046, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V5_10, .shares = NEVER },
	{ "ice", .mtu = 3046, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V5_10, .shares = KERNEL_VERSION(5, 16, 0) },
	/* ethernet/intel/igc/igc_xdp.c: igc_xdp_set_prog(), no jumbo frames */
	{ "igc", .mtu = 1500, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	/* ethernet/mellanox/mlx5/core/en_main.c: mlx5e_xdp_allowed(); en/xdp.c: mlx5e_xdp_xmit() */
	{ "mlx5_core", .lro = true, .resets = true, .sends = DRIVER_SENDS_ALL, .since = V5_10, .shares = NEVER },
	/* No ndo_xdp_xmit: ethernet/mellanox/mlx4/en_netdev.c, ethernet/netronome/nfp/nfp_net_common.c, intel/ixgbevf/ */
	{ "mlx4_en", .resets = true, .sends = DRIVER_SENDS_BACK, .since = V5_10 },
	{ "nfp", .resets = true, .sends = DRIVER_SENDS_BACK, .since = V5_10 },
	{ "ixgbevf", .resets = true, .sends = DRIVER_SENDS_BACK, .since = V5_10 },
	/*
	 * vmxnet3/vmxnet3_xdp.c: vmxnet3_xdp_set(). Before Linux 6.12 it sends what returns with XDP_TX from where that began before
	 * bpf_xdp_adjust_head (4678adf94da4). That it forgets programs was seen with the vmxnet3 of qemu and Linux 6.12, with a
	 * program that only passes frames up; it is not known to be mended later.
	 */
	{ "vmxnet3", .resets = true, .transmits = KERNEL_VERSION(6, 12, 0), .forgets = true },
	{ "team", .no_xdp = true },
	/* These have ndo_xdp_xmit, and call xdp_do_redirect(). */
	{ "fsl_dpaa2_eth", .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "mvneta", .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "mvpp2", .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "qede", .resets = true, .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "sfc", .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "netsec", .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "cpsw", .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "cpsw-switch", .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "tun", .sends = DRIVER_SENDS_ALL, .since = V5_10 },
	{ "fsl_dpa", .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	{ "fsl_enetc", .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	{ "funeth", .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	{ "atlantic", .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	{ "rvu-nicpf", .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	{ "st_gmac", .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	{ "xgmac", .sends = DRIVER_SENDS_ALL, .since = V6_1 },
	/* A bond's members send: bond_xdp_xmit() of bonding/bond_main.c. */
	{ "bonding", .sends = DRIVER_SENDS_ALL, .since = V6_1 },
};

static const struct driver *find(const char *name)
{
	static const struct driver unknown;

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (!strcmp(drivers[i].name, name))
			return &drivers[i];
	}
	return &unknown;
}

static bool mtu_is_refused(const struct driver *driver, const struct driver_facts *facts)
{
	return driver->mtu && !facts->frags && facts->mtu > driver->mtu && sysconf(_SC_PAGESIZE) == PAGE;
}

static void explain_mtu(const struct driver *driver, const struct driver_facts *facts, char *why, size_t size,
			char *command)
{
	bool veth = !strcmp(driver->name, "veth");

	snprintf(why, size, "the driver (%s) takes the program up to mtu %u, and %s has %u", driver->name, driver->mtu,
		 veth ? "the other end" : "the interface", facts->mtu);
	snprintf(command, DRIVER_COMMAND, "ip link set dev %s mtu %u", veth ? "OTHER-END" : facts->device, driver->mtu);
}

/* Drivers with combined channels have as many of both kinds. */
static bool channels_are_refused(const struct driver *driver, const struct driver_facts *facts, char *why,
				 size_t size, char *command)
{
	const struct device_channels *channels = &facts->channels;
	uint32_t most = channels->combined_max ? channels->combined_max : channels->rx_max;
	uint32_t used = channels->combined_max ? channels->combined : channels->rx;

	if (!driver->half || most < 2 || (2 * used <= most && (channels->combined_max || channels->rx == channels->tx)))
		return false;
	snprintf(why, size, "the driver (%s) takes the program with up to %u of its %u queues in use, %sand %u are",
		 driver->name, most / 2, most, channels->combined_max ? "" : "as many to receive as to send, ", used);
	if (channels->combined_max)
		snprintf(command, DRIVER_COMMAND, "ethtool -L %s combined %u", facts->device, most / 2);
	else
		snprintf(command, DRIVER_COMMAND, "ethtool -L %s rx %u tx %u", facts->device, most / 2, most / 2);
	return true;
}

bool driver_refuses(const struct driver_facts *facts, char *why, size_t size, char *command)
{
	const struct driver *driver = find(facts->driver);
	char other[DRIVER_COMMAND] = "", more[DRIVER_COMMAND];

	if (driver->lro && facts->lro) {
		snprintf(why, size, "the driver (%s) does not take the program while LRO is on", driver->name);
		snprintf(command, DRIVER_COMMAND, "ethtool -K %s lro off", facts->device);
		return true;
	}
	if (!mtu_is_refused(driver, facts))
		return channels_are_refused(driver, facts, why, size, command);
	explain_mtu(driver, facts, why, size, command);
	/* With the one changed, the other would be refused next. */
	if (channels_are_refused(driver, facts, more, sizeof(more), other))
		snprintf(command + strlen(command), DRIVER_COMMAND - strlen(command), " && %s", other);
	return true;
}

bool driver_loses_frames(const struct driver_facts *facts)
{
	const struct driver *driver = find(facts->driver);

	return driver->loses && mtu_is_refused(driver, facts);
}

bool driver_is_avoided(const char *driver, char *why, size_t size)
{
	if (!find(driver)->forgets)
		return false;
	snprintf(why, size, "the driver (%s) runs no program any more after the interface was down and up again; xdp-mode=native "
			    "uses it all the same",
		 driver);
	return true;
}

enum driver_sends driver_sends(const char *driver, uint32_t kernel)
{
	const struct driver *known = find(driver);

	return kernel >= known->since ? known->sends : DRIVER_SENDS_UNKNOWN;
}

bool driver_has_no_xdp(const char *driver)
{
	return find(driver)->no_xdp;
}

bool driver_transmits(const char *driver, uint32_t kernel)
{
	return kernel >= find(driver)->transmits;
}

bool driver_wants_queues(const char *driver, uint32_t kernel)
{
	return kernel < find(driver)->shares;
}

/* All of these drivers have combined channels. A driver that does not say how many it has is not judged. */
bool driver_loses_redirects(const char *driver, uint32_t kernel, const struct device_channels *channels, uint32_t cpus)
{
	return driver_wants_queues(driver, kernel) && channels->combined && channels->combined < cpus;
}

uint32_t driver_detach_mtu(const char *driver, bool told, uint32_t taken)
{
	const struct driver *known = find(driver);

	if (!known->name)
		return taken;
	if (sysconf(_SC_PAGESIZE) != PAGE || (told && known->detach_mended))
		return 0;
	return known->detach_mtu;
}

bool driver_resets(const char *driver)
{
	return find(driver)->resets;
}
