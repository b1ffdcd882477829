/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/one_mode.h"

#include <stdio.h>

#include "base/clock.h"
#include "iface/attachment.h"
#include "iface/drops.h"
#include "iface/leaving.h"

const struct interface *one_mode_outsider(const struct interfaces *interfaces, const struct interface *except,
					  uint64_t age_ns)
{
	uint64_t now = clock_monotonic_ns();

	for (unsigned int i = 0; i < interfaces->count; i++) {
		const struct interface *interface = &interfaces->interface[i];

		if (interface != except && !interface->follows && attachment_state(interface->device) == ATTACHMENT_GENERIC &&
		    now - interface->chosen_ns >= age_ns &&
		    (!leaving_takes_redirects(interface->device) || drops_lose_redirects(interface->device)))
			return interface;
	}
	return NULL;
}

bool one_mode_can_change(const struct interfaces *interfaces, uint32_t device, const struct links *links)
{
	char why[MODE_LINE];

	for (unsigned int i = 0; i < interfaces->count; i++) {
		const struct interface *interface = &interfaces->interface[i];

		if (interface->device == device &&
		    mode_check_generic(links, links_find(links, interface->ifindex), device, why, sizeof(why)))
			return false;
	}
	/* The mode of libxdp's dispatcher is not ours to choose. */
	return attachment_state(device) == ATTACHMENT_NATIVE && !attachment_is_dispatched(device);
}

void one_mode_prepare(struct interfaces *interfaces, const struct interface *interface, const struct interface *outsider,
		      const struct links *links)
{
	struct mode_plan *plan = &interfaces->plan;

	snprintf(plan->outsider, sizeof(plan->outsider), "%s", outsider ? outsider->name : "");
	plan->alone = interfaces_alone(interfaces, interface, links);
}

enum mode_outcome one_mode_choose(struct interfaces *interfaces, struct interface *interface, const struct links *links,
				  const struct link *link)
{
	one_mode_prepare(interfaces, interface, one_mode_outsider(interfaces, interface, 0), links);
	return mode_choose(&interfaces->plan, interface, links, link);
}

/* An optional interface has no use for generic mode, and carries nothing then. */
static void choose_all_on(struct interfaces *interfaces, uint32_t device, const struct interface *outsider,
			  const struct links *links)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		struct interface *interface = &interfaces->interface[i];

		if (interface->device != device)
			continue;
		interface->device = 0;
		one_mode_prepare(interfaces, interface, outsider, links);
		mode_choose(&interfaces->plan, interface, links, links_find(links, interface->ifindex));
	}
}

void one_mode_apply(struct interfaces *interfaces, const struct interface *outsider, const struct links *links)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		uint32_t device = interfaces->interface[i].device;

		/* A driver that does not give the program back keeps it. */
		if (device && one_mode_can_change(interfaces, device, links) && !attachment_detach(device))
			choose_all_on(interfaces, device, outsider, links);
	}
}
