/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/changes.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "iface/attachment.h"
#include "iface/member.h"
#include "iface/member_check.h"
#include "iface/one_mode.h"
#include "iface/vlan.h"
#include "iface/watch.h"
#include "netlink/device.h"

static void warn(struct interface *interface, const char *line)
{
	snprintf(interface->line, sizeof(interface->line), "%s", line);
	interface->level = LOG_LEVEL_WARNING;
	mode_log(interface);
}

/* Detaches from a device; changes_follow chooses the mode of its interfaces anew. */
static void detach(struct interfaces *interfaces, uint32_t device, const char *line)
{
	attachment_detach(device);
	for (unsigned int i = 0; i < interfaces->count; i++) {
		struct interface *interface = &interfaces->interface[i];

		if (interface->device != device)
			continue;
		interface->device = 0;
		memset(&interface->inputs, 0, sizeof(interface->inputs));
		if (line)
			warn(interface, line);
	}
}

void changes_detach(struct interfaces *interfaces, uint32_t device)
{
	detach(interfaces, device, NULL);
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
	if (if_nametoindex(interface->name) == interface->ifindex)
		return;
	log_line(LOG_LEVEL_INFO, "%s: is now called %s", interface->name, name);
	snprintf(interface->name, sizeof(interface->name), "%s", name);
}

/* Whether the device below an interface's VLANs has other members than when the mode was chosen. */
static bool members_changed(const struct interface *interface, const struct links *links, const struct link *link)
{
	struct vlan_key tags;
	const struct link *device = vlan_below(links, link, &tags);

	return device && member_fingerprint(links, device) != interface->inputs.members;
}

/*
 * Whether native mode is worth a try for an interface in generic mode: its device says that it
 * can do more than it could or has other members, and packets can cross to all others. Without
 * news its driver would refuse as before, and trying may stop the device's queues each time.
 */
static bool may_be_native_now(const struct interfaces *interfaces, const struct interface *interface,
			      bool other_members)
{
	uint64_t features;
	char why[MODE_LINE];

	if (interfaces->plan.mode != OPTION_MODE_AUTO || attachment_is_dispatched(interface->device) ||
	    watch_distrusts(interface->device, why, sizeof(why)) || one_mode_is_needed(interfaces, interface, 0))
		return false;
	return other_members || (!device_xdp_features(interface->device, &features) &&
				 features & ~interface->inputs.features);
}

/* In native mode it stays attached, and the line names the members that there are now. */
static void name_members(struct interfaces *interfaces, struct interface *interface, const struct links *links,
			 const struct link *link)
{
	mode_check_read_inputs(links, link, &interface->inputs);
	mode_describe(&interfaces->plan, interface, links, link);
	mode_log(interface);
}

void changes_follow(struct interfaces *interfaces, struct interface *interface, const struct links *links)
{
	const struct link *link = find_link(interfaces, interface, links);
	struct mode_inputs now;
	bool other_members;

	if (!link)
		return;
	rename_to(interface, link->name);
	other_members = members_changed(interface, links, link);
	if (attachment_state(interface->device) == ATTACHMENT_GENERIC &&
	    may_be_native_now(interfaces, interface, other_members)) {
		attachment_detach(interface->device);
		interface->device = 0;
	}
	if (attachment_state(interface->device) == ATTACHMENT_NATIVE && other_members)
		name_members(interfaces, interface, links, link);
	if (interface->device)
		return;
	mode_check_read_inputs(links, link, &now);
	if (!memcmp(&now, &interface->inputs, sizeof(now)))
		return;
	interfaces->plan.all_generic = one_mode_is_needed(interfaces, interface, 0);
	mode_choose(&interfaces->plan, interface, links, link);
	mode_log(interface);
}

void changes_drop_unused(const struct interfaces *interfaces, uint32_t device)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		if (interfaces->interface[i].device == device)
			return;
	}
	attachment_detach(device);
}
