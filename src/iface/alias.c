/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/alias.h"

#include <errno.h>
#include <stdbool.h>

#include "base/log.h"
#include "iface/attachment.h"
#include "iface/member.h"

/* Removes those that have left. */
static void drop_former(const struct links *links, uint32_t device)
{
	uint32_t aliases[ABI_PORTS];
	unsigned int count = attachment_aliases(device, aliases);

	for (unsigned int i = 0; i < count; i++) {
		const struct link *link = links_find(links, aliases[i]);
		const struct link *of = link ? member_of(links, link) : NULL;

		if (!of || of->ifindex != device)
			attachment_alias_remove(aliases[i]);
	}
}

static void put_members(const struct links *links, const struct link *device)
{
	static bool said;
	const struct link *member = NULL;

	while ((member = member_next(links, device, member))) {
		if (attachment_alias_put(device->ifindex, member) != -EUSERS || said)
			continue;
		log_line(LOG_LEVEL_WARNING,
			 "%s: there is no room for its member %s and maybe others: what they receive is relayed in userspace "
			 "(this is said once)",
			 device->name, member->name);
		said = true;
	}
}

void alias_follow(const struct links *links)
{
	uint32_t devices[ABI_ATTACHMENTS];
	unsigned int count = attachment_list(devices);

	/* One may have moved from a device to another. */
	for (unsigned int i = 0; i < count; i++)
		drop_former(links, devices[i]);
	for (unsigned int i = 0; i < count; i++) {
		const struct link *device = links_find(links, devices[i]);

		if (device && attachment_state(devices[i]) == ATTACHMENT_NATIVE)
			put_members(links, device);
	}
}
