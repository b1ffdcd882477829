/* SPDX-License-Identifier: BSD-3-Clause */
#include "pattern.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

static int parse_port(const char *text, struct pattern *pattern)
{
	unsigned long port;

	if (number_parse(text, 10, 1, 65535, &port))
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

	if (number_parse(text, 10, 0, pattern->bits, &bits))
		return -EINVAL;
	pattern->bits = (uint8_t)bits;
	return 0;
}

/* Cuts the text at the last `mark`, and returns what follows it. NULL if there is no mark. */
static char *split(char *text, char mark)
{
	char *at = strrchr(text, mark);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

/* `address` is cut into its parts in place. */
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

static bool same_bits(const uint8_t *one, const uint8_t *other, unsigned int bits)
{
	unsigned int rest = bits % 8, whole = bits / 8;

	if (memcmp(one, other, whole))
		return false;
	return !rest || !((one[whole] ^ other[whole]) >> (8 - rest));
}

bool pattern_matches(const struct pattern *pattern, const struct transport *transport)
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
