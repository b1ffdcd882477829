/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/nexthop.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "table/maps.h"
#include "route/neighbour.h"
#include "route/route_lookup.h"
#include "route/monitor.h"

/* An entry rests between two writes (see abi.h). */
#define SETTLE_US 1000
/* Entries that were given back stay unused while there are others. */
#define ENTRIES_AT_REST 256
/* Entries that are looked at before the thread listens again, and sees to new ones. */
#define PIECE 256

/* Indices of entries in lists are from 1; 0 ends them. */
struct destination {
	union abi_addr from, to;
	uint8_t family;
	bool routed; /* `hop` is right but for the neighbour's MAC */
	bool known;  /* the entry leads somewhere, and holds `hop` */
	bool fresh;  /* in the list of new entries */
	uint32_t users;
	uint32_t next;       /* in its bucket, or in the free list */
	uint32_t next_fresh;
	struct hop hop;
	int64_t written; /* when the entry was, in microseconds; the thread's */
};

static struct {
	pthread_mutex_t lock; /* of the table; not held while the kernel is asked */
	struct route_lookup resolver;
	struct destination *table;
	uint32_t entries, used; /* entries ever used are the first of the table */
	uint32_t *buckets, bucket_mask;
	uint32_t free_first, free_last, free_count; /* a queue, longest free first */
	uint32_t fresh_first, fresh_last;           /* a queue of new entries */
	/* The thread's: it goes round, and so many are still to be looked at. */
	uint32_t cursor, left;
} nexthops = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool leads(const struct destination *destination, int family, const union abi_addr *from,
		  const union abi_addr *to)
{
	return destination->family == family && !memcmp(&destination->from, from, sizeof(*from)) &&
	       !memcmp(&destination->to, to, sizeof(*to));
}

static uint32_t *bucket_of(const union abi_addr *from, const union abi_addr *to)
{
	uint64_t hash = 0;

	for (int i = 0; i < 4; i++) {
		hash = (hash ^ from->word[i] ^ ((uint64_t)to->word[i] << 32)) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32; /* what differs at the end of an address is at the top here */
	}
	return &nexthops.buckets[hash & nexthops.bucket_mask];
}

/* Takes an entry that nobody uses. 0: there is none. */
static uint32_t take(void)
{
	uint32_t index;

	if (nexthops.free_count > ENTRIES_AT_REST ||
	    (nexthops.free_count && nexthops.used == nexthops.entries)) {
		index = nexthops.free_first;
		nexthops.free_first = nexthops.table[index - 1].next;
		nexthops.free_count--;
		return index;
	}
	if (nexthops.used == nexthops.entries)
		return 0;
	index = nexthops.used + 1;
	__atomic_store_n(&nexthops.used, index, __ATOMIC_RELEASE);
	return index;
}

/* It may be in the list from an earlier owner's time. */
static void add_fresh(uint32_t index)
{
	struct destination *destination = &nexthops.table[index - 1];

	if (destination->fresh)
		return;
	destination->fresh = true;
	destination->next_fresh = 0;
	if (nexthops.fresh_first)
		nexthops.table[nexthops.fresh_last - 1].next_fresh = index;
	else
		nexthops.fresh_first = index;
	nexthops.fresh_last = index;
}

int nexthop_acquire(int family, const union abi_addr *from, const union abi_addr *to, uint32_t *entry)
{
	struct destination *destination;
	uint32_t *bucket, index;
	bool created = false;

	pthread_mutex_lock(&nexthops.lock);
	bucket = bucket_of(from, to);
	for (index = *bucket; index; index = nexthops.table[index - 1].next) {
		if (leads(&nexthops.table[index - 1], family, from, to))
			break;
	}
	if (!index) {
		index = take();
		if (!index) {
			pthread_mutex_unlock(&nexthops.lock);
			return -ENOSPC;
		}
		destination = &nexthops.table[index - 1];
		destination->family = (uint8_t)family;
		destination->from = *from;
		destination->to = *to;
		destination->routed = destination->known = false;
		destination->next = *bucket;
		*bucket = index;
		add_fresh(index);
		created = true;
	}
	nexthops.table[index - 1].users++;
	pthread_mutex_unlock(&nexthops.lock);
	if (created)
		monitor_wake();
	*entry = index - 1;
	return 0;
}

