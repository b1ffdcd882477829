/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * By which links packets come whose checksums this host may have verified, and which hand skbs on. This file has
 * bridge_filter_is_on itself.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "iface/bridge_filter.h"
#include "iface/verified.h"

static struct link all[16];
static struct links links;

static bool filtered;

bool bridge_filter_is_on(const struct link *bridge)
{
	assert_string_equal(bridge->kind, "bridge");
	return filtered;
}

/* A link of a kind; its index counts from 1. */
static struct link *add(const char *kind)
{
	struct link *link = &all[links.count++];

	links.link = all;
	*link = (struct link){ .ifindex = links.count };
	snprintf(link->kind, sizeof(link->kind), "%s", kind);
	return link;
}

static struct link *add_above(const char *kind, const struct link *lower)
{
	struct link *link = add(kind);

	link->lower = lower->ifindex;
	return link;
}

static int start(void **state)
{
	(void)state;
	memset(&links, 0, sizeof(links));
	filtered = true;
	verified_forget();
	return 0;
}

static bool handed_on(const struct link *link)
{
	verified_follow(&links);
	return verified_are_handed_on(link->ifindex);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *kind;
		bool may_come, handed_on;
	} kinds[] = {
		{ "", false, false },
		{ "tun", false, false },
		{ "veth", false, true },
		{ "netkit", false, true },
		{ "vxlan", true, false },
		{ "geneve", true, false },
		{ "bridge", true, false }, /* without ports */
		{ "bond", false, false },
		{ "gretap", true, true },
		{ "openvswitch", true, true },
		{ "unknown", true, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const struct link *link = add(kinds[i].kind);

		print_message("# %s\n", kinds[i].kind);
		assert_int_equal(verified_may_come(&links, link), kinds[i].may_come);
		assert_int_equal(handed_on(link), kinds[i].handed_on);
	}
}

/* What stands on a link gets what the link gets. */
static void test_stacked(void **state)
{
	const struct link *card = add(""), *bridge = add("bridge"), *vlan;
	struct link *other = add("macvlan");

	(void)state;
	assert_false(verified_may_come(&links, add_above("vlan", card)));
	vlan = add_above("vlan", bridge);
	assert_true(verified_may_come(&links, vlan));
	assert_true(verified_may_come(&links, add_above("macvlan", vlan)));
	filtered = false;
	assert_false(verified_may_come(&links, vlan));
	/* The link below is elsewhere. */
	assert_false(verified_may_come(&links, other));
	/* Links cannot stand on themselves; if the kernel says so, that has an end. */
	other->lower = other->ifindex;
	assert_true(verified_may_come(&links, other));
}

/* A bridge or bond hands on if one of its members does. */
static void test_members(void **state)
{
	struct link *bridge = add("bridge"), *card = add(""), *bond = add("bond"), *port = add("veth");

	(void)state;
	card->upper = bond->ifindex;
	bond->upper = bridge->ifindex;
	assert_false(handed_on(bridge));
	port->upper = bridge->ifindex;
	assert_true(handed_on(bridge));
	assert_false(handed_on(bond));
	port->upper = bond->ifindex;
	assert_true(handed_on(bond));
	assert_true(handed_on(bridge));
	port->upper = 0;
	assert_false(handed_on(bridge));
	/* A card further down, below a team that is a member of the bond. */
	card->upper = 0;
	bridge = add("team");
	card->upper = bridge->ifindex;
	bridge->upper = bond->ifindex;
	assert_false(handed_on(&all[0]));
	/* A ring has an end. */
	bridge = &all[0];
	bridge->upper = bond->ifindex;
	assert_true(handed_on(bridge));
}

static void test_unknown_device(void **state)
{
	const struct link *card = add("");

	(void)state;
	assert_true(verified_are_handed_on(card->ifindex));
	assert_false(handed_on(card));
	assert_true(verified_are_handed_on(77));
	verified_forget();
	assert_true(verified_are_handed_on(card->ifindex));
}

static int end(void **state)
{
	(void)state;
	verified_forget();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_kinds, start),
		cmocka_unit_test_setup(test_stacked, start),
		cmocka_unit_test_setup(test_members, start),
		cmocka_unit_test_setup(test_unknown_device, start),
	};

	return cmocka_run_group_tests_name("verified", tests, NULL, end);
}
