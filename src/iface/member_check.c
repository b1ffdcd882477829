/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/member_check.h"

#include <errno.h>
#include <linux/if_bonding.h>
#include <stdio.h>

#include "iface/member.h"
#include "iface/mode_check.h"
#include "netlink/device.h"

/* BOND_XMIT_POLICY_VLAN_SRCMAC of linux/if_bonding.h, which headers before Linux 5.12 do not have. */
#define POLICY_VLAN_SRCMAC 5

/* Bytes of the reason of one member. */
#define REASON_SIZE 240

int member_check_none(const struct links *links, const struct link *link, char *why, size_t size)
{
	const struct link *of = member_of(links, link);

	if (!of)
		return 0;
	snprintf(why, size, "%s is a member of %s, which receives its packets; name %s with xdp-interface in its place", link->name,
		 of->name, of->name);
	return -EOPNOTSUPP;
}

static int fail(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EOPNOTSUPP;
}

/* What the kernel asks of a bond before it asks the members (bond_xdp_check in drivers/net/bonding/bond_main.c). */
static int check_bond(const struct links *links, const struct link *bond, char *why, size_t size)
{
	bool hashes = bond->bond_mode == BOND_MODE_XOR || bond->bond_mode == BOND_MODE_8023AD;

	if (!hashes && bond->bond_mode != BOND_MODE_ROUNDROBIN && bond->bond_mode != BOND_MODE_ACTIVEBACKUP)
		return fail(why, size, "the mode of the bond has no XDP; active-backup, balance-rr, balance-xor and 802.3ad have");
	if (hashes && bond->bond_policy == POLICY_VLAN_SRCMAC)
		return fail(why, size, "the bond's xmit_hash_policy vlan+srcmac has no XDP; all others have");
	return member_next(links, bond, NULL) ? 0 : fail(why, size, "the bond has no members");
}

static bool has_several(const struct links *links, const struct link *device)
{
	const struct link *first = member_next(links, device, NULL);

	return first && member_next(links, device, first);
}

int member_check_native(const struct links *links, const struct link *device, const struct mode_wish *wish, char *why,
			size_t size)
{
	const struct link *member = NULL;
	/* Between members what is sent back is redirected (xdp_master_redirect). */
	struct mode_wish each = { .trusted = wish->trusted, .alone = wish->alone && !has_several(links, device) };
	char reason[REASON_SIZE] = "it is a bond itself";
	int error = member_check_none(links, device, why, size);

	if (!error && device->bond)
		error = check_bond(links, device, why, size);
	while (!error && (member = member_next(links, device, member))) {
		error = member->bond ? -EOPNOTSUPP : mode_check_device(links, member, &each, reason, sizeof(reason));
		if (error)
			snprintf(why, size, "its member %s: %s", member->name, reason);
	}
	return error;
}

int member_check_runs(const struct links *links, const struct link *device, char *why, size_t size)
{
	int error = member_check_none(links, device, why, size);
	const struct link *member = NULL;
	uint64_t features;

	while (!error && (member = member_next(links, device, member))) {
		if (device_xdp_features(member->ifindex, &features) || features & XDP_FEATURE_BASIC)
			continue;
		snprintf(why, size, "its member %s has no XDP", member->name);
		error = -EOPNOTSUPP;
	}
	return error;
}
