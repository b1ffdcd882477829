/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/changes.h"

#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "iface/attachment.h"
#include "iface/driver_check.h"
#include "iface/drops.h"
#include "iface/member.h"
#include "iface/member_check.h"
#include "iface/mode_line.h"
#include "iface/one_mode.h"
#include "iface/watch.h"
#include "netlink/device.h"

static void warn(struct interface *interface, const char *line)
{
	snprintf(interface->line, sizeof(interface->line), "%s", line);
	interface->level = LOG_LEVEL_WARNING;
	mode_log(interface);
}

/* Detaches from a device; changes_follow chooses the mode of its interfaces anew. 0, or -EBUSY with nothing changed. */
static int detach(struct interfaces *interfaces, uint32_t device, const char *line)
{
	int error = attachment_detach(device);

	for (unsigned int i = 0; !error && i < interfaces->count; i++) {
		struct interface *interface = &interfaces->interface[i];

		if (interface->device != device)
			continue;
		interface->device = 0;
		memset(&interface->inputs, 0, sizeof(interface->inputs));
		if (line)
			warn(interface, line);
	}
	return error;
}

/* What is wrong is not ours to change: the MTU could not be lowered for the moment of detaching. */
static void say_stuck(struct interfaces *interfaces, const struct link *device)
{
	char line[MODE_LINE], driver[DEVICE_DRIVER_SIZE];

	device_driver(device->name, driver);
	snprintf(line, sizeof(line),
		 "native mode, and its mtu was raised to %u: the driver (%s) loses larger frames of all traffic, and does not "
		 "give the XDP program back, also when turnserver ends; set the mtu back (ip link set dev %s mtu %u), restart "
		 "turnserver with xdp-mode=generic, and then raise it",
		 device->mtu, driver, device->name, ETH_DATA_LEN);
	for (unsigned int i = 0; i < interfaces->count; i++) {
		if (interfaces->interface[i].device == device->ifindex)
			warn(&interfaces->interface[i], line);
	}
}

/* A bond loses what one of its members loses. */
static bool loses_frames(const struct links *links, const struct link *device)
{
	const struct link *member = NULL;
	struct driver_facts facts;

	driver_check_read(links, device, true, &facts);
	if (driver_loses_frames(&facts))
		return true;
	while ((member = member_next(links, device, member))) {
		if (loses_frames(links, member))
			return true;
	}
	return false;
}

/*
 * The MTU of a device in native mode was raised, and nobody has asked the driver whether its program can take such
 * frames: some lose them without a word. The program for frames of several buffers takes the other one's place at
 * once, or else the mode is chosen anew, and the driver is asked by that.
 */
static void outgrow(struct interfaces *interfaces, const struct links *links, const struct link *device)
{
	if (!loses_frames(links, device) && !attachment_take_frags(device))
		return;
	if (detach(interfaces, device->ifindex, NULL))
		say_stuck(interfaces, device);
}

int changes_detach(struct interfaces *interfaces, uint32_t device)
{
	return detach(interfaces, device, NULL);
}

void changes_check_device(struct interfaces *interfaces, const struct links *links, uint32_t device)
{
	const struct link *link = links_find(links, device);
	char why[MODE_LINE];

	if (!link)
		detach(interfaces, device, NULL);
	else if (!attachment_holds(device))
		detach(interfaces, device,
		       "the program was detached from outside; it is attached again unless another program is there now");
	else if (attachment_state(device) == ATTACHMENT_GENERIC ? mode_check_generic(links, link, device, why, sizeof(why)) :
								  member_check_runs(links, link, why, sizeof(why)))
		detach(interfaces, device, NULL);
	else if (attachment_is_outgrown(link))
		outgrow(interfaces, links, link);
	else
		attachment_readdress(link);
}

