/* SPDX-License-Identifier: BSD-3-Clause */
/* In which order channels are shown. Pure. */
#ifndef OFFLOAD_XDP_UTILS_SORT_H
#define OFFLOAD_XDP_UTILS_SORT_H

#include <stdbool.h>

#include "channels.h"

enum sort_key {
	SORT_RATE,
	SORT_PACKETS,
	SORT_BYTES,
	SORT_AGE,
	SORT_CLIENT,
	SORT_RELAY,
	SORT_PEER,
	SORT_NUMBER,
	SORT_KEYS,
};

/** The word for a key, such as "rate". NULL beyond the last one. */
const char *sort_key_name(enum sort_key key);

/** Reads such a word. 0, or -EINVAL, which leaves *key as it was. */
int sort_key_parse(const char *text, enum sort_key *key);

/**
 * Sorts: the largest figures, the longest ages, the lowest addresses and numbers
 * first, or last if `reverse`.
 */
void sort_channels(struct channel_list *channels, enum sort_key key, bool reverse);

#endif
