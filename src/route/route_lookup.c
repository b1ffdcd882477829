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

int route_lookup_open(struct route_lookup *resolver, uint8_t (*device_flags)(uint32_t ifindex))
{
	int error;

	memset(resolver, 0, sizeof(*resolver));
	resolver->questions = rtnetlink_open();
	if (!resolver->questions)
		return -errno;
	resolver->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (resolver->socket < 0) {
		error = -errno;
		rtnetlink_close(resolver->questions);
		resolver->questions = NULL;
		return error;
	}
	resolver->device_flags = device_flags;
	return 0;
}

void route_lookup_close(struct route_lookup *resolver)
{
	if (!resolver->questions)
		return;
	close(resolver->socket);
	rtnetlink_close(resolver->questions);
	resolver->questions = NULL;
}

void route_lookup_forget(struct route_lookup *resolver)
{
	for (int i = 0; i < ROUTE_LOOKUP_DEVICES; i++)
		resolver->devices[i].ifindex = 0;
	resolver->ttl = 0;
}

/* A device that is up. Others may take its place in the memory at the next call. */
static int find_device(struct route_lookup *resolver, uint32_t ifindex, struct device **found)
{
	struct device *device = &resolver->devices[ifindex % ROUTE_LOOKUP_DEVICES];

	if (device->ifindex != ifindex) {
		memset(device, 0, sizeof(*device));
		device->ifindex = ifindex;
		device->error = link_read(resolver->questions, ifindex, &device->link);
		if (!device->error && !device->link.up)
			device->error = -ENETDOWN;
	}
	*found = device;
	return device->error;
}

/* What a socket sends with that was told nothing: net.ipv4.ip_default_ttl. */
static uint8_t default_ttl(struct route_lookup *resolver)
{
	socklen_t size = sizeof(int);
	int ttl;

	if (!resolver->ttl && !getsockopt(resolver->socket, IPPROTO_IP, IP_TTL, &ttl, &size))
		resolver->ttl = (uint8_t)ttl;
	return resolver->ttl;
}

static void lower_to(uint16_t *mtu, uint32_t limit)
{
	if (limit < *mtu)
		*mtu = (uint16_t)limit;
}

/*
 * What the route and the link that it names say. As ip4_dst_hoplimit, ip6_dst_hoplimit, ip6_mtu.
 * DF is the flow's, and a packet that is to be fragmented on its way must not have it.
 */
static int take_defaults(struct route_lookup *resolver, int family, const struct route *route,
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
		hop->ttl = family == AF_INET6 ? link->hop_limit6 : default_ttl(resolver);
	return hop->mtu && hop->ttl ? 0 : -EHOSTUNREACH;
}

/*
 * From a link down to the device below all VLANs. Priorities of tags, where
 * packets' own are mapped to them, are the kernel's to choose.
 */
static int descend(struct route_lookup *resolver, struct device **device, struct hop *hop)
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
		error = find_device(resolver, vlan->lower, device);
		if (error)
			return error;
	}
	if (!(*device)->link.ethernet)
		return -EOPNOTSUPP;
	/* A redirect may exceed the device's MTU by one tag (xdp_ok_fwd_dev). */
	if (tags)
		lower_to(&hop->mtu, (*device)->link.mtu + VLAN_TAG_SIZE - VLAN_TAG_SIZE * tags);
	return 0;
}

/* What the device's driver can do, and that redirects can lead to it. */
static uint8_t device_reach(struct route_lookup *resolver, struct device *device)
{
	if (!device->reached) {
		device->flags = resolver->device_flags(device->ifindex);
		if (maps_device_put(device->ifindex))
			device->flags &= (uint8_t)~HOP_REDIRECT;
		device->reached = true;
	}
	return device->flags;
}

/*
 * Addresses that are no way to a place by themselves: link-local ones, as a
 * entry has no interface to go with them, and IPv4 addresses in IPv6's clothes,
 * to which a socket sends by IPv4.
 */
static bool is_special(int family, const union abi_addr *address)
{
	const struct in6_addr *in6 = (const struct in6_addr *)(const void *)address->v6;

	return family == AF_INET6 && (IN6_IS_ADDR_LINKLOCAL(in6) || IN6_IS_ADDR_V4MAPPED(in6));
}

int route_lookup_find(struct route_lookup *resolver, int family, const union abi_addr *from,
	     const union abi_addr *to, struct found_route *way)
{
	struct device *device;
	struct route route;
	int error;

	if (is_special(family, from) || is_special(family, to))
		return -EHOSTUNREACH;
	error = rtnetlink_route(resolver->questions, family, from, to, &route);
	if (!error)
		error = find_device(resolver, route.ifindex, &device);
	if (error)
		return error;
	memset(way, 0, sizeof(*way));
	error = take_defaults(resolver, family, &route, &device->link, &way->hop);
	if (error)
		return error;
	if (route.local) {
		way->hop.flags = HOP_LOCAL;
		return 0;
	}
	way->ifindex = route.ifindex;
	way->gateway_family = route.gateway_family;
	way->gateway = route.gateway;
	memcpy(way->hop.eth + 6, device->link.mac, sizeof(device->link.mac));
	error = descend(resolver, &device, &way->hop);
	if (error)
		return error;
	way->hop.ifindex = device->ifindex;
	way->hop.flags = device_reach(resolver, device);
	return 0;
}
