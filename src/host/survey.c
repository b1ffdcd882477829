/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/survey.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/small_file.h"
#include "host/cgroup.h"
#include "host/legacy.h"
#include "host/nftables.h"
#include "host/path_filter.h"
#include "host/tc.h"

/* FNV-1a, 64 bits: it has to tell one state of the host from another, and nobody gains by a collision. */
#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

void survey_mix(struct survey *survey, const void *data, size_t size)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < size; i++)
		survey->signature = (survey->signature ^ byte[i]) * FNV_PRIME;
}

void survey_found(struct survey *survey, uint32_t flags, const char *format, ...)
{
	size_t used = strlen(survey->text);
	va_list args;

	survey->flags |= flags;
	if (used)
		used += (size_t)snprintf(survey->text + used, sizeof(survey->text) - used, "; ");
	if (used >= sizeof(survey->text))
		return;
	va_start(args, format);
	vsnprintf(survey->text + used, sizeof(survey->text) - used, format, args);
	va_end(args);
}

/* What stands behind a flag: each looks at one thing, and says what could not be read. */
static const struct {
	const char *what;
	uint32_t flags; /* that it counts as if it cannot be read */
	int (*look)(struct survey *survey);
} looks[] = {
	{ "nf_tables", SURVEY_EXAMINED | SURVEY_NAT, nftables_look },
	{ "iptables", SURVEY_EXAMINED | SURVEY_NAT, legacy_look_at_tables },
	{ "IPVS", SURVEY_EXAMINED | SURVEY_NAT, legacy_look_at_ipvs },
	{ "cgroup", SURVEY_EXAMINED | SURVEY_NAT, cgroup_look },
	{ "rp_filter", SURVEY_EXAMINED_V4, path_filter_look },
	{ "tc", SURVEY_EXAMINED | SURVEY_NAT, tc_look },
};

int survey_take(struct survey *survey)
{
	static unsigned int timeout;
	int first = 0;

	*survey = (struct survey){ .signature = FNV_OFFSET };
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		int error = looks[i].look(survey);

		if (!error)
			continue;
		survey_found(survey, looks[i].flags, "%s: cannot be read (%s)", looks[i].what, strerror(-error));
		survey_mix(survey, &error, sizeof(error));
		if (!first)
			first = error;
	}
	/* The period of the samples depends on it. On a free host there are none, so the last one that was read does. */
	if (survey->flags || !timeout)
		timeout = survey_udp_timeout();
	survey_mix(survey, &timeout, sizeof(timeout));
	return first;
}

void survey_forget(void)
{
	nftables_forget();
	legacy_forget();
	cgroup_forget();
}

struct mnl_socket *survey_listen(void)
{
	return nftables_listen();
}

bool survey_heard(struct mnl_socket *socket)
{
	return nftables_heard(socket);
}

unsigned int survey_udp_timeout(void)
{
	unsigned int seconds;
	char text[16];

	if (small_file_read("/proc/sys/net/netfilter/nf_conntrack_udp_timeout", text, sizeof(text)) ||
	    sscanf(text, "%u", &seconds) != 1)
		return 30;
	return seconds;
}
