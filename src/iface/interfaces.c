/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/interfaces.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "iface/attachment.h"
#include "iface/redirects.h"
#include "iface/stray.h"
#include "iface/vlan.h"
#include "iface/watch.h"
#include "table/status.h"

bool interfaces_have(const struct interfaces *interfaces, uint32_t ifindex)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		if (interfaces->interface[i].ifindex == ifindex)
			return true;
	}
	return false;
}

/* How long an interface that is no longer selected is kept. */
#define LET_GO_NS 3000000000ULL

static bool is_listed(const struct interface *interface, const struct interface_list *list, unsigned int i)
{
	return interface->ifindex ? interface->ifindex == list->entry[i].ifindex :
				    !strcmp(interface->name, list->entry[i].name);
}

/* From now on nothing but native mode is wanted for the interface, or from now on every mode. */
static void set_optional(struct interface *interface, bool optional)
{
	if (interface->optional == optional)
		return;
	interface->optional = optional;
	/* Its mode is chosen anew. A device that is in native mode stays so. */
	interface->device = 0;
	memset(&interface->inputs, 0, sizeof(interface->inputs));
}

/* Marks an interface that the list has, or has no longer. Whether it is to go. */
static bool follow_list(struct interface *interface, const struct interface_list *list, uint64_t now)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (is_listed(interface, list, i)) {
			set_optional(interface, list->entry[i].optional);
			interface->unwanted_ns = 0;
			return false;
		}
	}
	if (!interface->unwanted_ns)
		interface->unwanted_ns = now;
	return now - interface->unwanted_ns >= LET_GO_NS;
}

static void drop_unwanted(struct interfaces *interfaces, const struct interface_list *list)
{
	uint64_t now = clock_monotonic_ns();
	unsigned int kept = 0;

	for (unsigned int i = 0; i < interfaces->count; i++) {
		struct interface *interface = &interfaces->interface[i];

		if (!follow_list(interface, list, now))
			interfaces->interface[kept++] = *interface;
		else if (interface->device)
			log_line(LOG_LEVEL_INFO,
				 "%s: let go, as it has none of the server's addresses any more, or as others come first; channels over "
				 "it are relayed in userspace",
				 interface->name);
	}
	interfaces->count = kept;
}

static bool have_listed(const struct interfaces *interfaces, const struct interface_list *list, unsigned int entry)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		if (is_listed(&interfaces->interface[i], list, entry))
			return true;
	}
	return false;
}

void interfaces_select(struct interfaces *interfaces, const struct interface_list *list)
{
	drop_unwanted(interfaces, list);
	for (unsigned int i = 0; i < list->count && interfaces->count < ABI_ATTACHMENTS; i++) {
		struct interface *interface = &interfaces->interface[interfaces->count];

		if (have_listed(interfaces, list, i))
			continue;
		*interface = (struct interface){
			.ifindex = list->entry[i].ifindex,
			.optional = list->entry[i].optional,
		};
		snprintf(interface->name, sizeof(interface->name), "%s", list->entry[i].name);
		interfaces->count++;
	}
}

bool interfaces_counts(const struct interface *interface)
{
	return interface->device || !interface->optional;
}

/* The index of the device below an interface's VLANs; 0: it is not there. */
static uint32_t device_below(const struct interface *interface, const struct links *links)
{
	const struct link *device = vlan_device(links, links_find(links, interface->ifindex));

	return device ? device->ifindex : interface->ifindex;
}

bool interfaces_alone(const struct interfaces *interfaces, const struct interface *interface, const struct links *links)
{
	uint32_t own = device_below(interface, links);

	for (unsigned int i = 0; i < interfaces->count; i++) {
		const struct interface *other = &interfaces->interface[i];

		if (!other->optional && links_find(links, other->ifindex) && device_below(other, links) != own)
			return false;
	}
	return !interface->optional;
}

void interfaces_log(struct interfaces *interfaces)
{
	for (unsigned int i = 0; i < interfaces->count; i++)
		mode_log(&interfaces->interface[i]);
}

/* The device whose driver is or was to run the program for an interface, or 0. */
static uint32_t driven_device(const struct interface *interface, const struct links *links)
{
	const struct link *device = vlan_device(links, links_find(links, interface->ifindex));

	return device ? device->ifindex : interface->device;
}

static void publish(unsigned int slot, const struct interface *interface, const struct links *links)
{
	static const uint8_t modes[] = {
		[ATTACHMENT_NONE] = STATUS_MODE_NONE,
		[ATTACHMENT_NATIVE] = STATUS_MODE_NATIVE,
		[ATTACHMENT_GENERIC] = STATUS_MODE_GENERIC,
	};
	const struct link *device = links_find(links, interface->device);
	uint32_t driven = driven_device(interface, links);
	struct status_interface shown = {
		.ifindex = interface->ifindex,
		.device_ifindex = interface->device,
		.mode = modes[attachment_state(interface->device)],
		.dispatched = attachment_is_dispatched(interface->device),
		.no_redirect = redirects_lack_queues(interface->device),
		.fault = watch_fault(driven),
		.lost = watch_lost(driven),
	};

	snprintf(shown.name, sizeof(shown.name), "%s", interface->name);
	snprintf(shown.device, sizeof(shown.device), "%s", device ? device->name : "");
	/* The log has all of a longer line. */
	snprintf(shown.line, sizeof(shown.line), "%.*s", STATUS_LINE - 1, interface->line);
	status_interface_put(slot, &shown);
}

void interfaces_publish(const struct interfaces *interfaces, const struct links *links)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < interfaces->count; i++) {
		if (interfaces_counts(&interfaces->interface[i]))
			publish(count++, &interfaces->interface[i], links);
	}
	status_interfaces_end(count);
	status_stray_put(stray_ifindex());
}
