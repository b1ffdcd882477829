/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/address_owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* getifaddrs(3) gives an address's label, which may be the interface's name, a colon and more. */
static int add_name(struct interface_list *list, const char *label)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(label, ":"), label);
	for (unsigned int i = 0; i < list->count; i++) {
		if (!strcmp(list->name[i], name))
			return 0;
	}
	if (list->count == ABI_ATTACHMENTS)
		return -ENOSPC;
	snprintf(list->name[list->count++], IFNAMSIZ, "%s", name);
	return 0;
}

static bool owns(const struct sockaddr *have, int family, const void *want, bool any)
{
	if (!have || have->sa_family != family)
		return false;
	if (any)
		return true;
	if (family == AF_INET)
		return !memcmp(&((const struct sockaddr_in *)have)->sin_addr, want, 4);
	return !memcmp(&((const struct sockaddr_in6 *)have)->sin6_addr, want, 16);
}

int address_owner_find(const char *address, struct interface_list *list)
{
	static const uint8_t zero[16];
	struct ifaddrs *all, *one;
	uint8_t want[16];
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	int error = 0;
	bool any, found = false;

	if (inet_pton(family, address, want) != 1)
		return -EINVAL;
	any = !memcmp(want, zero, family == AF_INET ? 4 : 16);
	if (getifaddrs(&all))
		return -errno;
	for (one = all; one && !error; one = one->ifa_next) {
		if ((one->ifa_flags & IFF_LOOPBACK) || !owns(one->ifa_addr, family, want, any))
			continue;
		found = true;
		error = add_name(list, one->ifa_name);
	}
	freeifaddrs(all);
	return error || found ? error : -EADDRNOTAVAIL;
}
