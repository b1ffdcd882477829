/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/manager.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netlink/device.h"
#include "netlink/links.h"
#include "base/log.h"
#include "table/maps.h"
#include "iface/attachment.h"
#include "iface/mode.h"
#include "iface/vlan.h"

/* An interface that comes may not yet be complete; native mode is not given up for it at once. */
#define OUTSIDER_SECONDS 3

static struct {
	struct settle_plan plan;
	unsigned int count;
	struct interface interface[ABI_PORTS];
} attached;

/* The row of an interface that goes by several names is the first one's. */
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
		settle_say(&attached.interface[i]);
}

/* Some other interface, in generic mode for so long, takes no frames from a driver. */
static bool has_outsider(const struct interface *but, time_t seconds)
{
	for (unsigned int i = 0; i < attached.count; i++) {
		const struct interface *interface = &attached.interface[i];

		if (interface != but && port_state(interface->device) == PORT_GENERIC &&
		    settle_now() - interface->since >= seconds && !port_takes_redirects(interface->device))
			return true;
	}
	return false;
}

/* A device in native mode, all of whose interfaces could use generic mode. */
static bool can_change(uint32_t device, const struct links *links)
{
	char why[SETTLE_LINE];

	for (unsigned int i = 0; i < attached.count; i++) {
		const struct interface *interface = &attached.interface[i];

		if (interface->device == device &&
		    refusal_generic(links, links_find(links, interface->ifindex), device, why, sizeof(why)))
			return false;
	}
	return port_state(device) == PORT_NATIVE && !port_is_beside(device);
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
		port_detach(device);
		for (unsigned int k = i; k < attached.count; k++) {
			struct interface *interface = &attached.interface[k];

			if (interface->device == device) {
				interface->device = 0;
				settle(&attached.plan, interface, links, links_find(links, interface->ifindex));
			}
		}
	}
}

int attach_start(const struct attach_plan *plan, const struct interface_list *interfaces)
{
	int error = -ENODEV, failed;
	struct links links;
	bool any = false, waits = false;

	memset(&attached, 0, sizeof(attached));
	attached.plan = (struct settle_plan){ .mode = plan->mode, .frags = plan->frags };
	list(interfaces);
	failed = links_read(&links);
	if (failed)
		return failed;
	port_open(plan->program, plan->rows, plan->copy);
	for (unsigned int i = 0; i < attached.count; i++) {
		struct interface *interface = &attached.interface[i];
		const struct link *link = links_find(&links, interface->ifindex);

		if (!link) {
			settle_absent(&attached.plan, interface);
			continue;
		}
		failed = settle(&attached.plan, interface, &links, link);
		if (failed == -EMSGSIZE) {
			attach_stop();
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

unsigned int attach_carriers(unsigned int *all)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < attached.count; i++)
		count += attached.interface[i].device != 0;
	*all = attached.count;
	return count;
}

bool attach_complete(void)
{
	unsigned int all;

	return attach_carriers(&all) == all;
}

void attach_stop(void)
{
	port_close();
	vlan_forget();
	attached.count = 0;
}

/* ---- changes ---- */

/* The interfaces of a device lose it; what becomes of them is settled anew. */
static void lose(uint32_t device, const char *why)
{
	port_detach(device);
	for (unsigned int i = 0; i < attached.count; i++) {
		struct interface *interface = &attached.interface[i];

		if (interface->device != device)
			continue;
		interface->device = 0;
		memset(&interface->tried, 0, sizeof(interface->tried));
		if (why) {
			snprintf(interface->line, sizeof(interface->line), "%s", why);
			interface->level = LOG_LEVEL_WARNING;
			settle_say(interface);
		}
	}
}

static void check_device(const struct links *links, uint32_t device)
{
	const struct link *link = links_find(links, device);
	char why[SETTLE_LINE];

	if (!link)
		lose(device, NULL);
	else if (!port_holds(device))
		lose(device, "the program was detached from outside");
	else if (port_state(device) == PORT_GENERIC &&
		 refusal_generic(links, link, device, why, sizeof(why)))
		lose(device, NULL);
	else
		port_readdress(link);
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
		settle_say(interface);
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

	return attached.plan.mode == OPTION_MODE_AUTO && !port_is_beside(interface->device) &&
	       !has_outsider(interface, 0) &&
	       !device_xdp_features(interface->device, &features) &&
	       features & ~interface->tried.features;
}

static void follow(struct interface *interface, const struct links *links)
{
	const struct link *link = find_link(interface, links);
	struct circumstances now;

	if (!link)
		return;
	rename_to(interface, link->name);
	if (port_state(interface->device) == PORT_GENERIC && has_gained(interface)) {
		port_detach(interface->device);
		interface->device = 0;
	}
	if (interface->device)
		return;
	circumstances_read(links, link, &now);
	if (!memcmp(&now, &interface->tried, sizeof(now)))
		return;
	attached.plan.all_generic = has_outsider(interface, 0);
	settle(&attached.plan, interface, links, link);
	settle_say(interface);
}

/* Devices that only gone interfaces were attached to. */
static void drop_unused(uint32_t device)
{
	for (unsigned int i = 0; i < attached.count; i++) {
		if (attached.interface[i].device == device)
			return;
	}
	port_detach(device);
}

static enum vlan_rank wanted_vlan(uint32_t vlan, uint32_t device)
{
	enum vlan_rank rank = VLAN_NO;

	if (port_state(device) != PORT_NATIVE)
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

/* For onlookers. */
static void publish(unsigned int row, const struct links *links)
{
	static const uint8_t modes[] = {
		[PORT_NONE] = STATE_MODE_NONE,
		[PORT_NATIVE] = STATE_MODE_NATIVE,
		[PORT_GENERIC] = STATE_MODE_GENERIC,
	};
	const struct interface *interface = &attached.interface[row];
	const struct link *device = links_find(links, interface->device);
	struct state_interface shown = {
		.ifindex = interface->ifindex,
		.device_ifindex = interface->device,
		.mode = modes[port_state(interface->device)],
		.beside = port_is_beside(interface->device),
	};

	snprintf(shown.name, sizeof(shown.name), "%s", interface->name);
	snprintf(shown.device, sizeof(shown.device), "%s", device ? device->name : "");
	snprintf(shown.line, sizeof(shown.line), "%s", interface->line);
	map_interface_put(row, &shown);
}

void attach_refresh(void)
{
	uint32_t devices[ABI_PORTS];
	unsigned int count = port_list(devices);
	struct links links;

	port_ask_again();
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
