/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_config.h"
#include "check_find.h"
#include "check_host.h"
#include "check_interface.h"
#include "check_json.h"
#include "check_kernel.h"
#include "check_memory.h"
#include "check_network.h"
#include "check_options.h"
#include "check_privilege.h"
#include "check_report.h"
#include "check_target.h"
#include "check_text.h"
#include "loader.h"
#include "terminal.h"

#define CGROUPS "/sys/fs/cgroup"
#define COLUMNS_MAX 100 /* longer lines are hard to read */

static void check_privileges(const struct check_target *target, unsigned int release, uint64_t tables,
			     struct check_report *report)
{
	if (target->running)
		check_privilege_judge_server(target->pid, report);
	else if (target->unit.name[0])
		check_privilege_judge_unit(&target->unit, check_privilege_of_file(target->program), release, tables, report);
	else
		check_privilege_judge_user(target->program, report);
}

/* The names that the server has, which may have been found when its addresses were others. */
static void take_names(const struct status *status, struct check_names *names)
{
	for (names->count = 0; names->count < status->interfaces && names->count < ABI_ATTACHMENTS; names->count++)
		snprintf(names->name[names->count], IFNAMSIZ, "%.*s", STATUS_NAME - 1,
			 status->interface[names->count].name);
}

static void check_interfaces(const struct check_target *target, bool frags, struct check_interfaces *all,
			     struct check_report *report)
{
	const struct status *status = target->running ? &target->snapshot.status : NULL;
	struct check_names names = { 0 };
	int error;

	if (status && !status->interfaces)
		check_report_add(report, CHECK_NOTE, "interfaces", NULL,
				 "the server has just started, and has not told of its interfaces yet: run this again");
	if (status)
		take_names(status, &names);
	else
		check_find(&target->config, &target->settings, &names, report);
	error = check_interface_read(&names, target->settings.mode, frags, &target->list, all);
	if (error) {
		check_report_add(report, CHECK_STOP, "interfaces", NULL, "this host's interfaces cannot be listed: %s",
				 strerror(-error));
		return;
	}
	if (!status && target->settings.mode == OPTION_MODE_AUTO)
		check_interface_one_mode(all);
	check_interface_drop_optional(all);
	for (unsigned int i = 0; status && i < all->count; i++)
		all->interface[i].mode = status->interface[i].mode;
	check_network_judge(all, &target->settings, status, report);
}

static void check_memory(const struct check_target *target, uint64_t tables, struct check_report *report)
{
	uint64_t limit = check_memory_limit(target->cgroups, CGROUPS);

	/* The tables of a server that runs are there. */
	if (target->running)
		return;
	if (target->unit.memory < limit)
		limit = target->unit.memory;
	check_memory_judge(target->settings.channels, tables, check_memory_available(), limit, report);
}

static void check_all(struct check_target *target, struct check_interfaces *interfaces, struct check_report *report)
{
	struct check_kernel kernel;
	struct check_host host;
	uint64_t tables = 0;

	check_options_judge(&target->config, &target->settings, target->running, report);
	if (target->pid && !target->running && target->servers_seen && target->settings.enabled)
		check_report_add(report, CHECK_STOP, "server", NULL,
				 "the offload of turnserver (pid %u) is not on: it was started without it, or could not start it; "
				 "turnserver's log says why",
				 target->pid);
	if (!target->servers_seen)
		check_report_add(report, CHECK_NOTE, "server", NULL,
				 "whether a turnserver runs with the offload was not seen: run this as root");
	check_kernel_read(&kernel);
	check_kernel_judge(&kernel, report);
	loader_memory(target->settings.channels, &tables);
	check_privileges(target, kernel.number, tables, report);
	check_interfaces(target, kernel.frags || kernel.number >= 0x512, interfaces, report);
	check_host_read(target->running ? &target->snapshot.status : NULL, interfaces, &host);
	check_host_judge(&host, report);
	check_memory(target, tables, report);
}

static void write_heading(const struct check_target *target, char *text, size_t size)
{
	const char *file = target->config.file[0] ? target->config.file : "the default options";

	if (target->pid)
		snprintf(text, size, "turnserver (pid %u), %s", target->pid, file);
	else
		snprintf(text, size, "%s%s%s", file, target->unit.name[0] ? ", " : "", target->unit.name);
}

int check_run(const struct arguments *arguments)
{
	static struct check_interfaces interfaces;
	static struct check_report report;
	static struct check_target target;
	struct json json = { .out = stdout };
	char heading[PATH_MAX + 128];
	unsigned int columns = (unsigned int)terminal_size().columns;
	int status = check_target_find(arguments, &target, &report);

	if (status)
		return status;
	check_all(&target, &interfaces, &report);
	if (arguments->json) {
		check_json_write(&json, &target, &interfaces, &report);
		putchar('\n');
	} else {
		write_heading(&target, heading, sizeof(heading));
		check_text_write(stdout, heading, &report, columns < COLUMNS_MAX ? columns : COLUMNS_MAX);
	}
	check_target_free(&target);
	return check_report_worst(&report) == CHECK_STOP ? EXIT_FAILURE : EXIT_SUCCESS;
}
