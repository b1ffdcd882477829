/* SPDX-License-Identifier: BSD-3-Clause */
#include "select.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

static int number_within(const char *text, int base, unsigned long least, unsigned long most, unsigned long *number)
{
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, base);
	if (errno || *end || value < least || value > most)
		return -EINVAL;
	*number = value;
	return 0;
}

int number_parse(const char *text, uint16_t *number)
{
	unsigned long value;

	/* RFC 8656, section 12. */
	if (number_within(text, 0, 0x4000, 0x7fff, &value))
		return -EINVAL;
	*number = (uint16_t)value;
	return 0;
}

static int parse_port(const char *text, struct pattern *pattern)
{
	unsigned long port;

	if (number_within(text, 10, 1, 65535, &port))
		return -EINVAL;
	pattern->port = (uint16_t)port;
	return 0;
}

static int parse_address(const char *text, struct pattern *pattern)
{
	pattern->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	pattern->bits = pattern->family == AF_INET6 ? 128 : 32;
	return inet_pton(pattern->family, text, &pattern->address) == 1 ? 0 : -EINVAL;
}

static int parse_bits(const char *text, struct pattern *pattern)
{
	unsigned long bits;

	if (number_within(text, 10, 0, pattern->bits, &bits))
		return -EINVAL;
	pattern->bits = (uint8_t)bits;
	return 0;
}

/* Splits text in place at the last of `mark`; NULL if there is none. */
static char *split(char *text, char mark)
{
	char *at = strrchr(text, mark);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static int parse_words(char *address, struct pattern *pattern)
{
	char *bits, *port = NULL;
	int error;

	if (address[0] == '[') {
		port = split(address, ']');
		if (!port || *port++ != ':')
			return -EINVAL;
		address++;
		if (!strchr(address, ':'))
			return -EINVAL;
	} else if (strchr(address, ':') && strchr(address, ':') == strrchr(address, ':')) {
		port = split(address, ':');
	}
	if (port && parse_port(port, pattern))
		return -EINVAL;
	if (port && !address[0])
		return 0;
	bits = split(address, '/');
	error = parse_address(address, pattern);
	if (!error && bits)
		error = port ? -EINVAL : parse_bits(bits, pattern);
	return error;
}

int pattern_parse(const char *text, struct pattern *pattern)
{
	struct pattern parsed = { .set = true };
	char words[80];

	if (strlen(text) >= sizeof(words))
		return -EINVAL;
	snprintf(words, sizeof(words), "%s", text);
	if (parse_words(words, &parsed))
		return -EINVAL;
	*pattern = parsed;
	return 0;
}

/* ---- which match ---- */

static bool same_bits(const uint8_t *one, const uint8_t *other, unsigned int bits)
{
	unsigned int rest = bits % 8, whole = bits / 8;

	if (memcmp(one, other, whole))
		return false;
	return !rest || !((one[whole] ^ other[whole]) >> (8 - rest));
}

static bool pattern_fits(const struct pattern *pattern, const struct transport *transport)
{
	if (!pattern->set)
		return true;
	if (pattern->port && pattern->port != transport->port)
		return false;
	if (!pattern->family)
		return true;
	return pattern->family == transport->family &&
	       same_bits(pattern->address.v6, transport->address.v6, pattern->bits);
}

void channels_filter(struct channel_list *channels, const struct filter *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < channels->count; i++) {
		const struct channel_row *row = &channels->row[i];

		if (pattern_fits(&filter->client, &row->client) && pattern_fits(&filter->relay, &row->relay) &&
		    pattern_fits(&filter->peer, &row->peer) && (!filter->number || filter->number == row->number))
			channels->row[kept++] = *row;
	}
	channels->count = kept;
}

/* ---- order ---- */

static const char *const key_names[SORT_KEYS] = {
	"rate", "packets", "bytes", "age", "client", "relay", "peer", "number",
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

static double figure(const struct channel_row *row, enum sort_key key)
{
	const struct way *way = row->way;

	switch (key) {
	case SORT_RATE:
		return way[TO_PEER].bits_rate + way[TO_CLIENT].bits_rate;
	case SORT_PACKETS:
		return (double)(way[TO_PEER].used.packets + way[TO_CLIENT].used.packets);
	case SORT_BYTES:
		return (double)(way_data(row, TO_PEER) + way_data(row, TO_CLIENT));
	case SORT_AGE:
		return -(double)row->since;
	default:
		return 0;
	}
}

struct order {
	enum sort_key key;
	bool reverse;
};

/* Channels of the same figures are always in the same order. */
static int compare(const void *left, const void *right, void *data)
{
	const struct channel_row *one = left, *other = right;
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

void channels_sort(struct channel_list *channels, enum sort_key key, bool reverse)
{
	struct order order = { key, reverse };

	if (channels->count)
		qsort_r(channels->row, channels->count, sizeof(*channels->row), compare, &order);
}
