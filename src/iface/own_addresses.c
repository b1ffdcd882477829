/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/own_addresses.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "iface/address_owner.h"
#include "netlink/rtnetlink.h"
#include "table/status.h"

enum whereabouts {
	WHERE_UNKNOWN,
	WHERE_MISSING,    /* the host does not have the address */
	WHERE_NO_PACKETS, /* it is on a device that no packet comes in by, or there is only a local route to it */
	WHERE_OWNED,      /* an interface has it */
};

struct wanted_address {
	struct own_address own;
	enum whereabouts place, said; /* the second is what the log says last */
	char device[IFNAMSIZ];        /* that has it; "": none */
};

static struct {
	unsigned int count;
	struct wanted_address *address;
	unsigned int selected; /* interfaces that were found for them the last time */
	bool pending;          /* the kernel did not answer */
} addresses;

/* ---- starting ---- */

static bool is_repeated(const struct own_address *address)
{
	for (unsigned int i = 0; i < addresses.count; i++) {
		if (addresses.address[i].own.family == address->family &&
		    !memcmp(&addresses.address[i].own.address, &address->address, sizeof(address->address)))
			return true;
	}
	return false;
}

static bool has_other(int family)
{
	for (unsigned int i = 0; i < addresses.count; i++) {
		if (addresses.address[i].own.family == family && !addresses.address[i].own.loopback)
			return true;
	}
	return false;
}

/*
 * Nothing is relayed over the loopback. coturn listens on loopback addresses too unless it is
 * told otherwise, so the log names them only if the server has no other address of their family.
 */
static void drop_loopback(void)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < addresses.count; i++) {
		const struct own_address *own = &addresses.address[i].own;

		if (own->loopback && !has_other(own->family))
			log_line(LOG_LEVEL_INFO,
				 "%s: on no interface but the loopback, which carries nothing: its channels are "
				 "relayed in userspace",
				 own->text);
	}
	for (unsigned int i = 0; i < addresses.count; i++) {
		if (!addresses.address[i].own.loopback)
			addresses.address[kept++] = addresses.address[i];
	}
	addresses.count = kept;
}

int own_addresses_start(const char *const *texts, unsigned int count)
{
	struct own_address own;

	own_addresses_stop();
	addresses.address = calloc(count + 1, sizeof(*addresses.address));
	if (!addresses.address)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++) {
		if (address_owner_parse(texts[i], &own))
			log_line(LOG_LEVEL_WARNING, "%s: this is no IP address, so no interface is found by it", texts[i]);
		else if (!is_repeated(&own))
			addresses.address[addresses.count++].own = own;
	}
	drop_loopback();
	return 0;
}

void own_addresses_stop(void)
{
	free(addresses.address);
	memset(&addresses, 0, sizeof(addresses));
}

/* ---- where they are ---- */

bool own_addresses_is_silent(const struct link *link)
{
	return !strcmp(link->kind, "dummy");
}

static const struct link *find_link(const struct links *links, const char *name)
{
	for (unsigned int i = 0; i < links->count; i++) {
		if (!strcmp(links->link[i].name, name))
			return &links->link[i];
	}
	return NULL;
}

static void note(struct wanted_address *wanted, enum whereabouts place, const struct link *link)
{
	wanted->place = place;
	snprintf(wanted->device, sizeof(wanted->device), "%s", link->name);
}

static void find_owners(unsigned int index, const struct ifaddrs *all, const struct links *links,
			void (*each)(const struct link *link, unsigned int address, void *data), void *data)
{
	struct wanted_address *wanted = &addresses.address[index];

	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		const struct link *link;
		char name[IFNAMSIZ];

		if (!address_owner_has(one, &wanted->own))
			continue;
		address_owner_name(one, name);
		link = find_link(links, name);
		if (!link)
			continue;
		if (!(one->ifa_flags & IFF_LOOPBACK) && !own_addresses_is_silent(link)) {
			note(wanted, WHERE_OWNED, link);
			each(link, index, data);
		} else if (wanted->place == WHERE_MISSING) {
			note(wanted, WHERE_NO_PACKETS, link);
		}
	}
}

