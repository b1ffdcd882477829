/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_interface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "iface/driver_check.h"
#include "iface/gro.h"
#include "iface/mode_check.h"
#include "iface/own_addresses.h"
#include "iface/vlan.h"

/* ---- what an interface is ---- */

static void read_device(const struct links *links, const struct link *device, bool frags,
			const struct server_list *servers, struct check_interface *interface, struct driver_facts *facts)
{
	driver_check_read(links, device, frags, facts);
	snprintf(interface->device, sizeof(interface->device), "%s", device->name);
	memcpy(interface->driver, facts->driver, sizeof(interface->driver));
	interface->queues = facts->channels.combined + facts->channels.rx;
	interface->queues_max = facts->channels.combined_max ? facts->channels.combined_max : facts->channels.rx_max;
	interface->lro = facts->lro;
	interface->resets = driver_resets(facts->driver);
	check_program_read(device->ifindex, servers, &interface->program);
}

/* ---- which mode it would get ---- */

static bool can_be_native(const struct links *links, const struct link *device, const struct mode_wish *wish,
			  const struct driver_facts *facts, struct check_interface *interface)
{
	int error = mode_check_native(links, device, wish, interface->why_native, CHECK_WHY);

	char why[CHECK_WHY];

	/* The program of a server that runs now: that one ends, or keeps it. */
	if (error == -EBUSY && interface->program.pid)
		error = 0;
	if (!error) {
		interface->why_native[0] = '\0';
		return !driver_refuses(facts, interface->why_native, CHECK_WHY, interface->command);
	}
	/* What changes it is a command of its own here. */
	if (driver_refuses(facts, why, sizeof(why), interface->command) && driver_loses_frames(facts))
		snprintf(interface->why_native, CHECK_WHY, "%s", why);
	return false;
}

static void choose(const struct links *links, const struct link *link, const struct link *device,
		   enum option_mode mode, const struct driver_facts *facts, bool alone, struct check_interface *interface)
{
	const struct mode_wish wish = { .trusted = mode == OPTION_MODE_NATIVE, .alone = alone && !interface->optional };
	uint32_t own = interface->program.pid ? link->ifindex : 0;
	bool generic;

	if (!link->ethernet || own_addresses_is_silent(link)) {
		snprintf(interface->why_generic, CHECK_WHY,
			 link->ethernet ? "it is a dummy interface, which no packet comes in by" :
					  "it is not an Ethernet interface");
		return;
	}
	generic = mode != OPTION_MODE_NATIVE && !interface->optional && !mode_check_generic(links, link, own, interface->why_generic, CHECK_WHY);
	if (mode != OPTION_MODE_GENERIC && !device)
		snprintf(interface->why_native, CHECK_WHY,
			 "the VLAN has more than %d tags, or the device below it is in another network namespace", ABI_TAGS);
	else if (mode != OPTION_MODE_GENERIC && can_be_native(links, device, &wish, facts, interface))
		interface->mode = STATUS_MODE_NATIVE;
	if (interface->mode == STATUS_MODE_NONE && generic)
		interface->mode = STATUS_MODE_GENERIC;
}

static uint32_t device_below(const struct links *links, const char *name)
{
	const struct link *link = links_find(links, if_nametoindex(name));
	const struct link *device = vlan_device(links, link);

	return device ? device->ifindex : link ? link->ifindex :
						 0;
}

/* As interfaces_alone of the server: packets leave by no other device. */
static bool is_alone(const struct links *links, const struct check_names *names, unsigned int which)
{
	uint32_t own = device_below(links, names->name[which]);

	for (unsigned int i = 0; i < names->count; i++) {
		uint32_t other = names->optional[i] ? 0 : device_below(links, names->name[i]);

		if (other && other != own)
			return false;
	}
	return true;
}

static void read_one(const struct links *links, const struct check_names *names, unsigned int which,
		     enum option_mode mode, bool frags, const struct server_list *servers, struct check_interface *interface)
{
	const char *name = names->name[which];
	const struct link *link = links_find(links, if_nametoindex(name)), *device;
	struct driver_facts facts = { 0 };
	uint64_t features;

	memset(interface, 0, sizeof(*interface));
	snprintf(interface->name, sizeof(interface->name), "%s", name);
	interface->optional = names->optional[which];
	if (!link) {
		snprintf(interface->why_generic, CHECK_WHY, "there is no such interface");
		return;
	}
	interface->ifindex = link->ifindex;
	interface->mtu = link->mtu;
	interface->up = link->up;
	interface->merges = gro_merges_udp(links, link);
	interface->takes_redirects = !device_xdp_features(link->ifindex, &features) && features & XDP_FEATURE_NDO_XMIT;
	device = vlan_device(links, link);
	if (device) {
		read_device(links, device, frags, servers, interface, &facts);
		member_names(links, device, interface->members);
	}
	choose(links, link, device, mode, &facts, is_alone(links, names, which), interface);
}

int check_interface_read(const struct check_names *names, enum option_mode mode, bool frags,
			 const struct server_list *servers, struct check_interfaces *all)
{
	struct links links;
	int error = links_read(&links);

	if (error)
		return error;
	all->count = names->count;
	for (unsigned int i = 0; i < names->count; i++)
		read_one(&links, names, i, mode, frags, servers, &all->interface[i]);
	links_free(&links);
	return 0;
}

void check_interface_one_mode(struct check_interfaces *all)
{
	char outsider[IFNAMSIZ] = "";

	for (unsigned int i = 0; i < all->count && !outsider[0]; i++) {
		if (all->interface[i].mode == STATUS_MODE_GENERIC && !all->interface[i].takes_redirects)
			snprintf(outsider, sizeof(outsider), "%s", all->interface[i].name);
	}
	for (unsigned int i = 0; i < all->count && outsider[0]; i++) {
		struct check_interface *interface = &all->interface[i];

		if (interface->mode != STATUS_MODE_NATIVE || interface->why_generic[0])
			continue;
		if (interface->optional) {
			interface->mode = STATUS_MODE_NONE;
			continue;
		}
		interface->mode = STATUS_MODE_GENERIC;
		snprintf(interface->why_native, CHECK_WHY,
			 "%s can only use generic mode and gets no packets from interfaces in native mode, so all use generic "
			 "mode; name only the interfaces that matter with xdp-interface",
			 outsider);
	}
}

void check_interface_drop_optional(struct check_interfaces *all)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < all->count; i++) {
		if (!all->interface[i].optional || all->interface[i].mode != STATUS_MODE_NONE)
			all->interface[kept++] = all->interface[i];
	}
	all->count = kept;
}