void nexthop_release(uint32_t entry)
{
	struct destination *destination;
	uint32_t *link;

	pthread_mutex_lock(&nexthops.lock);
	destination = &nexthops.table[entry];
	if (--destination->users == 0) {
		link = bucket_of(&destination->from, &destination->to);
		while (*link != entry + 1)
			link = &nexthops.table[*link - 1].next;
		*link = destination->next;
		if (nexthops.free_count++)
			nexthops.table[nexthops.free_last - 1].next = entry + 1;
		else
			nexthops.free_first = entry + 1;
		nexthops.free_last = entry + 1;
		destination->next = 0;
		if (destination->known)
			maps_hop_put(entry, NULL);
		destination->routed = destination->known = false;
	}
	pthread_mutex_unlock(&nexthops.lock);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Before the lock is taken to write an entry that may just have been written. */
static void let_settle(const struct destination *destination)
{
	if (now_us() - destination->written < SETTLE_US)
		usleep(SETTLE_US);
}

/* Under the lock. */
static void put(struct destination *destination, const struct hop *hop, bool known)
{
	known = known && !monitor_blocked();
	if (known != destination->known ||
	    (known && memcmp(&destination->hop, hop, sizeof(*hop)))) {
		maps_hop_put((uint32_t)(destination - nexthops.table), known ? hop : NULL);
		destination->written = now_us();
	}
	destination->hop = *hop;
	destination->known = known;
}

/* The neighbour by which an entry leads has another MAC, or none. */
static void rewrite(uint32_t entry, const uint8_t *mac)
{
	struct destination *destination = &nexthops.table[entry];
	struct hop hop;

	let_settle(destination);
	pthread_mutex_lock(&nexthops.lock);
	if (destination->routed) {
		hop = destination->hop;
		if (mac)
			memcpy(hop.eth, mac, 6);
		put(destination, &hop, mac);
	}
	pthread_mutex_unlock(&nexthops.lock);
}

/* Brings one entry up to date; its owner may have gone meanwhile. */
static void update_entry(uint32_t entry)
{
	struct destination *destination = &nexthops.table[entry];
	struct destination wanted;
	struct found_route way = { 0 };
	bool known, routed;

	pthread_mutex_lock(&nexthops.lock);
	wanted = *destination;
	pthread_mutex_unlock(&nexthops.lock);
	if (!wanted.users) {
		neighbour_leave(entry);
		return;
	}
	known = routed = route_lookup_find(&nexthops.resolver, wanted.family, &wanted.from, &wanted.to, &way) == 0;
	if (!routed || way.hop.flags & HOP_LOCAL)
		neighbour_leave(entry);
	else
		known = neighbour_join(entry, way.gateway_family, way.ifindex, &way.gateway,
				       way.hop.eth) == 0;
	let_settle(destination);
	pthread_mutex_lock(&nexthops.lock);
	if (destination->users && leads(destination, wanted.family, &wanted.from, &wanted.to)) {
		destination->routed = routed;
		put(destination, &way.hop, known);
	}
	pthread_mutex_unlock(&nexthops.lock);
}

static bool next_fresh(uint32_t *entry)
{
	struct destination *destination;
	uint32_t index;

	pthread_mutex_lock(&nexthops.lock);
	index = nexthops.fresh_first;
	if (index) {
		destination = &nexthops.table[index - 1];
		destination->fresh = false;
		nexthops.fresh_first = destination->next_fresh;
		*entry = index - 1;
	}
	pthread_mutex_unlock(&nexthops.lock);
	return index;
}

/* ---- what the thread calls ---- */

static void all_changed(void)
{
	nexthops.left = __atomic_load_n(&nexthops.used, __ATOMIC_ACQUIRE);
}

static bool covers(const union abi_addr *prefix, uint8_t length, const union abi_addr *address)
{
	unsigned int whole = length / 8, rest = length % 8;

	return !memcmp(prefix->v6, address->v6, whole) &&
	       (!rest || !((prefix->v6[whole] ^ address->v6[whole]) >> (8 - rest)));
}

/*
 * Entries to what the route covers, or from it, as it may make an address ours, are
 * updated next; if there are many, all are, and new entries need not wait for them.
 */
static void route_changed(int family, const union abi_addr *prefix, uint8_t length)
{
	uint32_t used = __atomic_load_n(&nexthops.used, __ATOMIC_ACQUIRE), entry = 0, found = 0;

	while (entry < used && found < PIECE) {
		pthread_mutex_lock(&nexthops.lock);
		for (uint32_t i = 0; i < PIECE && entry < used; i++, entry++) {
			const struct destination *destination = &nexthops.table[entry];

			if (!destination->users || destination->family != family ||
			    !(covers(prefix, length, &destination->to) || covers(prefix, length, &destination->from)))
				continue;
			add_fresh(entry + 1);
			found++;
		}
		pthread_mutex_unlock(&nexthops.lock);
	}
	if (entry < used)
		all_changed();
}

static uint32_t refresh(void)
{
	uint32_t used = __atomic_load_n(&nexthops.used, __ATOMIC_ACQUIRE);
	uint32_t piece = used < PIECE ? used : PIECE;

	if (nexthops.left < piece)
		nexthops.left = piece;
	return used / PIECE + 1;
}

static bool update(void)
{
	uint32_t used, entry, count;

	route_lookup_forget(&nexthops.resolver);
	neighbour_forget();
	for (count = 0; count < PIECE && next_fresh(&entry); count++)
		update_entry(entry);
	used = __atomic_load_n(&nexthops.used, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < PIECE && nexthops.left; i++) {
		if (nexthops.cursor >= used)
			nexthops.cursor = 0;
		nexthops.left--;
		update_entry(nexthops.cursor++);
	}
	return nexthops.left || count == PIECE;
}

/* ---- starting and ending ---- */

static uint32_t power_of_two_from(uint32_t number)
{
	uint32_t power = 16;

	while (power < number)
		power *= 2;
	return power;
}

/* Frees what nexthop_start has made so far. */
static void clear(void)
{
	neighbour_stop();
	route_lookup_close(&nexthops.resolver);
	free(nexthops.table);
	free(nexthops.buckets);
	nexthops.table = NULL;
	nexthops.buckets = NULL;
	nexthops.entries = nexthops.used = 0;
	nexthops.free_first = nexthops.free_last = nexthops.free_count = 0;
	nexthops.fresh_first = nexthops.fresh_last = 0;
	nexthops.cursor = nexthops.left = 0;
}

int nexthop_start(uint32_t entries, const struct nexthop_callbacks *callbacks)
{
	const struct monitor_callbacks watch = {
		.neighbour_changed = neighbour_changed,
		.route_changed = route_changed,
		.all_changed = all_changed,
		.links_changed = callbacks->links_changed,
		.refresh = refresh,
		.update = update,
	};
	uint32_t buckets = power_of_two_from(entries);
	int error = -ENOMEM;

	nexthops.entries = entries;
	nexthops.bucket_mask = buckets - 1;
	nexthops.table = calloc(entries, sizeof(*nexthops.table));
	nexthops.buckets = calloc(buckets, sizeof(*nexthops.buckets));
	if (!nexthops.table || !nexthops.buckets)
		goto failed;
	error = route_lookup_open(&nexthops.resolver, callbacks->device_flags);
	if (error)
		goto failed;
	error = neighbour_start(entries, nexthops.resolver.questions, rewrite);
	if (error)
		goto failed;
	error = monitor_start(&watch);
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
