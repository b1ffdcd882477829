/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_find.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "iface/address_owner.h"

#define TOPIC "interfaces"

/* ---- the server's addresses ---- */

/* Adds an address that is not there yet. */
static void add(struct check_addresses *list, const char *address)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (!strcmp(list->address[i], address))
			return;
	}
	if (list->count < CHECK_ADDRESSES)
		snprintf(list->address[list->count++], INET6_ADDRSTRLEN, "%s", address);
}

/* Writes an address as text. False if it is none of those that turnserver uses when it is not told which. */
static bool is_used(const struct ifaddrs *one, char text[INET6_ADDRSTRLEN])
{
	const struct sockaddr *address = one->ifa_addr;

	if (!(one->ifa_flags & IFF_UP) || (one->ifa_flags & IFF_LOOPBACK) || !address)
		return false;
	if (address->sa_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, INET6_ADDRSTRLEN) &&
		       strncmp(text, "169.254.", 8) != 0;
	return address->sa_family == AF_INET6 &&
	       inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, INET6_ADDRSTRLEN) &&
	       strncmp(text, "fe80", 4) != 0;
}

/* turnserver listens on all addresses if it is not told which, and relays from all. */
static void add_all(struct check_addresses *list)
{
	struct ifaddrs *all;
	char text[INET6_ADDRSTRLEN];

	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (is_used(one, text))
			add(list, text);
	}
	freeifaddrs(all);
}

/* Those that turnserver listens on and relays from. It relays from those that it was told to listen on. */
static void collect(const struct check_config *config, struct check_addresses *list)
{
	list->count = 0;
	for (unsigned int i = 0; i < config->listening.count; i++)
		add(list, config->listening.address[i]);
	for (unsigned int i = 0; i < config->relay.count; i++)
		add(list, config->relay.address[i]);
	if (!config->listening.count)
		add_all(list);
}

/* ---- their owners ---- */

static void add_owner(const char *address, struct interface_list *owners, struct check_report *report)
{
	int error = address_owner_find(address, owners);

	if (error == -ENOSPC)
		check_report_add(report, CHECK_NOTE, TOPIC, NULL,
				 "%s: more than %d interfaces; name those that matter with xdp-interface", address,
				 ABI_ATTACHMENTS);
	else if (error == -EADDRNOTAVAIL)
		check_report_add(report, CHECK_NOTE, TOPIC, NULL,
				 "%s is on no interface, or on the loopback only: its channels are relayed in userspace",
				 address);
	else if (error)
		check_report_add(report, CHECK_NOTE, TOPIC, NULL, "%s: no interface found for this address: %s", address,
				 strerror(-error));
}

static void find_owners(const struct check_config *config, struct check_names *names, struct check_report *report)
{
	static struct check_addresses addresses;
	struct interface_list owners = { 0 };

	collect(config, &addresses);
	for (unsigned int i = 0; i < addresses.count; i++)
		add_owner(addresses.address[i], &owners, report);
	names->count = owners.count;
	memcpy(names->name, owners.name, sizeof(names->name));
	if (!names->count)
		check_report_add(report, CHECK_STOP, TOPIC, NULL,
				 "none of the server's addresses is on an interface other than the loopback; name an interface "
				 "with xdp-interface");
}

void check_find(const struct check_config *config, const struct settings *settings, struct check_names *names,
		struct check_report *report)
{
	names->count = settings->interfaces;
	memcpy(names->name, settings->interface, sizeof(names->name));
	if (!names->count)
		find_owners(config, names, report);
}
