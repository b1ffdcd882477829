/* SPDX-License-Identifier: BSD-3-Clause */
#include "nexthop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map.h"
#include "netlink.h"
#include "resolve.h"
#include "watch.h"

/* A row rests between two writes (see abi.h). */
#define SETTLE_US 1000
/* Rows that were given back stay unused while there are others. */
#define ROWS_AT_REST 256

struct destination {
	struct way way;
	struct hop hop; /* what the row holds, if way.known */
	bool stale;     /* the row is to be looked at again */
	uint32_t users;
	uint32_t next; /* in its bucket, or in the free list: index + 1, 0 ends */
};

static struct {
	pthread_mutex_t lock; /* of the table; not held while the kernel is asked */
	struct nexthop_callbacks callbacks;
	struct mnl_socket *questions;
	struct destination *table;
	uint32_t rows, used; /* rows ever used are the first of the table */
	uint32_t *buckets, bucket_mask;
	uint32_t free_first, free_last, free_count; /* a queue, longest free first */
} nexthops = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool leads(const struct way *way, int family, const union abi_addr *from,
		  const union abi_addr *to)
{
	return way->family == family && !memcmp(&way->from, from, sizeof(*from)) &&
	       !memcmp(&way->to, to, sizeof(*to));
}

static uint32_t *bucket_of(const union abi_addr *from, const union abi_addr *to)
{
	uint64_t hash = 0;

	for (int i = 0; i < 4; i++)
		hash = (hash ^ from->word[i] ^ ((uint64_t)to->word[i] << 32)) * 0x9e3779b97f4a7c15ULL;
	return &nexthops.buckets[(hash >> 32) & nexthops.bucket_mask];
}

int nexthop_acquire(int family, const union abi_addr *from, const union abi_addr *to, uint32_t *row)
{
	struct destination *destination;
	uint32_t *bucket, index;
	bool created = false;

	pthread_mutex_lock(&nexthops.lock);
	bucket = bucket_of(from, to);
	for (index = *bucket; index; index = nexthops.table[index - 1].next) {
		if (leads(&nexthops.table[index - 1].way, family, from, to))
			break;
	}
	if (!index) {
		if (nexthops.free_count > ROWS_AT_REST ||
		    (nexthops.free_count && nexthops.used == nexthops.rows)) {
			index = nexthops.free_first;
			nexthops.free_first = nexthops.table[index - 1].next;
			nexthops.free_count--;
		} else if (nexthops.used < nexthops.rows) {
			index = nexthops.used + 1;
			__atomic_store_n(&nexthops.used, index, __ATOMIC_RELEASE);
		} else {
			pthread_mutex_unlock(&nexthops.lock);
			return -ENOSPC;
		}
		destination = &nexthops.table[index - 1];
		memset(destination, 0, sizeof(*destination));
		destination->way.family = (uint8_t)family;
		destination->way.from = *from;
		destination->way.to = *to;
		__atomic_store_n(&destination->stale, true, __ATOMIC_RELEASE);
		destination->next = *bucket;
		*bucket = index;
		created = true;
	}
	nexthops.table[index - 1].users++;
	pthread_mutex_unlock(&nexthops.lock);
	if (created)
		watch_wake();
	*row = index - 1;
	return 0;
}

void nexthop_release(uint32_t row)
{
	struct destination *destination;
	uint32_t *link;

	pthread_mutex_lock(&nexthops.lock);
	destination = &nexthops.table[row];
	if (--destination->users == 0) {
		link = bucket_of(&destination->way.from, &destination->way.to);
		while (*link != row + 1)
			link = &nexthops.table[*link - 1].next;
		*link = destination->next;
		if (nexthops.free_count++)
			nexthops.table[nexthops.free_last - 1].next = row + 1;
		else
			nexthops.free_first = row + 1;
		nexthops.free_last = row + 1;
		destination->next = 0;
		if (destination->way.known)
			map_hop_put(row, NULL);
		destination->way.known = false;
	}
	pthread_mutex_unlock(&nexthops.lock);
}

/* Brings one row up to date; its owner may have gone meanwhile. */
static void update(uint32_t row)
{
	struct destination *destination = &nexthops.table[row];
	struct hop hop;
	struct way way;
	bool wanted, known;

	pthread_mutex_lock(&nexthops.lock);
	way = destination->way;
	wanted = destination->users && destination->stale;
	__atomic_store_n(&destination->stale, false, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&nexthops.lock);
	if (!wanted)
		return;
	known = way_find(nexthops.questions, nexthops.callbacks.device_abilities, &way, &hop) == 0 &&
		!watch_barred();

	pthread_mutex_lock(&nexthops.lock);
	if (destination->users && leads(&destination->way, way.family, &way.from, &way.to)) {
		if (known != destination->way.known ||
		    (known && memcmp(&destination->hop, &hop, sizeof(hop))))
			map_hop_put(row, known ? &hop : NULL);
		destination->way = way;
		destination->way.known = known;
		destination->hop = hop;
	}
	pthread_mutex_unlock(&nexthops.lock);
}

static void mark(uint32_t ifindex, const union abi_addr *gateway)
{
	pthread_mutex_lock(&nexthops.lock);
	for (uint32_t row = 0; row < nexthops.used; row++) {
		struct destination *destination = &nexthops.table[row];

		if (!gateway || (destination->way.ifindex == ifindex &&
				 !memcmp(&destination->way.gateway, gateway, sizeof(*gateway))))
			__atomic_store_n(&destination->stale, true, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&nexthops.lock);
}

/* Looks at the rows that may have changed. */
static void update_all(void)
{
	uint32_t used = __atomic_load_n(&nexthops.used, __ATOMIC_ACQUIRE);
	bool any = false;

	for (uint32_t row = 0; row < used; row++) {
		if (__atomic_load_n(&nexthops.table[row].stale, __ATOMIC_ACQUIRE)) {
			update(row);
			any = true;
		}
	}
	if (any)
		usleep(SETTLE_US);
}

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
	netlink_close(nexthops.questions);
	free(nexthops.table);
	free(nexthops.buckets);
	nexthops.questions = NULL;
	nexthops.table = NULL;
	nexthops.buckets = NULL;
	nexthops.rows = nexthops.used = 0;
	nexthops.free_first = nexthops.free_last = nexthops.free_count = 0;
}

int nexthop_start(uint32_t rows, const struct nexthop_callbacks *callbacks)
{
	const struct watch_callbacks watch = {
		.changed = mark,
		.links_changed = callbacks->links_changed,
		.update = update_all,
	};
	uint32_t buckets = power_of_two_from(rows);
	int error = -ENOMEM;

	nexthops.callbacks = *callbacks;
	nexthops.rows = rows;
	nexthops.bucket_mask = buckets - 1;
	nexthops.table = calloc(rows, sizeof(*nexthops.table));
	nexthops.buckets = calloc(buckets, sizeof(*nexthops.buckets));
	if (!nexthops.table || !nexthops.buckets)
		goto failed;
	nexthops.questions = netlink_open();
	error = nexthops.questions ? watch_start(&watch) : -errno;
	if (error)
		goto failed;
	return 0;
failed:
	clear();
	return error;
}

void nexthop_privileges_dropped(void)
{
	watch_privileges_dropped();
}

void nexthop_stop(void)
{
	watch_stop();
	clear();
}
