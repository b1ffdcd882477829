/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/member.h"

#include <stdio.h>
#include <string.h>

#include "netlink/device.h"

const struct link *member_of(const struct links *links, const struct link *link)
{
	const struct link *upper = link->upper ? links_find(links, link->upper) : NULL;

	if (!upper)
		return NULL;
	/* hv_netvsc is of no kind that ip-link(8) knows. A bridge is, so its driver is not asked for. */
	return upper->bond || (!upper->kind[0] && device_driver_is(upper->name, "hv_netvsc")) ? upper : NULL;
}

const struct link *member_next(const struct links *links, const struct link *device, const struct link *member)
{
	unsigned int first = member ? (unsigned int)(member - links->link) + 1 : 0;

	for (unsigned int i = first; i < links->count; i++) {
		if (links->link[i].upper == device->ifindex && member_of(links, &links->link[i]))
			return &links->link[i];
	}
	return NULL;
}

/* Whether a device runs the program on its members: a bond, even without any; others while they have members. */
static bool runs_program(const struct links *links, const struct link *device)
{
	return device->bond || member_next(links, device, NULL);
}

void member_names(const struct links *links, const struct link *device, char names[MEMBER_NAMES])
{
	static const char more[] = ", …";
	const struct link *member = NULL;
	size_t used = 0;

	names[0] = '\0';
	while ((member = member_next(links, device, member))) {
		const char *comma = used ? ", " : "";

		if (used + strlen(comma) + strlen(member->name) + sizeof(more) > MEMBER_NAMES) {
			snprintf(names + used, MEMBER_NAMES - used, "%s", more);
			return;
		}
		used += (size_t)snprintf(names + used, MEMBER_NAMES - used, "%s%s", comma, member->name);
	}
}

/* Fowler, Noll and Vo's hash, FNV-1a. */
static uint32_t mix(uint32_t hash, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		hash = (hash ^ (value >> 8 * i & 0xff)) * 16777619u;
	return hash;
}

uint32_t member_fingerprint(const struct links *links, const struct link *device)
{
	const struct link *member = NULL;
	uint32_t hash = 2166136261u;

	if (!runs_program(links, device))
		return 0;
	hash = mix(mix(hash, device->bond_mode), device->bond_policy);
	while ((member = member_next(links, device, member)))
		hash = mix(hash, member->ifindex);
	return hash ? hash : 1;
}
