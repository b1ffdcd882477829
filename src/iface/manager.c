/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/manager.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netlink/device.h"
#include "netlink/links.h"
#include "base/log.h"
#include "table/maps.h"
#include "table/status.h"
#include "iface/attachment.h"
#include "iface/mode.h"
#include "iface/vlan.h"

/* An interface that comes may not yet be complete; native mode is not given up for it at once. */
#define OUTSIDER_SECONDS 3

static struct {
	struct mode_plan plan;
	unsigned int count;
	struct interface interface[ABI_ATTACHMENTS];
} attached;

/* The slot of an interface that goes by several names is the first one's. */
static bool is_listed(uint32_t ifindex)
{
	for (unsigned int i = 0; i < attached.count; i++) {
		if (attached.interface[i].ifindex == ifindex)
			return true;
	}
	return false;
}

static void list(const struct interface_list *interfaces)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		uint32_t ifindex = if_nametoindex(interfaces->name[i]);
		struct interface *interface = &attached.interface[attached.count];

		if (ifindex && is_listed(ifindex))
			continue;
		*interface = (struct interface){ .ifindex = ifindex };
		snprintf(interface->name, sizeof(interface->name), "%s", interfaces->name[i]);
		attached.count++;
	}
}

static void say_all(void)
{
	for (unsigned int i = 0; i < attached.count; i++)
		mode_log(&attached.interface[i]);
}

/* Some other interface, in generic mode for so long, takes no frames from a driver. */
static bool has_outsider(const struct interface *but, time_t seconds)
{
	for (unsigned int i = 0; i < attached.count; i++) {
		const struct interface *interface = &attached.interface[i];

		if (interface != but && attachment_state(interface->device) == ATTACHMENT_GENERIC &&
		    mode_now() - interface->since >= seconds && !attachment_takes_redirects(interface->device))
			return true;
	}
	return false;
}

/* A device in native mode, all of whose interfaces could use generic mode. */
static bool can_change(uint32_t device, const struct links *links)
{
	char why[MODE_LINE];

	for (unsigned int i = 0; i < attached.count; i++) {
		const struct interface *interface = &attached.interface[i];

		if (interface->device == device &&
		    mode_check_generic(links, links_find(links, interface->ifindex), device, why, sizeof(why)))
			return false;
	}
	return attachment_state(device) == ATTACHMENT_NATIVE && !attachment_is_dispatched(device);
}

/*
 * Channels between an interface that can only be generic, and takes no frames
 * from drivers, and those in native mode would stay in userspace: all that can
 * be generic are.
 */
static void change_to_generic(const struct links *links)
{
	attached.plan.all_generic = true;
	for (unsigned int i = 0; i < attached.count; i++) {
		uint32_t device = attached.interface[i].device;

		if (!device || !can_change(device, links))
			continue;
		attachment_detach(device);
		for (unsigned int k = i; k < attached.count; k++) {
			struct interface *interface = &attached.interface[k];

			if (interface->device == device) {
				interface->device = 0;
				mode_choose(&attached.plan, interface, links, links_find(links, interface->ifindex));
			}
		}
	}
}

int manager_start(const struct manager_plan *plan, const struct interface_list *interfaces)
{
	int error = -ENODEV, failed;
	struct links links;
	bool any = false, waits = false;

	memset(&attached, 0, sizeof(attached));
	attached.plan = (struct mode_plan){ .mode = plan->mode, .frags = plan->frags };
	list(interfaces);
	failed = links_read(&links);
	if (failed)
		return failed;
	attachment_open(plan->program, plan->slots, plan->copy);
	for (unsigned int i = 0; i < attached.count; i++) {
		struct interface *interface = &attached.interface[i];
		const struct link *link = links_find(&links, interface->ifindex);

		if (!link) {
			mode_absent(&attached.plan, interface);
			continue;
		}
		failed = mode_choose(&attached.plan, interface, &links, link);
		if (failed == -EMSGSIZE) {
			manager_stop();
			links_free(&links);
			return failed;
		}
		any = any || !failed;
		waits = waits || failed == -EBUSY;
		error = failed ? failed : error;
	}
	if (has_outsider(NULL, 0))
		change_to_generic(&links);
	links_free(&links);
	say_all();
	attached.plan.running = true;
	/* Another's program may go, as that of a server that this one is to follow. */
	if (!any && waits)
		log_line(LOG_LEVEL_WARNING, "everything is relayed in userspace until an interface is free");
	return any || waits ? 0 : error;
}

unsigned int manager_carriers(unsigned int *all)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < attached.count; i++)
		count += attached.interface[i].device != 0;
	*all = attached.count;
	return count;
}

bool manager_complete(void)
{
	unsigned int all;

	return manager_carriers(&all) == all;
}

void manager_stop(void)
{
	attachment_close();
	vlan_forget();
	attached.count = 0;
}

/* ---- changes ---- */

/* The interfaces of a device lose it; what becomes of them is settled anew. */
static void lose(uint32_t device, const char *why)
{
	attachment_detach(device);
	for (unsigned int i = 0; i < attached.count; i++) {
		struct interface *interface = &attached.interface[i];

		if (interface->device != device)
			continue;
		interface->device = 0;
		memset(&interface->tried, 0, sizeof(interface->tried));
		if (why) {
			snprintf(interface->line, sizeof(interface->line), "%s", why);
			interface->level = LOG_LEVEL_WARNING;
			mode_log(interface);
		}
	}
}

