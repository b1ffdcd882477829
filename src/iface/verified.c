/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/verified.h"

#include <stdlib.h>
#include <string.h>

#include "iface/bridge_filter.h"

/* Links that stand on one another. Where there are more, the worse is taken. */
#define DEPTH 8

/* The devices that send bytes alone. */
static struct {
	uint32_t *ifindex;
	unsigned int count;
} plain;

static bool is_one_of(const char *kind, const char *const *kinds)
{
	while (*kinds && strcmp(kind, *kinds) != 0)
		kinds++;
	return *kinds;
}

/*
 * A veth may also come from a switch that verifies (Open vSwitch with conntrack). It does not show here, and most veths
 * do not, so they count as links that verify nothing; see docs/interfaces.md.
 */
bool verified_may_come(const struct links *links, const struct link *link)
{
	static const char *const none[] = { "", "veth", "netkit", "tun", "bond", "team", "ifb", "dummy", NULL };
	static const char *const stacked[] = { "vlan", "macvlan", "macvtap", NULL };

	for (int depth = 0; depth < DEPTH; depth++) {
		if (is_one_of(link->kind, none))
			return false;
		if (!strcmp(link->kind, "bridge"))
			return bridge_filter_is_on(link);
		if (!is_one_of(link->kind, stacked))
			return true;
		link = links_find(links, link->lower);
		/* The link below is in another network namespace; as a rule it is a network card. */
		if (!link)
			return false;
	}
	return true;
}

/* Tunnels that end in the kernel take back what the skb remembers (iptunnel_handle_offloads, udp_tunnel_handle_offloads). */
static bool hands_on(const struct links *links, const struct link *link, int depth)
{
	static const char *const never[] = { "", "tun", "vxlan", "geneve", NULL };
	static const char *const by_members[] = { "bridge", "bond", "team", NULL };

	if (is_one_of(link->kind, never))
		return false;
	if (!is_one_of(link->kind, by_members) || depth == DEPTH)
		return true;
	for (unsigned int i = 0; i < links->count; i++) {
		if (links->link[i].upper == link->ifindex && hands_on(links, &links->link[i], depth + 1))
			return true;
	}
	return false;
}

void verified_follow(const struct links *links)
{
	uint32_t *room = realloc(plain.ifindex, (links->count + 1) * sizeof(*room));

	plain.count = 0;
	if (!room)
		return;
	plain.ifindex = room;
	for (unsigned int i = 0; i < links->count; i++) {
		if (!hands_on(links, &links->link[i], 0))
			plain.ifindex[plain.count++] = links->link[i].ifindex;
	}
}

bool verified_are_handed_on(uint32_t ifindex)
{
	for (unsigned int i = 0; i < plain.count; i++) {
		if (plain.ifindex[i] == ifindex)
			return false;
	}
	return true;
}

void verified_forget(void)
{
	free(plain.ifindex);
	memset(&plain, 0, sizeof(plain));
}
