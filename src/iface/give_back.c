/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/give_back.h"

#include <string.h>

#include "base/log.h"
#include "netlink/link_change.h"

int give_back_begin(uint32_t ifindex, uint32_t most, struct give_back *lowered)
{
	const struct link *device;
	struct links before;
	int error = links_read(&before);

	memset(lowered, 0, sizeof(*lowered));
	if (error)
		return error;
	device = links_find(&before, ifindex);
	if (device && device->mtu > most)
		error = link_change_mtu(ifindex, most);
	if (error || !device || device->mtu <= most) {
		links_free(&before);
		return error;
	}
	log_line(LOG_LEVEL_WARNING,
		 "%s: mtu %u was set to %u for a moment, as its driver may not give back an XDP program above that, and "
		 "would then lose large frames for good",
		 device->name, device->mtu, most);
	lowered->before = before;
	lowered->ifindex = ifindex;
	return 0;
}

/* More than the devices that Linux lets stand on top of each other (MAX_NEST_DEV, 8). */
#define DEPTH_MAX 16

/* Whether a link stands on the device, as a VLAN does or the bridge that the device is a member of. */
static bool is_above(const struct links *links, const struct link *link, uint32_t ifindex)
{
	for (unsigned int depth = 0; link && !link->veth && depth < DEPTH_MAX; depth++) {
		const struct link *below = links_find(links, link->lower), *device = links_find(links, ifindex);

		if (link->lower == ifindex || (device && device->upper == link->ifindex))
			return true;
		link = below;
	}
	return false;
}

/* Sets the MTUs that are lower than they were; one above another can only follow it. Returns whether there were any. */
static bool raise_again(const struct links *before, uint32_t ifindex)
{
	struct links now;
	bool found = false;

	if (links_read(&now))
		return false;
	for (unsigned int i = 0; i < before->count; i++) {
		const struct link *was = &before->link[i], *is = links_find(&now, was->ifindex);

		if (is && is->mtu < was->mtu && is_above(before, was, ifindex)) {
			link_change_mtu(was->ifindex, was->mtu);
			found = true;
		}
	}
	links_free(&now);
	return found;
}

void give_back_end(struct give_back *lowered)
{
	const struct link *device = links_find(&lowered->before, lowered->ifindex);
	int error = device ? link_change_mtu(lowered->ifindex, device->mtu) : 0;

	if (error)
		log_line(LOG_LEVEL_ERROR, "%s: its mtu could not be set back to %u: %s; set it: ip link set dev %s mtu %u", device->name,
			 device->mtu, strerror(-error), device->name, device->mtu);
	for (unsigned int depth = 0; device && depth < DEPTH_MAX && raise_again(&lowered->before, lowered->ifindex); depth++)
		;
	links_free(&lowered->before);
}
