/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/leaving.h"

#include <net/if.h>

#include "abi.h"
#include "base/kernel.h"
#include "iface/attachment.h"
#include "iface/driver.h"
#include "iface/redirects.h"
#include "iface/verified.h"
#include "netlink/device.h"

/* Many next hops leave by the same few devices, so the kernel is asked once for all. */
static struct {
	unsigned int count;
	struct {
		uint32_t ifindex;
		uint8_t flags;
	} device[ABI_DEVICES];
} remembered;

bool leaving_takes_redirects(uint32_t ifindex)
{
	uint64_t features;

	if (!device_xdp_features(ifindex, &features))
		return features & XDP_FEATURE_NDO_XMIT;
	return attachment_state(ifindex) == ATTACHMENT_NATIVE && !attachment_is_alone(ifindex);
}

/* Whether a device in native mode sends what the program returns with XDP_TX as it should. */
static bool transmits(uint32_t ifindex)
{
	char name[IF_NAMESIZE], driver[DEVICE_DRIVER_SIZE];

	if (!if_indextoname(ifindex, name))
		return false;
	device_driver(name, driver);
	return driver_transmits(driver, kernel_version());
}

void leaving_forget(void)
{
	remembered.count = 0;
}

/* Whether the device, or one of its members, drops what is redirected to it. */
static bool loses_redirects(uint32_t ifindex)
{
	return redirects_lack_queues(ifindex) || redirects_are_dropped(ifindex);
}

/*
 * Whether what the program returns with XDP_TX leaves by the device. With several members the kernel makes a
 * redirect of it, to the member that the bond chooses (xdp_master_redirect).
 */
static bool sends_back(uint32_t ifindex)
{
	uint32_t ports[ABI_PORTS];
	unsigned int count = attachment_ports(ifindex, ports);

	/* The last one is the device. */
	if (count > 2 && (!leaving_takes_redirects(ifindex) || loses_redirects(ifindex)))
		return false;
	while (count--) {
		if (!transmits(ports[count]))
			return false;
	}
	return true;
}

static uint8_t find_flags(uint32_t ifindex)
{
	enum attachment_state state = attachment_state(ifindex);
	uint8_t flags = verified_are_handed_on(ifindex) ? HOP_HANDS_ON : 0;
	uint64_t features;

	if (leaving_takes_redirects(ifindex) && !attachment_any_is_alone() && !loses_redirects(ifindex))
		flags |= HOP_REDIRECT;
	if (!device_xdp_features(ifindex, &features) && features & XDP_FEATURE_NDO_XMIT_SG)
		flags |= HOP_FRAGS;
	if (state == ATTACHMENT_GENERIC || (state == ATTACHMENT_NATIVE && sends_back(ifindex)))
		flags |= HOP_TRANSMIT;
	return flags;
}

uint8_t leaving_flags(uint32_t ifindex)
{
	uint8_t flags;

	for (unsigned int i = 0; i < remembered.count; i++) {
		if (remembered.device[i].ifindex == ifindex)
			return remembered.device[i].flags;
	}
	flags = find_flags(ifindex);
	if (remembered.count < ABI_DEVICES) {
		remembered.device[remembered.count].ifindex = ifindex;
		remembered.device[remembered.count++].flags = flags;
	}
	return flags;
}

void leaving_follow(const struct links *links)
{
	verified_follow(links);
	redirects_follow(links);
	attachment_follow_verified(links);
	leaving_forget();
}
