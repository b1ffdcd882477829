/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/neighbour.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/rtnetlink.h"

/* Lists hold indices from 1; 0 ends a list. */
struct neighbour {
	union abi_addr address;
	uint32_t ifindex;
	uint8_t family;
	uint8_t mac[6];
	bool known;           /* the kernel knows `mac` */
	bool probed;          /* the kernel was made to resolve it since it was last known */
	uint32_t round;       /* in which the kernel was last asked about it */
	uint32_t first_entry; /* of those that lead to it */
	uint32_t next;        /* in its bucket, or in the list of free ones */
};

struct member {
	uint32_t neighbour;      /* that the entry leads to; 0: none */
	uint32_t next, previous; /* entries that lead to the same neighbour */
};

static struct {
	struct mnl_socket *questions;
	void (*changed)(uint32_t entry, const uint8_t *mac);
	struct neighbour *table; /* as many as entries, so there is always room */
	struct member *members;  /* one for each entry, from 1 on */
	uint32_t *buckets, bucket_mask;
	uint32_t used, free; /* how many were ever used, and the first free one of these */
	uint32_t round;      /* neighbour_forget begins the next one */
} neighbours;

int neighbour_start(uint32_t entries, struct mnl_socket *questions,
		    void (*changed)(uint32_t entry, const uint8_t *mac))
{
	uint32_t buckets = 16;

	while (buckets < entries)
		buckets *= 2;
	memset(&neighbours, 0, sizeof(neighbours));
	neighbours.questions = questions;
	neighbours.changed = changed;
	neighbours.round = 1;
	neighbours.bucket_mask = buckets - 1;
	neighbours.table = calloc(entries + 1, sizeof(*neighbours.table));
	neighbours.members = calloc(entries + 1, sizeof(*neighbours.members));
	neighbours.buckets = calloc(buckets, sizeof(*neighbours.buckets));
	if (neighbours.table && neighbours.members && neighbours.buckets)
		return 0;
	neighbour_stop();
	return -ENOMEM;
}

void neighbour_stop(void)
{
	free(neighbours.table);
	free(neighbours.members);
	free(neighbours.buckets);
	memset(&neighbours, 0, sizeof(neighbours));
}

void neighbour_forget(void)
{
	neighbours.round++;
}

static uint32_t *bucket_of(uint32_t ifindex, const union abi_addr *address)
{
	uint64_t hash = ifindex;

	for (int i = 0; i < 4; i++) {
		hash = (hash ^ address->word[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return &neighbours.buckets[hash & neighbours.bucket_mask];
}

/* The index of a neighbour, or 0 if it is not there. */
static uint32_t find(int family, uint32_t ifindex, const union abi_addr *address)
{
	uint32_t index = *bucket_of(ifindex, address);

	for (; index; index = neighbours.table[index].next) {
		const struct neighbour *neighbour = &neighbours.table[index];

		if (neighbour->ifindex == ifindex && neighbour->family == family &&
		    !memcmp(&neighbour->address, address, sizeof(*address)))
			break;
	}
	return index;
}

static uint32_t add(int family, uint32_t ifindex, const union abi_addr *address)
{
	uint32_t *bucket = bucket_of(ifindex, address);
	uint32_t index = neighbours.free;

	if (index)
		neighbours.free = neighbours.table[index].next;
	else
		index = ++neighbours.used;
	neighbours.table[index] = (struct neighbour){
		.address = *address,
		.ifindex = ifindex,
		.family = (uint8_t)family,
		.next = *bucket,
	};
	*bucket = index;
	return index;
}

static void drop(uint32_t index)
{
	struct neighbour *neighbour = &neighbours.table[index];
	uint32_t *link = bucket_of(neighbour->ifindex, &neighbour->address);

	while (*link != index)
		link = &neighbours.table[*link].next;
	*link = neighbour->next;
	neighbour->next = neighbours.free;
	neighbours.free = index;
}

/* If this fails, the kernel resolves the neighbour later, when coturn itself sends a packet to it. */
static void probe(const struct neighbour *neighbour)
{
	rtnetlink_probe(neighbours.questions, neighbour->family, neighbour->ifindex, &neighbour->address);
}

/*
 * Asks the kernel what it knows of a neighbour now, and tells the entries if that has changed. 0; or -ETIMEDOUT without
 * an answer: then what was known goes on.
 */
static int ask(struct neighbour *neighbour)
{
	uint8_t mac[6] = { 0 };
	bool stale = false, changed;
	int error = rtnetlink_neighbour(neighbours.questions, neighbour->family, neighbour->ifindex,
					&neighbour->address, mac, &stale);

	if (error == -ETIMEDOUT)
		return error;
	neighbour->round = neighbours.round;
	if (error == -EHOSTUNREACH && !neighbour->probed) {
		neighbour->probed = true;
		probe(neighbour);
	} else if (!error) {
		neighbour->probed = false;
		if (stale)
			probe(neighbour);
	}
	changed = neighbour->known != !error || (!error && memcmp(neighbour->mac, mac, sizeof(mac)));
	neighbour->known = !error;
	memcpy(neighbour->mac, mac, sizeof(mac));
	if (!changed)
		return 0;
	for (uint32_t entry = neighbour->first_entry; entry; entry = neighbours.members[entry].next)
		neighbours.changed(entry - 1, neighbour->known ? neighbour->mac : NULL);
	return 0;
}

void neighbour_leave(uint32_t entry)
{
	struct member *member = &neighbours.members[entry + 1];
	struct neighbour *neighbour = &neighbours.table[member->neighbour];

	if (!member->neighbour)
		return;
	if (member->previous)
		neighbours.members[member->previous].next = member->next;
	else
		neighbour->first_entry = member->next;
	if (member->next)
		neighbours.members[member->next].previous = member->previous;
	if (!neighbour->first_entry)
		drop(member->neighbour);
	memset(member, 0, sizeof(*member));
}

static void enter(uint32_t entry, uint32_t index)
{
	struct member *member = &neighbours.members[entry + 1];
	struct neighbour *neighbour = &neighbours.table[index];

	*member = (struct member){ .neighbour = index, .next = neighbour->first_entry };
	if (member->next)
		neighbours.members[member->next].previous = entry + 1;
	neighbour->first_entry = entry + 1;
}

int neighbour_join(uint32_t entry, int family, uint32_t ifindex, const union abi_addr *address,
		   uint8_t mac[6])
{
	uint32_t index = find(family, ifindex, address);
	struct neighbour *neighbour;
	int error = 0;
	bool joins = !index || neighbours.members[entry + 1].neighbour != index;

	if (joins)
		neighbour_leave(entry);
	if (!index)
		index = add(family, ifindex, address);
	neighbour = &neighbours.table[index];
	/* For an entry that is new here the kernel is made to try once more. */
	if (joins && !neighbour->known)
		neighbour->probed = false;
	if (neighbour->round != neighbours.round || !(neighbour->known || neighbour->probed))
		error = ask(neighbour);
	/* Not before ask(): it would write this MAC into the entry, whose route is still the former one. */
	if (joins)
		enter(entry, index);
	if (!neighbour->known)
		return error ? error : -EHOSTUNREACH;
	memcpy(mac, neighbour->mac, sizeof(neighbour->mac));
	return 0;
}

void neighbour_changed(int family, uint32_t ifindex, const union abi_addr *address)
{
	uint32_t index = find(family, ifindex, address);

	if (index)
		ask(&neighbours.table[index]);
}
