/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/egress.h"

#include <errno.h>
#include <string.h>

#include "base/words.h"

static struct egress *egresses;
static uint32_t uses[ABI_EGRESSES];

void egress_open(struct egress *shared)
{
	egresses = shared;
	memset(uses, 0, sizeof(uses));
}

/* Returns the egress that is like `wanted`, or else one that is free, or else ABI_EGRESSES. */
static unsigned int find(const struct egress *wanted)
{
	unsigned int free = ABI_EGRESSES;

	for (unsigned int i = 0; i < ABI_EGRESSES; i++) {
		if (uses[i] && !memcmp(&egresses[i], wanted, sizeof(*wanted)))
			return i;
		if (!uses[i] && free == ABI_EGRESSES)
			free = i;
	}
	return free;
}

int egress_take(const struct hop *hop, uint16_t *index)
{
	struct egress wanted;
	unsigned int found;

	egress_write(&wanted, hop);
	found = find(&wanted);
	if (found == ABI_EGRESSES)
		return -ENOSPC;
	if (!uses[found]++)
		words_put(&egresses[found], &wanted, sizeof(wanted));
	*index = (uint16_t)found;
	return 0;
}

void egress_give(uint16_t index)
{
	uses[index]--;
}
