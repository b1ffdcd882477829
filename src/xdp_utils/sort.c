/* SPDX-License-Identifier: BSD-3-Clause */
#include "sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const key_names[SORT_KEYS] = {
	"rate",
	"packets",
	"bytes",
	"age",
	"client",
	"relay",
	"peer",
	"number",
};

const char *sort_key_name(enum sort_key key)
{
	return key < SORT_KEYS ? key_names[key] : NULL;
}

int sort_key_parse(const char *text, enum sort_key *key)
{
	for (int i = 0; i < SORT_KEYS; i++) {
		if (!strcmp(text, key_names[i])) {
			*key = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* What a key sorts by, if that is a figure: the largest comes first. */
static double figure(const struct channel_entry *entry, enum sort_key key)
{
	const struct direction_figures *direction = entry->direction;

	switch (key) {
	case SORT_RATE:
		return direction[TO_PEER].bits_per_second + direction[TO_CLIENT].bits_per_second;
	case SORT_PACKETS:
		return (double)(direction[TO_PEER].used.packets + direction[TO_CLIENT].used.packets);
	case SORT_BYTES:
		return (double)(channels_data(entry, TO_PEER) + channels_data(entry, TO_CLIENT));
	case SORT_AGE:
		return -(double)entry->since;
	default:
		return 0;
	}
}

struct order {
	enum sort_key key;
	bool reverse;
};

/* Channels with the same figures are ordered by client and number, so that they do not change places. */
static int compare(const void *left, const void *right, void *data)
{
	const struct channel_entry *one = left, *other = right;
	const struct order *wanted = data;
	double more = figure(other, wanted->key) - figure(one, wanted->key);
	int order = (more > 0) - (more < 0);

	if (wanted->key == SORT_RELAY)
		order = transport_compare(&one->relay, &other->relay);
	else if (wanted->key == SORT_PEER)
		order = transport_compare(&one->peer, &other->peer);
	else if (wanted->key == SORT_NUMBER)
		order = one->number - other->number;
	if (wanted->reverse)
		order = -order;
	if (!order) {
		order = transport_compare(&one->client, &other->client);
		if (!order)
			order = one->number - other->number;
		if (wanted->key == SORT_CLIENT && wanted->reverse)
			order = -order;
	}
	return order;
}

void sort_channels(struct channel_list *channels, enum sort_key key, bool reverse)
{
	struct order order = { key, reverse };

	if (channels->count)
		qsort_r(channels->entry, channels->count, sizeof(*channels->entry), compare, &order);
}