/* Whether the kernel takes packets to an address for its own although no device has the address. */
static bool has_local_route(const struct own_address *address)
{
	static const union abi_addr unspecified;
	struct mnl_socket *socket = rtnetlink_open();
	struct route route = { 0 };
	int error = socket ? rtnetlink_route(socket, address->family, &unspecified, &address->address, &route) : -errno;

	rtnetlink_close(socket);
	addresses.pending = addresses.pending || (error && error != -EHOSTUNREACH);
	return !error && route.local;
}

int own_addresses_find(const struct links *links,
		       void (*each)(const struct link *link, unsigned int address, void *data), void *data)
{
	struct ifaddrs *all;

	if (getifaddrs(&all))
		return -errno;
	addresses.pending = false;
	for (unsigned int i = 0; i < addresses.count; i++) {
		struct wanted_address *wanted = &addresses.address[i];

		wanted->place = WHERE_MISSING;
		wanted->device[0] = '\0';
		find_owners(i, all, links, each, data);
		if (wanted->place == WHERE_MISSING && !wanted->own.any && has_local_route(&wanted->own))
			wanted->place = WHERE_NO_PACKETS;
	}
	freeifaddrs(all);
	return 0;
}

bool own_addresses_pending(void)
{
	return addresses.pending;
}

bool own_addresses_have(int family, bool silent)
{
	for (unsigned int i = 0; i < addresses.count; i++) {
		const struct wanted_address *wanted = &addresses.address[i];

		if (wanted->own.family == family && (!silent || (wanted->place == WHERE_NO_PACKETS && !wanted->own.any)))
			return true;
	}
	return false;
}

/* A server on all addresses of a family that the host does not use misses nothing, unless it has no other. */
static bool is_waited_for(const struct wanted_address *wanted)
{
	if (wanted->own.any || wanted->place == WHERE_NO_PACKETS)
		return wanted->place != WHERE_OWNED && !addresses.selected;
	return wanted->place == WHERE_MISSING;
}

bool own_addresses_wait(void)
{
	for (unsigned int i = 0; i < addresses.count; i++) {
		if (is_waited_for(&addresses.address[i]))
			return true;
	}
	return false;
}

bool own_addresses_complete(void)
{
	for (unsigned int i = 0; i < addresses.count; i++) {
		if (!addresses.address[i].own.any && addresses.address[i].place != WHERE_OWNED)
			return false;
	}
	return !own_addresses_wait();
}

/* ---- what the log and the status say ---- */

static const char *name_of(const struct own_address *own)
{
	if (!own->any)
		return own->text;
	return own->family == AF_INET ? "an IPv4 address" : "an IPv6 address";
}

static void say_silent(const struct wanted_address *wanted)
{
	const char *device = wanted->device;

	log_line(LOG_LEVEL_WARNING,
		 "%s: on no interface but %s, which no packet comes in by: the interfaces of default routes are used for "
		 "it; if its packets come in by others, name them with xdp-interface",
		 wanted->own.text,
		 !device[0]            ? "a local route" :
		 !strcmp(device, "lo") ? "the loopback" :
					 device);
}

/* The log has a line about an address where its place is not what it was; at the start, where it is on no interface. */
static void say(struct wanted_address *wanted)
{
	enum whereabouts said = wanted->said;

	if (wanted->place == said || (wanted->own.any && wanted->place != WHERE_OWNED && !is_waited_for(wanted)))
		return;
	wanted->said = wanted->place;
	if (wanted->place == WHERE_OWNED) {
		if (said != WHERE_UNKNOWN)
			log_line(LOG_LEVEL_INFO, "%s is on %s now: its channels can be relayed in the kernel", name_of(&wanted->own), wanted->device);
	} else if (wanted->place == WHERE_NO_PACKETS && !wanted->own.any) {
		say_silent(wanted);
	} else {
		log_line(LOG_LEVEL_WARNING,
			 "waiting for %s: no interface has it; its channels are relayed in userspace until one does",
			 name_of(&wanted->own));
	}
}

void own_addresses_say(unsigned int selected)
{
	char waiting[STATUS_WAITING] = "";
	size_t used = 0;

	addresses.selected = selected;
	for (unsigned int i = 0; i < addresses.count; i++) {
		struct wanted_address *wanted = &addresses.address[i];

		say(wanted);
		if (is_waited_for(wanted) && used < sizeof(waiting))
			used += (size_t)snprintf(waiting + used, sizeof(waiting) - used, "%s%s", used ? ", " : "",
						 name_of(&wanted->own));
	}
	status_waiting_put(waiting);
}
