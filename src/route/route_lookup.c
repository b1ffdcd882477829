/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/route_lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/rtnetlink.h"
#include "table/maps.h"

#define VLAN_TAG_SIZE 4

int route_lookup_open(struct route_lookup *lookup, uint8_t (*device_flags)(uint32_t ifindex))
{
	int error;

	memset(lookup, 0, sizeof(*lookup));
	lookup->questions = rtnetlink_open();
	if (!lookup->questions)
		return -errno;
	lookup->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (lookup->socket < 0) {
		error = -errno;
		rtnetlink_close(lookup->questions);
		lookup->questions = NULL;
		return error;
	}
	lookup->device_flags = device_flags;
	return 0;
}

void route_lookup_close(struct route_lookup *lookup)
{
	if (!lookup->questions)
		return;
	close(lookup->socket);
	rtnetlink_close(lookup->questions);
	lookup->questions = NULL;
}

void route_lookup_forget(struct route_lookup *lookup, bool heard)
{
	for (int i = 0; i < ROUTE_LOOKUP_DEVICES; i++) {
		if (heard || lookup->devices[i].error)
			lookup->devices[i].ifindex = 0;
		lookup->devices[i].fresh = lookup->devices[i].flags_known = false;
	}
	/* `ours` is also false where the kernel has failed to answer. */
	for (int i = 0; i < ROUTE_LOOKUP_OWN; i++) {
		if (heard || !lookup->own[i].ours)
			lookup->own[i].family = 0;
	}
	lookup->ttl = 0;
}

/*
 * Whether something may be different of a link that the kernel tells nobody of: the MTU and the hop limit of IPv6
 * (sysctl), and a VLAN's map of priorities (vconfig).
 */
static bool may_differ(const struct route_lookup_device *device, int family)
{
	return !device->fresh && (family == AF_INET6 || device->link.vlan);
}

/* A link that is up, for packets of `family`. At the next call another one may take its place in the memory. */
static int find_device(struct route_lookup *lookup, int family, uint32_t ifindex, struct route_lookup_device **found)
{
	struct route_lookup_device *device = &lookup->devices[ifindex % ROUTE_LOOKUP_DEVICES];

	if (device->ifindex != ifindex || may_differ(device, family)) {
		memset(device, 0, sizeof(*device));
		device->ifindex = ifindex;
		device->fresh = true;
		device->error = link_read(lookup->questions, ifindex, &device->link);
		if (!device->error && !device->link.up)
			device->error = -ENETDOWN;
	}
	*found = device;
	return device->error;
}

/* The TTL that sockets have by default: net.ipv4.ip_default_ttl. 0 if the kernel does not say. */
static uint8_t default_ttl(struct route_lookup *lookup)
{
	socklen_t size = sizeof(int);
	int ttl;

	if (!lookup->ttl && !getsockopt(lookup->socket, IPPROTO_IP, IP_TTL, &ttl, &size))
		lookup->ttl = (uint8_t)ttl;
	return lookup->ttl;
}

static void lower_to(uint16_t *mtu, uint32_t limit)
{
	if (limit < *mtu)
		*mtu = (uint16_t)limit;
}

/*
 * MTU and TTL as the kernel takes them from the route, or else from the link that it names
 * (ip4_dst_hoplimit, ip6_dst_hoplimit, ip6_mtu). What the program relays has DF as the flow
 * has it; where the MTU is locked the kernel sends IPv4 without DF, so coturn does it there.
 */
static int take_defaults(struct route_lookup *lookup, int family, const struct route *route,
			 const struct link *link, struct hop *hop)
{
	if (family == AF_INET && route->mtu_locked)
		return -EOPNOTSUPP;
	hop->mtu = UINT16_MAX;
	lower_to(&hop->mtu, link->mtu);
	if (family == AF_INET6)
		lower_to(&hop->mtu, link->mtu6);
	if (route->mtu)
		lower_to(&hop->mtu, route->mtu);
	hop->ttl = route->hop_limit;
	if (!hop->ttl)
		hop->ttl = family == AF_INET6 ? link->hop_limit6 : default_ttl(lookup);
	return hop->mtu && hop->ttl ? 0 : -EHOSTUNREACH;
}

/*
 * Goes down from a link to the device below all of its VLANs, and adds their tags. Where a
 * VLAN maps the packets' priorities to priorities in tags, the kernel has to choose them.
 */
