/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/selection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "iface/own_addresses.h"
#include "netlink/routes_out.h"

/*
 * Routes are read again each time that the kernel has told of a change; where they are many, this takes at most a
 * twentieth of the thread's time.
 */
#define ROUTES_SHARE 20
#define ROUTES_NS_MIN 1000000ULL

static const int families[] = { AF_INET, AF_INET6 };
#define FAMILIES (sizeof(families) / sizeof(families[0]))

static struct {
	struct interface_list named; /* empty: interfaces are selected by addresses and routes */
	struct routes_out routes[FAMILIES];
	uint64_t next_routes_ns;
	bool pending; /* not all was read the last time */
	bool said_full;
} selection;

enum rank {
	RANK_DEFAULT, /* a default route leaves by it */
	RANK_ROUTE,   /* a route with a gateway does */
	RANK_ADDRESS, /* it has an address of the server */
	RANK_BRIDGE,  /* it has one, and is a bridge: most likely one for containers, which few packets pass */
};

/* What there is to say for a link. */
struct candidate {
	const struct link *link;
	unsigned int address; /* the first of the server's that it has; UINT32_MAX: none */
	bool leads_out, is_default;
	bool needed; /* packets for an address that no interface has may come in by it */
	enum rank rank;
};

struct candidates {
	const struct links *links;
	struct candidate *candidate; /* in the order of the links */
};

int selection_start(const struct settings *settings, const char *const *addresses, unsigned int count)
{
	memset(&selection, 0, sizeof(selection));
	for (unsigned int i = 0; i < settings->interfaces; i++)
		memcpy(selection.named.entry[i].name, settings->interface[i], IFNAMSIZ);
	selection.named.count = settings->interfaces;
	return own_addresses_start(addresses, selection.named.count ? 0 : count);
}

void selection_stop(void)
{
	own_addresses_stop();
	memset(&selection, 0, sizeof(selection));
}

static void add_owner(const struct link *link, unsigned int address, void *data)
{
	const struct candidates *candidates = data;
	struct candidate *candidate = &candidates->candidate[link - candidates->links->link];

	if (address < candidate->address)
		candidate->address = address;
}

/* Returns whether all routes were read now. */
static bool read_routes(void)
{
	uint64_t started = clock_monotonic_ns(), took;
	bool read = true;

	if (started < selection.next_routes_ns)
		return false;
	for (unsigned int i = 0; i < FAMILIES; i++)
		read &= !routes_out_read(families[i], &selection.routes[i]);
	took = clock_monotonic_ns() - started;
	/* What was interrupted, because routes have changed, is read again the next time. */
	if (read && took >= ROUTES_NS_MIN)
		selection.next_routes_ns = started + ROUTES_SHARE * took;
	return read;
}

/* Routes of one family count if the server has addresses of it. */
static void add_routes(const struct routes_out *routes, int family, const struct candidates *candidates)
{
	bool silent = own_addresses_have(family, true);

	if (!own_addresses_have(family, false))
		return;
	for (unsigned int i = 0; i < routes->count; i++) {
		const struct link *link = links_find(candidates->links, routes->link[i].ifindex);
		struct candidate *candidate;

		/* Tunnels carry no program. */
		if (!link || !link->ethernet || own_addresses_is_silent(link))
			continue;
		candidate = &candidates->candidate[link - candidates->links->link];
		candidate->leads_out = true;
		candidate->is_default = candidate->is_default || routes->link[i].is_default;
		candidate->needed = candidate->needed || (silent && routes->link[i].is_default);
	}
}

static enum rank rank_of(const struct candidate *candidate)
{
	if (candidate->is_default)
		return RANK_DEFAULT;
	if (candidate->leads_out)
		return RANK_ROUTE;
	return !strcmp(candidate->link->kind, "bridge") ? RANK_BRIDGE : RANK_ADDRESS;
}

static int compare(const void *left, const void *right)
{
	const struct candidate *one = left, *other = right;

	if (one->rank != other->rank)
		return one->rank < other->rank ? -1 : 1;
	if (one->address != other->address)
		return one->address < other->address ? -1 : 1;
	return one->link->ifindex < other->link->ifindex ? -1 : 1;
}

/* Keeps those that there is a reason for, the most important first. Returns how many they are. */
static unsigned int rank(struct candidate *candidates, unsigned int count)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (candidates[i].address == UINT32_MAX && !candidates[i].leads_out)
			continue;
		candidates[kept] = candidates[i];
		candidates[kept].rank = rank_of(&candidates[kept]);
		kept++;
	}
	qsort(candidates, kept, sizeof(*candidates), compare);
	return kept;
}

static void say_full(const char *name)
{
	if (!selection.said_full)
		log_line(LOG_LEVEL_WARNING,
			 "more than %d interfaces have the server's addresses or routes that lead out: %s and others are left out, and channels over "
			 "them are relayed in userspace; name those that matter with xdp-interface",
			 ABI_ATTACHMENTS, name);
	selection.said_full = true;
}

/* Returns how many of the chosen ones are more than optional. */
static unsigned int choose(struct candidate *candidates, unsigned int count, struct interface_list *list)
{
	unsigned int needed = 0;

	memset(list, 0, sizeof(*list));
	for (unsigned int i = 0; i < count && i < ABI_ATTACHMENTS; i++) {
		bool optional = candidates[i].address == UINT32_MAX && !candidates[i].needed;

		snprintf(list->entry[i].name, IFNAMSIZ, "%s", candidates[i].link->name);
		list->entry[i].ifindex = candidates[i].link->ifindex;
		list->entry[i].optional = optional;
		list->count++;
		needed += !optional;
	}
	if (count > ABI_ATTACHMENTS)
		say_full(candidates[ABI_ATTACHMENTS].link->name);
	return needed;
}

int selection_find(const struct links *links, struct interface_list *list)
{
	struct candidates candidates = { .links = links };
	int error;

	if (selection.named.count) {
		*list = selection.named;
		/* Their names may be alternative ones, which the links do not have. */
		for (unsigned int i = 0; i < list->count; i++)
			list->entry[i].ifindex = if_nametoindex(list->entry[i].name);
		return 0;
	}
	candidates.candidate = calloc(links->count + 1, sizeof(*candidates.candidate));
	if (!candidates.candidate)
		return -ENOMEM;
	for (unsigned int i = 0; i < links->count; i++)
		candidates.candidate[i] = (struct candidate){ .link = &links->link[i], .address = UINT32_MAX };
	error = own_addresses_find(links, add_owner, &candidates);
	if (error)
		goto out;
	selection.pending = !read_routes() || own_addresses_pending();
	for (unsigned int i = 0; i < FAMILIES; i++)
		add_routes(&selection.routes[i], families[i], &candidates);
	own_addresses_say(choose(candidates.candidate, rank(candidates.candidate, links->count), list));
out:
	free(candidates.candidate);
	return error;
}

bool selection_may_change(void)
{
	return !selection.named.count;
}

bool selection_pending(void)
{
	return selection.pending;
}

bool selection_waits(void)
{
	return own_addresses_wait();
}

bool selection_complete(void)
{
	return own_addresses_complete();
}
