/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/destination.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So many free entries stay unused while there are entries that were never used. */
#define FREE_ENTRIES_KEPT 256

/* Lists hold indices of entries from 1; 0 ends a list. */
static struct {
	struct destination *table;
	uint32_t entries, used; /* entries that were ever used are the first ones of the table */
	uint32_t *buckets, bucket_mask;
	uint32_t free_first, free_last, free_count; /* a queue; the first has been free the longest */
	uint32_t queued_first, queued_last;         /* a queue of entries that are updated first */
} destinations;

static uint32_t power_of_two_from(uint32_t number)
{
	uint32_t power = 16;

	while (power < number)
		power *= 2;
	return power;
}

int destination_start(uint32_t entries)
{
	uint32_t buckets = power_of_two_from(entries);

	destinations.entries = entries;
	destinations.bucket_mask = buckets - 1;
	destinations.table = calloc(entries, sizeof(*destinations.table));
	destinations.buckets = calloc(buckets, sizeof(*destinations.buckets));
	if (destinations.table && destinations.buckets)
		return 0;
	destination_stop();
	return -ENOMEM;
}

void destination_stop(void)
{
	free(destinations.table);
	free(destinations.buckets);
	memset(&destinations, 0, sizeof(destinations));
}

struct destination *destination_at(uint32_t entry)
{
	return &destinations.table[entry];
}

uint32_t destination_used(void)
{
	return __atomic_load_n(&destinations.used, __ATOMIC_ACQUIRE);
}

bool destination_is(const struct destination *destination, const struct hop_path *path)
{
	return !memcmp(&destination->path, path, sizeof(*path));
}

/* Paths that differ only in the address that packets come in to share a bucket: few servers have many. */
static uint32_t *bucket_of(const struct hop_path *path)
{
	uint64_t hash = 0;

	for (int i = 0; i < 4; i++) {
		hash = (hash ^ path->from.word[i] ^ ((uint64_t)path->to.word[i] << 32)) * 0x9e3779b97f4a7c15ULL;
		/* The last bytes of an address differ most; the product has them at its top. */
		hash ^= hash >> 32;
	}
	return &destinations.buckets[hash & destinations.bucket_mask];
}

/* The index of an entry that nobody uses, or 0 if there is none. */
static uint32_t take_free(void)
{
	uint32_t index;

	if (destinations.free_count > FREE_ENTRIES_KEPT ||
	    (destinations.free_count && destinations.used == destinations.entries)) {
		index = destinations.free_first;
		destinations.free_first = destinations.table[index - 1].next;
		destinations.free_count--;
		return index;
	}
	if (destinations.used == destinations.entries)
		return 0;
	index = destinations.used + 1;
	__atomic_store_n(&destinations.used, index, __ATOMIC_RELEASE);
	return index;
}

static void give_free(uint32_t index)
{
	if (destinations.free_count++)
		destinations.table[destinations.free_last - 1].next = index;
	else
		destinations.free_first = index;
	destinations.free_last = index;
}

int destination_acquire(const struct hop_path *path, uint32_t *entry, bool *created)
{
	uint32_t *bucket = bucket_of(path), index = *bucket;
	struct destination *destination;

	while (index && !destination_is(&destinations.table[index - 1], path))
		index = destinations.table[index - 1].next;
	*created = !index;
	if (!index) {
		index = take_free();
		if (!index)
			return -ENOSPC;
		destination = &destinations.table[index - 1];
		destination->path = *path;
		destination->led = false;
		destination->led_ifindex = 0;
		destination->next = *bucket;
		*bucket = index;
		destination_queue(index - 1);
	}
	destinations.table[index - 1].users++;
	*entry = index - 1;
	return 0;
}

bool destination_release(uint32_t entry)
{
	struct destination *destination = &destinations.table[entry];
	uint32_t *link;

	if (--destination->users)
		return false;
	link = bucket_of(&destination->path);
	while (*link != entry + 1)
		link = &destinations.table[*link - 1].next;
	*link = destination->next;
	give_free(entry + 1);
	return true;
}

void destination_queue(uint32_t entry)
{
	struct destination *destination = &destinations.table[entry];

	/* An entry that has changed its destination may still be queued for the former one. */
	if (destination->queued)
		return;
	destination->queued = true;
	destination->next_queued = 0;
	if (destinations.queued_first)
		destinations.table[destinations.queued_last - 1].next_queued = entry + 1;
	else
		destinations.queued_first = entry + 1;
	destinations.queued_last = entry + 1;
}

bool destination_unqueue(uint32_t *entry)
{
	uint32_t index = destinations.queued_first;

	if (!index)
		return false;
	destinations.table[index - 1].queued = false;
	destinations.queued_first = destinations.table[index - 1].next_queued;
	*entry = index - 1;
	return true;
}