static void check_device(const struct links *links, uint32_t device)
{
	const struct link *link = links_find(links, device);
	char why[MODE_LINE];

	if (!link)
		lose(device, NULL);
	else if (!attachment_holds(device))
		lose(device, "the program was detached from outside");
	else if (attachment_state(device) == ATTACHMENT_GENERIC &&
		 mode_check_generic(links, link, device, why, sizeof(why)))
		lose(device, NULL);
	else
		attachment_readdress(link);
}

/* Finds it again: by its index as long as it is there, then by its name. */
static const struct link *find_link(struct interface *interface, const struct links *links)
{
	const struct link *link = links_find(links, interface->ifindex);
	uint32_t ifindex;

	if (link)
		return link;
	if (interface->ifindex) {
		/* A VLAN's device may still be there. */
		interface->ifindex = interface->device = 0;
		snprintf(interface->line, sizeof(interface->line), "the interface is gone; channels over it are relayed in userspace until it is back");
		interface->level = LOG_LEVEL_WARNING;
		mode_log(interface);
	}
	ifindex = if_nametoindex(interface->name);
	if (!ifindex || is_listed(ifindex))
		return NULL;
	link = links_find(links, ifindex);
	if (link) {
		interface->ifindex = ifindex;
		memset(&interface->tried, 0, sizeof(interface->tried));
	}
	return link;
}

static void rename_to(struct interface *interface, const char *name)
{
	/* It may go by an alternative name or a label, which is no change. */
	if (if_nametoindex(interface->name) == interface->ifindex)
		return;
	log_line(LOG_LEVEL_INFO, "%s: is now called %s", interface->name, name);
	snprintf(interface->name, sizeof(interface->name), "%s", name);
}

/*
 * A device in generic mode that says it can more than it could, or whose packets
 * could cross to all others now. Otherwise its driver would refuse as before; to
 * ask it may stop its queues each time.
 */
static bool has_gained(const struct interface *interface)
{
	uint64_t features;

	return attached.plan.mode == OPTION_MODE_AUTO && !attachment_is_dispatched(interface->device) &&
	       !has_outsider(interface, 0) &&
	       !device_xdp_features(interface->device, &features) &&
	       features & ~interface->tried.features;
}

static void follow(struct interface *interface, const struct links *links)
{
	const struct link *link = find_link(interface, links);
	struct mode_inputs now;

	if (!link)
		return;
	rename_to(interface, link->name);
	if (attachment_state(interface->device) == ATTACHMENT_GENERIC && has_gained(interface)) {
		attachment_detach(interface->device);
		interface->device = 0;
	}
	if (interface->device)
		return;
	mode_check_read_inputs(links, link, &now);
	if (!memcmp(&now, &interface->tried, sizeof(now)))
		return;
	attached.plan.all_generic = has_outsider(interface, 0);
	mode_choose(&attached.plan, interface, links, link);
	mode_log(interface);
}

/* Devices that only gone interfaces were attached to. */
static void drop_unused(uint32_t device)
{
	for (unsigned int i = 0; i < attached.count; i++) {
		if (attached.interface[i].device == device)
			return;
	}
	attachment_detach(device);
}

static enum vlan_rank wanted_vlan(uint32_t vlan, uint32_t device)
{
	enum vlan_rank rank = VLAN_NO;

	if (attachment_state(device) != ATTACHMENT_NATIVE)
		return VLAN_NO;
	for (unsigned int i = 0; i < attached.count; i++) {
		const struct interface *interface = &attached.interface[i];

		if (interface->device != device)
			continue;
		if (interface->ifindex == vlan)
			return VLAN_FIRST;
		if (interface->ifindex == device)
			rank = VLAN_IF_ROOM;
	}
	return rank;
}

/* For inspectors. */
static void publish(unsigned int slot, const struct links *links)
{
	static const uint8_t modes[] = {
		[ATTACHMENT_NONE] = STATUS_MODE_NONE,
		[ATTACHMENT_NATIVE] = STATUS_MODE_NATIVE,
		[ATTACHMENT_GENERIC] = STATUS_MODE_GENERIC,
	};
	const struct interface *interface = &attached.interface[slot];
	const struct link *device = links_find(links, interface->device);
	struct status_interface shown = {
		.ifindex = interface->ifindex,
		.device_ifindex = interface->device,
		.mode = modes[attachment_state(interface->device)],
		.dispatched = attachment_is_dispatched(interface->device),
	};

	snprintf(shown.name, sizeof(shown.name), "%s", interface->name);
	snprintf(shown.device, sizeof(shown.device), "%s", device ? device->name : "");
	snprintf(shown.line, sizeof(shown.line), "%s", interface->line);
	status_interface_put(slot, &shown);
}

void manager_refresh(void)
{
	uint32_t devices[ABI_ATTACHMENTS];
	unsigned int count = attachment_list(devices);
	struct links links;

	attachment_forget_flags();
	if (links_read(&links))
		return;
	for (unsigned int i = 0; i < count; i++)
		check_device(&links, devices[i]);
	for (unsigned int i = 0; i < attached.count; i++)
		follow(&attached.interface[i], &links);
	for (unsigned int i = 0; i < count; i++)
		drop_unused(devices[i]);
	if (has_outsider(NULL, OUTSIDER_SECONDS)) {
		change_to_generic(&links);
		say_all();
	}
	vlan_follow(&links, wanted_vlan);
	for (unsigned int i = 0; i < attached.count; i++)
		publish(i, &links);
	links_free(&links);
}
