/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/manager.h"

#include <string.h>

#include "base/log.h"
#include "iface/alias.h"
#include "iface/attachment.h"
#include "iface/changes.h"
#include "iface/interfaces.h"
#include "iface/leaving.h"
#include "iface/one_mode.h"
#include "iface/redirects.h"
#include "iface/selection.h"
#include "iface/verified.h"
#include "iface/vlan.h"
#include "iface/watch.h"
#include "netlink/links.h"

/*
 * An interface that comes while the server runs may not be complete at first, as a veth whose
 * other end has no GRO yet. The others leave native mode for it only if it stays so for 3 s.
 */
#define ONE_MODE_AGE_NS 3000000000ULL

static struct interfaces managed;
static struct interface_list selected;
static bool outdated; /* others may be selected now */

static enum manager_outcome choose_modes(const struct links *links)
{
	bool carried = false, occupied = false, awaited = selection_waits();
	const struct interface *outsider;

	for (unsigned int i = 0; i < managed.count; i++) {
		struct interface *interface = &managed.interface[i];
		const struct link *link = links_find(links, interface->ifindex);

		if (!link) {
			mode_absent(interface);
			awaited = true;
			continue;
		}
		managed.plan.alone = interfaces_alone(&managed, interface, links);
		switch (mode_choose(&managed.plan, interface, links, link)) {
		case MODE_CARRIED:
			carried = carried || !interface->optional;
			break;
		case MODE_OCCUPIED:
			occupied = true;
			break;
		case MODE_FAILED:
			break;
		}
	}
	outsider = one_mode_outsider(&managed, NULL, 0);
	if (outsider)
		one_mode_apply(&managed, outsider, links);
	interfaces_log(&managed);
	/* Another program may go, as that of a server that this one is to follow. */
	if (!carried && occupied)
		log_line(LOG_LEVEL_WARNING, "another XDP program is on each interface that could be used: everything is "
					    "relayed in userspace until an interface is free");
	if (!managed.count && !awaited)
		log_line(LOG_LEVEL_ERROR, "no interface to attach to: name one with xdp-interface");
	return carried || occupied || awaited ? MANAGER_STARTED : MANAGER_FAILED;
}

enum manager_outcome manager_start(const struct manager_plan *plan)
{
	enum manager_outcome outcome;
	struct links links;
	int error;

	memset(&managed, 0, sizeof(managed));
	managed.plan = (struct mode_plan){ .mode = plan->mode };
	error = links_read(&links);
	if (!error)
		error = selection_find(&links, &selected);
	if (error) {
		links_free(&links);
		log_line(LOG_LEVEL_ERROR, "cannot list this host's interfaces: %s", strerror(-error));
		return MANAGER_FAILED;
	}
	outdated = selection_pending();
	interfaces_select(&managed, &selected);
	attachment_open(&plan->programs, plan->slots, plan->copy);
	watch_start(plan->stray);
	outcome = choose_modes(&links);
	alias_follow(&links);
	leaving_follow(&links);
	links_free(&links);
	managed.plan.running = true;
	return outcome;
}

unsigned int manager_carriers(unsigned int *all)
{
	unsigned int count = 0;

	*all = 0;
	for (unsigned int i = 0; i < managed.count; i++) {
		count += managed.interface[i].device != 0;
		*all += interfaces_counts(&managed.interface[i]);
	}
	return count;
}

/* Packets pass the members of devices, too. */
static unsigned int list_aliases(uint32_t *ifindexes, unsigned int room)
{
	uint32_t devices[ABI_ATTACHMENTS], aliases[ABI_PORTS];
	unsigned int count = attachment_list(devices), listed = 0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int found = attachment_aliases(devices[i], aliases);

		for (unsigned int k = 0; k < found && listed < room; k++)
			ifindexes[listed++] = aliases[k];
	}
	return listed;
}

unsigned int manager_devices(uint32_t *ifindexes, unsigned int room)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < managed.count; i++) {
		const struct interface *interface = &managed.interface[i];

		if (interface->ifindex && count < room)
			ifindexes[count++] = interface->ifindex;
		if (interface->device && interface->device != interface->ifindex && count < room)
			ifindexes[count++] = interface->device;
	}
	return count + list_aliases(ifindexes + count, room - count);
}

bool manager_complete(void)
{
	unsigned int all;

	return manager_carriers(&all) == all && selection_complete();
}

void manager_stop(void)
{
	attachment_close();
	leaving_stop();
	verified_forget();
	redirects_forget();
	vlan_forget();
	managed.count = 0;
}

/* A VLAN that was named comes first; then those above a device that was named itself. */
static enum vlan_rank wanted_vlan(uint32_t vlan, uint32_t device)
{
	enum vlan_rank rank = VLAN_NO;

	if (attachment_state(device) != ATTACHMENT_NATIVE)
		return VLAN_NO;
	for (unsigned int i = 0; i < managed.count; i++) {
		const struct interface *interface = &managed.interface[i];

		if (interface->device != device)
			continue;
		if (interface->ifindex == vlan)
			return VLAN_FIRST;
		if (interface->ifindex == device)
			rank = VLAN_IF_ROOM;
	}
	return rank;
}

/* Those that are no longer selected go after some time, so that the list is looked at each time. */
static void select_again(const struct links *links)
{
	if (!selection_may_change() || (outdated && selection_find(links, &selected)))
		return;
	outdated = outdated && selection_pending();
	interfaces_select(&managed, &selected);
}

void manager_refresh(void)
{
	outdated = true;
	manager_look();
}

void manager_look(void)
{
	uint32_t devices[ABI_ATTACHMENTS];
	unsigned int count = attachment_list(devices);
	const struct interface *outsider;
	struct links links;

	leaving_forget();
	if (links_read(&links))
		return;
	select_again(&links);
	for (unsigned int i = 0; i < count; i++)
		changes_check_device(&managed, &links, devices[i]);
	watch_look(&managed, &links);
	for (unsigned int i = 0; i < managed.count; i++)
		changes_follow(&managed, &managed.interface[i], &links);
	for (unsigned int i = 0; i < count; i++)
		changes_drop_unused(&managed, devices[i]);
	outsider = one_mode_outsider(&managed, NULL, ONE_MODE_AGE_NS);
	if (outsider) {
		one_mode_apply(&managed, outsider, &links);
		interfaces_log(&managed);
	}
	alias_follow(&links);
	leaving_follow(&links);
	vlan_follow(&links, wanted_vlan);
	interfaces_publish(&managed, &links);
	links_free(&links);
}
