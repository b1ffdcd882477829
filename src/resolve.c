/* SPDX-License-Identifier: BSD-3-Clause */
#include "resolve.h"

#include <errno.h>
#include <string.h>

#include "map.h"
#include "netlink.h"

/* If it may not, the packets that are passed up make the kernel ask, only later. */
static void probe(struct mnl_socket *questions, const struct way *way)
{
	netlink_probe(questions, way->family, way->ifindex, &way->gateway);
}

static int find_mac(struct mnl_socket *questions, struct way *way, uint8_t mac[6])
{
	bool aged;
	int error = netlink_neighbour(questions, way->family, way->ifindex, &way->gateway, mac, &aged);

	if (error == -EHOSTUNREACH && (way->known || !way->probed)) {
		way->probed = true;
		probe(questions, way);
	}
	if (error)
		return error;
	way->probed = false;
	if (aged)
		probe(questions, way);
	return 0;
}

int way_find(struct mnl_socket *questions,
	     void (*abilities)(uint32_t ifindex, bool *redirect, bool *transmit), struct way *way,
	     struct hop *hop)
{
	bool redirect, transmit;
	struct route route;
	struct link link;
	uint8_t mac[6];
	uint32_t mtu;
	int error;

	memset(hop, 0, sizeof(*hop));
	way->ifindex = 0;
	error = netlink_route(questions, way->family, &way->from, &way->to, &route);
	if (error)
		return error;
	way->ifindex = route.ifindex;
	way->gateway = route.gateway;
	error = netlink_link(questions, route.ifindex, &link);
	if (error)
		return error;
	if (!link.up || !link.ethernet)
		return -ENETDOWN;
	error = find_mac(questions, way, mac);
	if (error)
		return error;

	abilities(route.ifindex, &redirect, &transmit);
	mtu = route.mtu && route.mtu < link.mtu ? route.mtu : link.mtu;
	hop->ifindex = route.ifindex;
	hop->mtu = (uint16_t)(mtu < UINT16_MAX ? mtu : UINT16_MAX);
	hop->redirect = redirect && !map_device_put(route.ifindex);
	hop->transmit = transmit;
	memcpy(hop->eth, mac, sizeof(mac));
	memcpy(hop->eth + sizeof(mac), link.mac, sizeof(link.mac));
	return 0;
}
