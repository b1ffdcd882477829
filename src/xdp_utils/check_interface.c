/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_interface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <string.h>

#include "check_driver.h"
#include "iface/gro.h"
#include "iface/mode_check.h"
#include "iface/vlan.h"

/* ---- what an interface is ---- */

static void read_queues(struct check_interface *interface)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	if (device_ethtool(interface->device, &channels))
		return;
	interface->queues = channels.combined_count + channels.rx_count;
	interface->queues_max = channels.max_combined ? channels.max_combined : channels.max_rx;
}

static void read_device(const struct link *device, bool *frags, const struct server_list *servers,
			struct check_interface *interface)
{
	uint64_t features;
	bool told = !device_xdp_features(device->ifindex, &features);

	snprintf(interface->device, sizeof(interface->device), "%s", device->name);
	device_driver(device->name, interface->driver);
	read_queues(interface);
	interface->lro = gro_feature_is_on(device->name, "rx-lro");
	*frags = *frags && (!told || features & XDP_FEATURE_RX_SG);
	check_program_read(device->ifindex, servers, &interface->program);
}

/* ---- which mode it would get ---- */

/* A veth is not asked for its own MTU, but for that of its other end, which may be in another namespace. */
static uint32_t mtu_that_counts(const struct links *links, const struct link *device)
{
	const struct link *other = device->veth ? links_find(links, device->lower) : NULL;

	return other ? other->mtu : device->mtu;
}

static bool can_be_native(const struct links *links, const struct link *device, bool trusted, bool frags,
			  struct check_interface *interface)
{
	const struct check_driver driver = {
		.name = interface->driver,
		.device = interface->device,
		.mtu = mtu_that_counts(links, device),
		.frags = frags,
		.queues = interface->queues,
		.queues_max = interface->queues_max,
	};
	int error = mode_check_native(links, device, trusted, interface->why_native, CHECK_WHY);

	/* The program of a server that runs now: that one ends, or keeps it. */
	if (error && !(error == -EBUSY && interface->program.pid))
		return false;
	interface->why_native[0] = '\0';
	return !check_driver_refuses(&driver, interface->why_native, CHECK_WHY, interface->command,
				     sizeof(interface->command));
}

static void choose(const struct links *links, const struct link *link, const struct link *device,
		   enum option_mode mode, bool frags, struct check_interface *interface)
{
	uint32_t own = interface->program.pid ? link->ifindex : 0;
	bool generic;

	if (!link->ethernet || device_driver_is(link->name, "dummy")) {
		snprintf(interface->why_generic, CHECK_WHY,
			 link->ethernet ? "it is a dummy interface, which no packet comes in by" :
					  "it is not an Ethernet interface");
		return;
	}
	generic = mode != OPTION_MODE_NATIVE && !interface->optional && !mode_check_generic(links, link, own, interface->why_generic, CHECK_WHY);
	if (mode != OPTION_MODE_GENERIC && !device)
		snprintf(interface->why_native, CHECK_WHY,
			 "the VLAN has more than %d tags, or the device below it is in another network namespace", ABI_TAGS);
	else if (mode != OPTION_MODE_GENERIC &&
		 can_be_native(links, device, mode == OPTION_MODE_NATIVE, frags, interface))
		interface->mode = STATUS_MODE_NATIVE;
	if (interface->mode == STATUS_MODE_NONE && generic)
		interface->mode = STATUS_MODE_GENERIC;
}

static void read_one(const struct links *links, const char *name, bool optional, enum option_mode mode, bool frags,
		     const struct server_list *servers, struct check_interface *interface)
{
	const struct link *link = links_find(links, if_nametoindex(name)), *device;
	struct vlan_key tags;
	uint64_t features;

	memset(interface, 0, sizeof(*interface));
	snprintf(interface->name, sizeof(interface->name), "%s", name);
	interface->optional = optional;
	if (!link) {
		snprintf(interface->why_generic, CHECK_WHY, "there is no such interface");
		return;
	}
	interface->ifindex = link->ifindex;
	interface->mtu = link->mtu;
	interface->up = link->up;
	interface->merges = gro_merges_udp(links, link);
	interface->takes_redirects = !device_xdp_features(link->ifindex, &features) && features & XDP_FEATURE_NDO_XMIT;
	device = vlan_below(links, link, &tags);
	if (device) {
		read_device(device, &frags, servers, interface);
		member_names(links, device, interface->members);
	}
	choose(links, link, device, mode, frags, interface);
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
		read_one(&links, names->name[i], names->optional[i], mode, frags, servers, &all->interface[i]);
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
			 "%s can only be generic and gets no packets from interfaces in native mode, so all are generic; name "
			 "only the interfaces that matter with xdp-interface",
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
