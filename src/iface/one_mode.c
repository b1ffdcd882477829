/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/one_mode.h"

#include "base/clock.h"
#include "iface/attachment.h"

bool one_mode_is_needed(const struct interfaces *interfaces, const struct interface *except, uint64_t age_ns)
{
	uint64_t now = clock_monotonic_ns();

	for (unsigned int i = 0; i < interfaces->count; i++) {
		const struct interface *interface = &interfaces->interface[i];

		if (interface != except && attachment_state(interface->device) == ATTACHMENT_GENERIC &&
		    now - interface->chosen_ns >= age_ns && !attachment_takes_redirects(interface->device))
			return true;
	}
	return false;
}

/* Whether a device is in native mode and all interfaces that it carries could use generic mode. */
static bool can_change(const struct interfaces *interfaces, uint32_t device, const struct links *links)
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

void one_mode_apply(struct interfaces *interfaces, const struct links *links)
{
	interfaces->plan.all_generic = true;
	for (unsigned int i = 0; i < interfaces->count; i++) {
		uint32_t device = interfaces->interface[i].device;

		if (!device || !can_change(interfaces, device, links))
			continue;
		attachment_detach(device);
		for (unsigned int k = i; k < interfaces->count; k++) {
			struct interface *interface = &interfaces->interface[k];

			if (interface->device == device) {
				interface->device = 0;
				mode_choose(&interfaces->plan, interface, links, links_find(links, interface->ifindex));
			}
		}
	}
}
