/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct text unit_count(uint64_t number)
{
	struct text digits, text;
	size_t length, used = 0;

	snprintf(digits.text, sizeof(digits.text), "%" PRIu64, number);
	length = strlen(digits.text);
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text.text[used++] = ',';
		text.text[used++] = digits.text[i];
	}
	text.text[used] = '\0';
	return text;
}

/* One digit behind the point, but for numbers that are whole. */
static struct text scaled(double number, const char *unit)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T", "P", "E" };
	struct text text;
	size_t i = 0;

	/* What would be shown as 1000.0 is the next prefix's 1.0. */
	for (; number >= (i ? 999.95 : 999.5) && i + 1 < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		number /= 1000;
	snprintf(text.text, sizeof(text.text), "%.*f %s%s", i ? 1 : 0, number, prefixes[i], unit);
	return text;
}

struct text unit_bytes(uint64_t bytes)
{
	return scaled((double)bytes, "B");
}

struct text unit_bits(double per_second)
{
	return scaled(per_second, "bit/s");
}

struct text unit_rate(double per_second)
{
	struct text text;

	if (per_second >= 99.95 || per_second < 0.05)
		return unit_count((uint64_t)(per_second + 0.5));
	snprintf(text.text, sizeof(text.text), "%.1f", per_second);
	return text;
}

struct text unit_time(uint64_t nanoseconds)
{
	uint64_t seconds = nanoseconds / 1000000000, minutes = seconds / 60, hours = minutes / 60;
	struct text text;

	if (hours >= 48)
		snprintf(text.text, sizeof(text.text), "%" PRIu64 "d %" PRIu64 "h", hours / 24, hours % 24);
	else if (hours)
		snprintf(text.text, sizeof(text.text), "%" PRIu64 "h %02" PRIu64 "m", hours, minutes % 60);
	else if (minutes)
		snprintf(text.text, sizeof(text.text), "%" PRIu64 "m %02" PRIu64 "s", minutes, seconds % 60);
	else
		snprintf(text.text, sizeof(text.text), "%" PRIu64 "s", seconds);
	return text;
}

struct text unit_address(const struct transport *transport)
{
	struct text text;

	if (!inet_ntop(transport->family, &transport->address, text.text, sizeof(text.text)))
		snprintf(text.text, sizeof(text.text), "?");
	return text;
}

struct text unit_transport(const struct transport *transport)
{
	struct text address = unit_address(transport), text;

	snprintf(text.text, sizeof(text.text), transport->family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u",
		 address.text, transport->port);
	return text;
}

void unit_clean(char *line)
{
	for (; *line; line++) {
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
	}
}
