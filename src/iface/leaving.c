/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/leaving.h"

#include "abi.h"
#include "base/kernel.h"
#include "iface/attachment.h"
#include "iface/driver.h"
#include "iface/driver_name.h"
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

/* What the kernel tells of how a device sends; `told` is false if it tells nothing (before Linux 6.3). */
struct sending {
	bool told;
	uint64_t features;
};

static struct sending ask(uint32_t ifindex)
{
	struct sending sending = { 0 };

	sending.told = !device_xdp_features(ifindex, &sending.features);
	return sending;
}

static bool takes_redirects(uint32_t ifindex, const struct sending *sending)
{
	if (sending->told)
		return sending->features & XDP_FEATURE_NDO_XMIT;
	return attachment_state(ifindex) == ATTACHMENT_NATIVE && !attachment_is_alone(ifindex);
}

bool leaving_takes_redirects(uint32_t ifindex)
{
	struct sending sending = ask(ifindex);

	return takes_redirects(ifindex, &sending);
}

/* Whether a device in native mode sends what the program returns with XDP_TX as it should. */
static bool transmits(uint32_t ifindex)
{
	char driver[DEVICE_DRIVER_SIZE];

	return driver_name_find(ifindex, driver) && driver_transmits(driver, kernel_version());
}

void leaving_forget(void)
{
	remembered.count = 0;
}

void leaving_stop(void)
{
	leaving_forget();
	driver_name_forget();
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
static bool sends_back(uint32_t ifindex, const struct sending *sending)
{
	uint32_t ports[ABI_PORTS];
	unsigned int count = attachment_ports(ifindex, ports);

	/* The last one is the device. */
	if (count > 2 && (!takes_redirects(ifindex, sending) || loses_redirects(ifindex)))
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
	struct sending sending = ask(ifindex);

	if (takes_redirects(ifindex, &sending) && !attachment_any_is_alone() && !loses_redirects(ifindex))
		flags |= HOP_REDIRECT;
	if (sending.features & XDP_FEATURE_NDO_XMIT_SG)
		flags |= HOP_FRAGS;
	if (state == ATTACHMENT_GENERIC || (state == ATTACHMENT_NATIVE && sends_back(ifindex, &sending)))
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
	driver_name_follow(links);
	verified_follow(links);
	redirects_follow(links);
	attachment_follow_verified(links);
	leaving_forget();
}