static int descend(struct route_lookup *lookup, int family, struct route_lookup_device **device, struct hop *hop)
{
	unsigned int tags = 0;

	while ((*device)->link.vlan) {
		const struct link *vlan = &(*device)->link;
		int error;

		if (tags == ABI_TAGS || vlan->vlan_qos || !vlan->vlan_protocol || !vlan->lower)
			return -EOPNOTSUPP;
		memmove(&hop->tag[1], &hop->tag[0], sizeof(hop->tag) - sizeof(hop->tag[0]));
		hop->tag[0].protocol = htons(vlan->vlan_protocol);
		hop->tag[0].tci = htons(vlan->vlan_id);
		tags++;
		error = find_device(lookup, family, vlan->lower, device);
		if (error)
			return error;
	}
	if (!(*device)->link.ethernet)
		return -EOPNOTSUPP;
	/* A redirected frame may be longer than the device's MTU by one tag (xdp_ok_fwd_dev). */
	if (tags)
		lower_to(&hop->mtu, (*device)->link.mtu + VLAN_TAG_SIZE - VLAN_TAG_SIZE * tags);
	return 0;
}

/* How frames can leave by the device. Redirects need the device in a map, which may be full. */
static uint8_t flags_of(struct route_lookup *lookup, struct route_lookup_device *device)
{
	if (!device->flags_known) {
		device->flags = lookup->device_flags(device->ifindex);
		if (maps_device_put(device->ifindex))
			device->flags &= (uint8_t)~HOP_REDIRECT;
		device->flags_known = true;
	}
	return device->flags;
}

/*
 * Addresses that alone do not say where packets go: a link-local address needs an interface
 * with it, which an entry does not have, and to an IPv4-mapped one a socket sends by IPv4.
 */
static bool is_special(int family, const union abi_addr *address)
{
	const struct in6_addr *in6 = (const struct in6_addr *)(const void *)address->v6;

	return family == AF_INET6 && (IN6_IS_ADDR_LINKLOCAL(in6) || IN6_IS_ADDR_V4MAPPED(in6));
}

/*
 * Where an address of ours is remembered. A server's addresses are often alike but for one byte. The product has all
 * bytes in its highest bits only: the last byte of an address of IPv4 is the highest one here.
 */
static struct route_lookup_own *place_of_own(struct route_lookup *lookup, const union abi_addr *address)
{
	uint32_t hash = 0;

	for (int i = 0; i < 4; i++)
		hash = (hash ^ address->word[i]) * 0x9e3779b1u;
	return &lookup->own[hash >> (32 - ROUTE_LOOKUP_OWN_BITS)];
}

int route_lookup_is_ours(struct route_lookup *lookup, int family, const union abi_addr *address)
{
	static const union abi_addr unspecified;
	struct route_lookup_own *own = place_of_own(lookup, address);
	struct route route;
	int error;

	if (own->family == family && !memcmp(&own->address, address, sizeof(*address)))
		return own->ours ? 0 : -EADDRNOTAVAIL;
	error = rtnetlink_route(lookup->questions, family, &unspecified, address, &route);
	/* That is no answer, and is not remembered. */
	if (error == -ETIMEDOUT)
		return error;
	own->family = family;
	own->address = *address;
	own->ours = !error && route.local;
	return own->ours ? 0 : -EADDRNOTAVAIL;
}

int route_lookup_find(struct route_lookup *lookup, int family, const union abi_addr *from,
		      const union abi_addr *to, struct found_route *found)
{
	struct route_lookup_device *device;
	struct route route;
	int error;

	memset(found, 0, sizeof(*found));
	if (is_special(family, from) || is_special(family, to))
		return -EHOSTUNREACH;
	error = rtnetlink_route(lookup->questions, family, from, to, &route);
	if (error)
		return error;
	found->leaves = !route.local;
	error = find_device(lookup, family, route.ifindex, &device);
	if (error)
		return error;
	error = take_defaults(lookup, family, &route, &device->link, &found->hop);
	if (error)
		return error;
	if (route.local) {
		found->hop.flags = HOP_LOCAL;
		return 0;
	}
	found->ifindex = route.ifindex;
	found->gateway_family = route.gateway_family;
	found->gateway = route.gateway;
	memcpy(found->hop.eth + 6, device->link.mac, sizeof(device->link.mac));
	error = descend(lookup, family, &device, &found->hop);
	if (error)
		return error;
	found->hop.ifindex = device->ifindex;
	found->hop.flags = flags_of(lookup, device);
	return 0;
}
