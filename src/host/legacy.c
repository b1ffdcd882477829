/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/small_file.h"

/* The files of IPv4 and IPv6, once they could be opened: the server may give up what it takes to open them. */
static int kept[2] = { -1, -1 };
/* The folder /proc/net, which takes long to find. */
static int net = -1;

void legacy_forget(void)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		small_file_close(&kept[i]);
	small_file_close(&net);
}

/*
 * The names of a file that has one in each line, with blanks between them: as many as there are kinds of
 * tables, so one read(2) has them all. 0 or -errno.
 */
static int read_names(int *file, const char *path, char *names, size_t size)
{
	int error = small_file_read_again(file, path, names, size);
	size_t length = strlen(names);

	if (error)
		return error;
	if (length && names[length - 1] == '\n')
		names[length - 1] = '\0';
	for (char *end = strchr(names, '\n'); end; end = strchr(end, '\n'))
		*end = ' ';
	return 0;
}

struct tables {
	const char *path;   /* of the names of the tables in use; there is none without the module */
	const char *module; /* without it there are no tables */
	const char *kinds[5];
	uint32_t examined, nat;
	const char *program;
};

/*
 * Only root can read the file. For others, the modules of the single kinds of tables say
 * whether there can be any, but not if legacy iptables is built into the kernel.
 */
static bool can_have(const struct tables *tables)
{
	if (access(tables->module, F_OK))
		return true;
	for (size_t i = 0; i < sizeof(tables->kinds) / sizeof(tables->kinds[0]); i++) {
		if (!access(tables->kinds[i], F_OK))
			return true;
	}
	return false;
}

static int look_at(struct survey *survey, const struct tables *tables, int *file)
{
	char names[256];
	int error = read_names(file, tables->path, names, sizeof(names));

	if (error == -ENOENT || (error == -EACCES && !can_have(tables)))
		return 0;
	if (error == -EACCES) {
		survey_found(survey, tables->examined | tables->nat, "%s: cannot be read", tables->program);
		return 0;
	}
	if (error)
		return error;
	if (!names[0])
		return 0;
	survey_mix(survey, names, strlen(names));
	survey_found(survey, tables->examined | (strstr(names, "nat") ? tables->nat : 0), "%s: %s", tables->program, names);
	return 0;
}

int legacy_look_at_tables(struct survey *survey)
{
#define MODULE(name) "/sys/module/" name
	static const struct tables ipv4 = {
		.path = "/proc/net/ip_tables_names",
		.module = MODULE("ip_tables"),
		.kinds = { MODULE("iptable_filter"), MODULE("iptable_nat"), MODULE("iptable_mangle"),
			   MODULE("iptable_raw"), MODULE("iptable_security") },
		.examined = SURVEY_EXAMINED_V4,
		.nat = SURVEY_NAT_V4,
		.program = "legacy iptables",
	};
	static const struct tables ipv6 = {
		.path = "/proc/net/ip6_tables_names",
		.module = MODULE("ip6_tables"),
		.kinds = { MODULE("ip6table_filter"), MODULE("ip6table_nat"), MODULE("ip6table_mangle"),
			   MODULE("ip6table_raw"), MODULE("ip6table_security") },
		.examined = SURVEY_EXAMINED_V6,
		.nat = SURVEY_NAT_V6,
		.program = "legacy ip6tables",
	};
	int error = look_at(survey, &ipv4, &kept[0]);
	int error6 = look_at(survey, &ipv6, &kept[1]);

	return error ? error : error6;
}

/* NULL with errno if it cannot be opened. */
static FILE *open_ipvs(void)
{
	int file;
	FILE *stream;

	if (net < 0)
		net = open("/proc/net", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (net < 0)
		return NULL;
	file = openat(net, "ip_vs", O_RDONLY | O_CLOEXEC);
	stream = file >= 0 ? fdopen(file, "r") : NULL;
	if (file >= 0 && !stream)
		close(file);
	return stream;
}

/* Lines of services begin with the protocol; a service by mark (FWM) takes every protocol. */
int legacy_look_at_ipvs(struct survey *survey)
{
	unsigned int services = 0;
	char line[256];
	FILE *file = open_ipvs();

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "UDP ", 4) || !strncmp(line, "FWM ", 4))
			services++;
	}
	fclose(file);
	survey_mix(survey, &services, sizeof(services));
	if (services)
		survey_found(survey, SURVEY_EXAMINED | SURVEY_NAT, "IPVS: %u service%s", services, services == 1 ? "" : "s");
	return 0;
}
