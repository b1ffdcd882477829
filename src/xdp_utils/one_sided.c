/* SPDX-License-Identifier: BSD-3-Clause */
#include "one_sided.h"

#include <stdbool.h>
#include <string.h>

/* A channel may be so old, and have relayed so much in one direction, before the other one says something. */
#define AGE_NS 10000000000ULL
#define PACKETS 100

static bool carries(const struct status *status, uint32_t ifindex)
{
	for (unsigned int i = 0; i < status->interfaces; i++) {
		if (status->interface[i].device_ifindex == ifindex && status->interface[i].mode != STATUS_MODE_NONE)
			return true;
	}
	return false;
}

/*
 * A direction on probation is not counted here, because the server counts it by its reason. Packets of a
 * direction are taken to come in by the device that those of the other one leave by.
 */
static void count(const struct channel_entry *entry, enum direction direction, const struct status *status,
		  struct one_sided *amiss)
{
	enum direction other = direction == TO_PEER ? TO_CLIENT : TO_PEER;
	uint32_t ifindex = entry->device[other];

	if (entry->direction[direction].used.packets || !entry->direction[direction].open)
		return;
	if (ifindex && !carries(status, ifindex)) {
		if (!amiss->no_program++)
			amiss->ifindex = ifindex;
	} else if (entry->direction[other].used.packets >= PACKETS) {
		amiss->none++;
	}
}

void one_sided_count(const struct channel_list *channels, const struct status *status, uint64_t taken,
		     struct one_sided amiss[DIRECTIONS])
{
	memset(amiss, 0, DIRECTIONS * sizeof(*amiss));
	for (size_t i = 0; i < channels->count; i++) {
		const struct channel_entry *entry = &channels->entry[i];

		if (!entry->alive || taken < entry->since + AGE_NS)
			continue;
		count(entry, TO_PEER, status, &amiss[TO_PEER]);
		count(entry, TO_CLIENT, status, &amiss[TO_CLIENT]);
	}
}
