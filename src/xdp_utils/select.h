/* SPDX-License-Identifier: BSD-3-Clause */
/* Which channels are shown, and in which order. Pure. */
#ifndef OFFLOAD_XDP_UTILS_SELECT_H
#define OFFLOAD_XDP_UTILS_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "channels.h"

/** An address, a prefix, an address with a port, or a port. */
struct pattern {
	bool set;
	uint8_t family; /* 0: any address */
	uint8_t bits;   /* that count */
	uint16_t port;  /* 0: any */
	union abi_addr address;
};

struct filter {
	struct pattern client, relay, peer;
	uint16_t number; /* 0: any */
};

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

/**
 * 192.0.2.1, 192.0.2.0/24, 192.0.2.1:3478, 2001:db8::/32, [2001:db8::1]:3478 or
 * :3478. 0 or -EINVAL.
 */
int pattern_parse(const char *text, struct pattern *pattern);

/** A channel number, as 16384 or 0x4000. 0 or -EINVAL. */
int number_parse(const char *text, uint16_t *number);

/** "rate", …; NULL beyond the last. */
const char *sort_key_name(enum sort_key key);

/** 0 or -EINVAL. */
int sort_key_parse(const char *text, enum sort_key *key);

/** Leaves those that match. */
void channels_filter(struct channel_list *channels, const struct filter *filter);

/** The largest numbers, the oldest or the lowest addresses first; or the other way round. */
void channels_sort(struct channel_list *channels, enum sort_key key, bool reverse);

#endif
