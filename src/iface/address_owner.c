/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/address_owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int address_owner_parse(const char *text, struct own_address *address)
{
	struct own_address parsed = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	static const union abi_addr zero;

	if (inet_pton(parsed.family, text, &parsed.address) != 1)
		return -EINVAL;
	snprintf(parsed.text, sizeof(parsed.text), "%s", text);
	parsed.any = !memcmp(&parsed.address, &zero, sizeof(zero));
	if (parsed.family == AF_INET)
		parsed.loopback = ntohl(parsed.address.v4) >> 24 == IN_LOOPBACKNET;
	else
		parsed.loopback = !memcmp(&parsed.address, &in6addr_loopback, sizeof(in6addr_loopback));
	*address = parsed;
	return 0;
}

bool address_owner_has(const struct ifaddrs *entry, const struct own_address *address)
{
	const struct sockaddr *have = entry->ifa_addr;

	if (!have || have->sa_family != address->family)
		return false;
	if (address->any)
		return true;
	if (address->family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)have)->sin_addr.s_addr == address->address.v4;
	return !memcmp(&((const struct sockaddr_in6 *)(const void *)have)->sin6_addr, address->address.v6,
		       sizeof(address->address.v6));
}

void address_owner_name(const struct ifaddrs *entry, char name[IFNAMSIZ])
{
	/* The entry has the address's label, which may be the interface's name, a colon and more. */
	snprintf(name, IFNAMSIZ, "%.*s", (int)strcspn(entry->ifa_name, ":"), entry->ifa_name);
}
