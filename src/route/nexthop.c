/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/nexthop.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "route/destination.h"
#include "route/ipsec.h"
#include "route/monitor.h"
#include "route/neighbour.h"
#include "route/route_lookup.h"
#include "table/maps.h"

/* So many entries are updated before the thread reads events and new entries again. */
#define PIECE 256

static struct {
	pthread_mutex_t lock; /* of the destinations; not held while the kernel is asked */
	/* All below is the thread's. */
	struct route_lookup lookup;
	uint32_t cursor;    /* the entry that is updated next, round the table */
	uint32_t remaining; /* how many entries are still to be updated, from the cursor on */
} nexthops = { .lock = PTHREAD_MUTEX_INITIALIZER };

int nexthop_acquire(const struct hop_path *path, uint32_t *entry)
{
	bool created;
	int error;

	pthread_mutex_lock(&nexthops.lock);
	error = destination_acquire(path, entry, &created);
	pthread_mutex_unlock(&nexthops.lock);
	if (!error && created)
		monitor_wake();
	return error;
}

void nexthop_release(uint32_t entry)
{
	struct destination *destination;

	pthread_mutex_lock(&nexthops.lock);
	if (destination_release(entry)) {
		destination = destination_at(entry);
		if (destination->resolved)
			maps_hop_put(entry, NULL);
		destination->routed = destination->resolved = false;
		__atomic_store_n(&destination->leaves, false, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&nexthops.lock);
}

bool nexthop_leaves(uint32_t entry)
{
	return __atomic_load_n(&destination_at(entry)->leaves, __ATOMIC_RELAXED);
}

/* ---- one entry ---- */

static uint32_t generation;

uint32_t nexthop_generation(void)
{
	return __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
}

/*
 * Takes note of where packets to the destination go: to this host itself, or by a device, which is not known (0) while the
 * entry leads nowhere. They may take another device than before, or go to this host itself and did not, or the other
 * way round; in between nothing may have been known.
 */
static void note_direction(struct destination *destination, bool local, uint32_t ifindex)
{
	bool other_device = destination->led_ifindex && ifindex && destination->led_ifindex != ifindex;

	if (destination->led && (other_device || destination->led_local != local))
		__atomic_fetch_add(&generation, 1, __ATOMIC_RELEASE);
	if (ifindex || local)
		destination->led_ifindex = ifindex;
	destination->led = true;
	destination->led_local = local;
}

/*
 * Writes the entry if it changes; under the lock. An entry that is not resolved leads nowhere, and neither does one for
 * which the table has no room: that is tried again with the next update.
 */
static void write_entry(uint32_t entry, const struct hop *hop, bool resolved)
{
	struct destination *destination = destination_at(entry);

	resolved = resolved && !ipsec_blocks();
	if (resolved != destination->resolved || (resolved && memcmp(&destination->hop, hop, sizeof(*hop))))
		resolved = !maps_hop_put(entry, resolved ? hop : NULL) && resolved;
	if (resolved)
		note_direction(destination, hop->flags & HOP_LOCAL, hop->ifindex);
	destination->hop = *hop;
	destination->resolved = resolved;
}

/* The neighbour that the entry leads to has another MAC, or none (NULL). */
static void change_mac(uint32_t entry, const uint8_t *mac)
{
	struct destination *destination = destination_at(entry);
	struct hop hop;

	pthread_mutex_lock(&nexthops.lock);
	if (destination->routed) {
		hop = destination->hop;
		if (mac)
			memcpy(hop.eth, mac, 6);
		write_entry(entry, &hop, mac);
	}
	pthread_mutex_unlock(&nexthops.lock);
}

/* Whether packets come in to an address of this host, and there is a route from here on. 0 or -errno. */
static int find_route(const struct hop_path *path, struct found_route *found)
{
	int error = route_lookup_is_ours(&nexthops.lookup, path->at_family, &path->at);

	if (error)
		return error;
	return route_lookup_find(&nexthops.lookup, path->family, &path->from, &path->to, found);
}

/*
 * Asks the kernel for route and neighbour. Meanwhile the entry may get another destination. Returns false if
 * the kernel did not answer in time: the entry leads nowhere until it does, and is queued to be updated again.
 */
static bool update_entry(uint32_t entry)
{
	struct destination *destination = destination_at(entry);
	struct destination wanted;
	struct found_route found = { 0 };
	bool resolved, routed;
	int error;

	pthread_mutex_lock(&nexthops.lock);
	wanted = *destination;
	pthread_mutex_unlock(&nexthops.lock);
	if (!wanted.users) {
		neighbour_leave(entry);
		return true;
	}
	error = find_route(&wanted.path, &found);
	routed = !error;
	if (!routed || found.hop.flags & HOP_LOCAL)
		neighbour_leave(entry);
	else
		error = neighbour_join(entry, found.gateway_family, found.ifindex, &found.gateway, found.hop.eth);
	resolved = !error;
	pthread_mutex_lock(&nexthops.lock);
	if (destination->users && destination_is(destination, &wanted.path)) {
		destination->routed = routed;
		__atomic_store_n(&destination->leaves, found.leaves, __ATOMIC_RELAXED);
		write_entry(entry, &found.hop, resolved);
		if (found.leaves && !destination->resolved)
			note_direction(destination, false, 0);
		if (error == -ETIMEDOUT)
			destination_queue(entry);
	}
	pthread_mutex_unlock(&nexthops.lock);
	return error != -ETIMEDOUT;
}

/* ---- what the thread calls ---- */

static void all_changed(void)
{
	nexthops.remaining = destination_used();
}

static bool covers(const union abi_addr *prefix, uint8_t length, const union abi_addr *address)
{
	unsigned int whole = length / 8, rest = length % 8;

	return !memcmp(prefix->v6, address->v6, whole) &&
	       (!rest || !((prefix->v6[whole] ^ address->v6[whole]) >> (8 - rest)));
}

static bool concerns(int family, const union abi_addr *prefix, uint8_t length, const struct hop_path *path)
{
	return (path->family == family && (covers(prefix, length, &path->to) || covers(prefix, length, &path->from))) ||
	       (path->at_family == family && covers(prefix, length, &path->at));
}

/*
 * Queues the entries to addresses that the route covers; and those whose own addresses it
 * covers, as a local route makes an address ours. If they are many, all entries are updated instead,
 * so that new entries need not wait behind them in the queue.
 */
static void route_changed(int family, const union abi_addr *prefix, uint8_t length)
{
	uint32_t used = destination_used(), entry = 0, found = 0;

	while (entry < used && found < PIECE) {
		pthread_mutex_lock(&nexthops.lock);
		for (uint32_t i = 0; i < PIECE && entry < used; i++, entry++) {
			const struct destination *destination = destination_at(entry);

			if (!destination->users || !concerns(family, prefix, length, &destination->path))
				continue;
			destination_queue(entry);
			found++;
		}
		pthread_mutex_unlock(&nexthops.lock);
	}
	if (entry < used)
		all_changed();
}

static uint32_t refresh(void)
{
	uint32_t used = destination_used();
	uint32_t piece = used < PIECE ? used : PIECE;

	if (nexthops.remaining < piece)
		nexthops.remaining = piece;
	return used / PIECE + 1;
}

static bool unqueue(uint32_t *entry)
{
	bool queued;

	pthread_mutex_lock(&nexthops.lock);
	queued = destination_unqueue(entry);
	pthread_mutex_unlock(&nexthops.lock);
	return queued;
}

static bool update(bool heard)
{
	uint32_t used, entry, count;

	route_lookup_forget(&nexthops.lookup, heard);
	neighbour_forget();
	for (count = 0; count < PIECE && unqueue(&entry); count++) {
		if (!update_entry(entry))
			return true;
	}
	used = destination_used();
	for (uint32_t i = 0; i < PIECE && nexthops.remaining; i++) {
		if (nexthops.cursor >= used)
			nexthops.cursor = 0;
		nexthops.remaining--;
		if (!update_entry(nexthops.cursor++))
			return true;
	}
	return nexthops.remaining || count == PIECE;
}

/* ---- starting and ending ---- */

/* Frees what nexthop_start has made so far. */
static void clear(void)
{
	neighbour_stop();
	route_lookup_close(&nexthops.lookup);
	destination_stop();
	nexthops.cursor = nexthops.remaining = 0;
}

int nexthop_start(uint32_t entries, const struct nexthop_callbacks *callbacks)
{
	const struct monitor_callbacks monitor = {
		.events = { .neighbour_changed = neighbour_changed, .route_changed = route_changed },
		.all_changed = all_changed,
		.look_at_links = callbacks->look_at_links,
		.refresh = refresh,
		.update = update,
		.host = callbacks->host,
	};
	int error = destination_start(entries);

	if (error)
		return error;
	error = route_lookup_open(&nexthops.lookup, callbacks->device_flags);
	if (error)
		goto failed;
	error = neighbour_start(entries, nexthops.lookup.questions, change_mac);
	if (error)
		goto failed;
	error = monitor_start(&monitor);
	if (error)
		goto failed;
	return 0;
failed:
	clear();
	return error;
}

void nexthop_privileges_dropped(void)
{
	monitor_privileges_dropped();
}

void nexthop_stop(void)
{
	monitor_stop();
	clear();
}
