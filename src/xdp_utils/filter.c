/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int filter_session_parse(const char *text, uint64_t *session)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || text[strspn(text, "0123456789")] || !value)
		return -EINVAL;
	*session = value;
	return 0;
}

/* Names that are too long are cut in the table. */
static bool session_matches(const struct filter *filter, const struct session_entry *session)
{
	if (filter->user && (!session->id || strncmp(filter->user, session->user, SESSION_NAME - 1)))
		return false;
	return !filter->session || filter->session == session->id;
}

void filter_channels(struct channel_list *channels, const struct filter *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < channels->count; i++) {
		const struct channel_entry *entry = &channels->entry[i];

		if (session_matches(filter, &entry->session) && pattern_matches(&filter->client, &entry->client) && pattern_matches(&filter->relay, &entry->relay) &&
		    pattern_matches(&filter->peer, &entry->peer) && (!filter->number || filter->number == entry->number))
			channels->entry[kept++] = *entry;
	}
	channels->count = kept;
}
