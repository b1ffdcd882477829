/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/interfaces.h"

#include <stdio.h>

#include "iface/attachment.h"
#include "table/status.h"

bool interfaces_have(const struct interfaces *interfaces, uint32_t ifindex)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		if (interfaces->interface[i].ifindex == ifindex)
			return true;
	}
	return false;
}

void interfaces_add(struct interfaces *interfaces, const struct interface_list *list)
{
	for (unsigned int i = 0; i < list->count; i++) {
		uint32_t ifindex = if_nametoindex(list->name[i]);
		struct interface *interface = &interfaces->interface[interfaces->count];

		if (ifindex && interfaces_have(interfaces, ifindex))
			continue;
		*interface = (struct interface){ .ifindex = ifindex };
		snprintf(interface->name, sizeof(interface->name), "%s", list->name[i]);
		interfaces->count++;
	}
}

void interfaces_log(struct interfaces *interfaces)
{
	for (unsigned int i = 0; i < interfaces->count; i++)
		mode_log(&interfaces->interface[i]);
}

static void publish(unsigned int slot, const struct interface *interface, const struct links *links)
{
	static const uint8_t modes[] = {
		[ATTACHMENT_NONE] = STATUS_MODE_NONE,
		[ATTACHMENT_NATIVE] = STATUS_MODE_NATIVE,
		[ATTACHMENT_GENERIC] = STATUS_MODE_GENERIC,
	};
	const struct link *device = links_find(links, interface->device);
	struct status_interface shown = {
		.ifindex = interface->ifindex,
		.device_ifindex = interface->device,
		.mode = modes[attachment_state(interface->device)],
		.dispatched = attachment_is_dispatched(interface->device),
	};

	snprintf(shown.name, sizeof(shown.name), "%s", interface->name);
	snprintf(shown.device, sizeof(shown.device), "%s", device ? device->name : "");
	/* The log has all of a longer line. */
	snprintf(shown.line, sizeof(shown.line), "%.*s", STATUS_LINE - 1, interface->line);
	status_interface_put(slot, &shown);
}

void interfaces_publish(const struct interfaces *interfaces, const struct links *links)
{
	for (unsigned int i = 0; i < interfaces->count; i++)
		publish(i, &interfaces->interface[i], links);
}
