/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter.h"

#include <errno.h>

#include "number.h"

int filter_number_parse(const char *text, uint16_t *number)
{
	unsigned long value;

	/* RFC 8656, section 12. */
	if (number_parse(text, 0, 0x4000, 0x7fff, &value))
		return -EINVAL;
	*number = (uint16_t)value;
	return 0;
}

void filter_channels(struct channel_list *channels, const struct filter *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < channels->count; i++) {
		const struct channel_entry *entry = &channels->entry[i];

		if (pattern_matches(&filter->client, &entry->client) && pattern_matches(&filter->relay, &entry->relay) &&
		    pattern_matches(&filter->peer, &entry->peer) && (!filter->number || filter->number == entry->number))
			channels->entry[kept++] = *entry;
	}
	channels->count = kept;
}