/* The interface's link: by its index as long as there is one, then by its name. NULL: it is not there. */
static const struct link *find_link(const struct interfaces *interfaces, struct interface *interface,
				    const struct links *links)
{
	const struct link *link = links_find(links, interface->ifindex);
	uint32_t ifindex;

	if (link)
		return link;
	if (interface->ifindex) {
		/* The device below a VLAN may still be there. */
		interface->ifindex = interface->device = 0;
		warn(interface, "the interface is gone; channels over it are relayed in userspace until it is back");
	}
	ifindex = if_nametoindex(interface->name);
	if (!ifindex || interfaces_have(interfaces, ifindex))
		return NULL;
	link = links_find(links, ifindex);
	if (link) {
		interface->ifindex = ifindex;
		memset(&interface->inputs, 0, sizeof(interface->inputs));
	}
	return link;
}

static void rename_to(struct interface *interface, const char *name)
{
	/* The name may be an alternative one or a label, which still leads to the interface. */
	if (!strcmp(interface->name, name) || if_nametoindex(interface->name) == interface->ifindex)
		return;
	log_line(LOG_LEVEL_INFO, "%s: is now called %s", interface->name, name);
	snprintf(interface->name, sizeof(interface->name), "%s", name);
}

/*
 * Whether native mode is worth a try for an interface in generic mode: something is different of what its driver may
 * have refused it for, and packets can cross to all others. Without news its driver would refuse as before, and trying
 * may stop the device's queues each time.
 */
static bool may_be_native_now(struct interfaces *interfaces, struct interface *interface, const struct links *links,
			      const struct link *link)
{
	const struct interface *outsider = one_mode_outsider(interfaces, interface, 0);
	struct mode_inputs now;
	char why[MODE_LINE];

	if (interfaces->plan.mode != OPTION_MODE_AUTO || attachment_is_dispatched(interface->device) ||
	    watch_distrusts(interface->device, why, sizeof(why)))
		return false;
	mode_check_read_inputs(links, link, &now);
	if (!(interface->follows && !outsider) && !mode_check_may_help(&interface->inputs, &now))
		return false;
	interface->inputs = now;
	/* What the driver has dropped before may leave now. */
	drops_forget(interface->device);
	one_mode_prepare(interfaces, interface, outsider, links);
	return mode_may_be_native(&interfaces->plan, interface, links, link);
}

/* Whether the mode that an interface has is no longer the one that it is to have. */
static bool is_to_change(struct interfaces *interfaces, struct interface *interface, const struct links *links,
			 const struct link *link)
{
	if (attachment_state(interface->device) == ATTACHMENT_GENERIC)
		return may_be_native_now(interfaces, interface, links, link);
	return attachment_is_alone(interface->device) && !interfaces_alone(interfaces, interface, links);
}

/* What the line says of the interface's state and MTU may have changed. An outgrown device has a line of its own. */
static void refresh_line(struct interfaces *interfaces, struct interface *interface, const struct links *links,
			 const struct link *link)
{
	const struct link *device = links_find(links, interface->device);

	if (!device || attachment_is_outgrown(device))
		return;
	mode_line_carried(&interfaces->plan, interface, links, link);
	mode_log(interface);
}

void changes_follow(struct interfaces *interfaces, struct interface *interface, const struct links *links)
{
	const struct link *link = find_link(interfaces, interface, links);
	struct mode_inputs now;

	if (!link)
		return;
	rename_to(interface, link->name);
	if (interface->device && is_to_change(interfaces, interface, links, link))
		detach(interfaces, interface->device, NULL);
	if (interface->device) {
		refresh_line(interfaces, interface, links, link);
		return;
	}
	mode_check_read_inputs(links, link, &now);
	if (!memcmp(&now, &interface->inputs, sizeof(now)))
		return;
	one_mode_choose(interfaces, interface, links, link);
	mode_log(interface);
}

void changes_drop_unused(const struct interfaces *interfaces, uint32_t device)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		if (interfaces->interface[i].device == device)
			return;
	}
	/* A driver that does not give it back now is asked again. */
	attachment_detach(device);
}
