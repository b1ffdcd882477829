/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_network.h"

#include <stdio.h>
#include <string.h>

#define DISPATCHER "xdp_dispatcher" /* the program of libxdp's dispatcher */

static void describe(const struct check_interface *interface, char *text, size_t size)
{
	char queues[32] = "";
	bool below = interface->device[0] && strcmp(interface->device, interface->name) != 0;

	if (interface->queues)
		snprintf(queues, sizeof(queues), ", %u queue%s", interface->queues, interface->queues > 1 ? "s" : "");
	snprintf(text, size, "(%s%s%s, mtu %u%s)", interface->driver[0] ? interface->driver : "driver unknown",
		 below ? " of " : "", below ? interface->device : "", interface->mtu, queues);
}

/* What frees a device from the program that it carries. */
static void detach_command(const struct check_interface *interface, char *command, size_t size)
{
	if (interface->program.link)
		snprintf(command, size, "bpftool link detach id %u", interface->program.link);
	else
		snprintf(command, size, "ip link set dev %s %s off", interface->device,
			 interface->program.mode == STATUS_MODE_GENERIC ? "xdpgeneric" : "xdpdrv");
}

static bool is_occupied(const struct check_interface *interface)
{
	return interface->program.id && !interface->program.pid;
}

static void judge_none(const struct check_interface *interface, enum check_level level, struct check_report *report)
{
	const char *native = interface->why_native, *generic = interface->why_generic;
	bool both = native[0] && generic[0] && strcmp(native, generic) != 0;
	char command[160] = "";

	if (is_occupied(interface) && !strcmp(interface->program.name, DISPATCHER)) {
		check_report_add(report, CHECK_NOTE, interface->name, NULL,
				 "libxdp's dispatcher (program id %u) is there: the program joins it if the dispatcher takes it, and "
				 "else the interface is left out",
				 interface->program.id);
		return;
	}
	if (is_occupied(interface))
		detach_command(interface, command, sizeof(command));
	else if (interface->merges)
		snprintf(command, sizeof(command), "ethtool -K %s rx-gro-list off rx-udp-gro-forwarding off", interface->name);
	else if (interface->command[0])
		snprintf(command, sizeof(command), "%s", interface->command);
	check_report_add(report, level, interface->name, command,
			 "left out, channels over it are relayed in userspace: %s%s%s%s", both ? "no native mode: " : "",
			 native[0] ? native : generic, both ? "; no generic mode: " : "", both ? generic : "");
}

static void judge_one(const struct check_interface *interface, enum check_level none, struct check_report *report)
{
	char what[128], server[160] = "";

	describe(interface, what, sizeof(what));
	if (interface->program.pid)
		snprintf(server, sizeof(server), ", once turnserver (pid %u%s), whose program is there now, has ended",
			 interface->program.pid, interface->program.pid_seen ? "" : ", not seen: it has ended, or runs in another PID namespace");
	if (interface->mode == STATUS_MODE_NATIVE)
		check_report_add(report, CHECK_OK, interface->name, NULL, "native mode is possible%s%s %s%s%s",
				 interface->members[0] ? " by " : "", interface->members, what, server,
				 interface->resets ? "; attaching resets the card, so that all its traffic pauses for a moment" : "");
	else if (interface->mode == STATUS_MODE_GENERIC)
		check_report_add(report, interface->why_native[0] ? CHECK_NOTE : CHECK_OK, interface->name, interface->command,
				 "generic mode %s%s%s%s", what, server, interface->why_native[0] ? ": " : "",
				 interface->why_native);
	else
		judge_none(interface, none, report);
}

/* The mode that it has. The server has written the reason. */
static void judge_running(const struct check_interface *interface, const struct status_interface *shown,
			  enum check_level none, struct check_report *report)
{
	char what[128], line[STATUS_LINE + 1] = "", command[160] = "";
	enum check_level level = CHECK_OK;

	describe(interface, what, sizeof(what));
	memcpy(line, shown->line, STATUS_LINE);
	if (shown->mode == STATUS_MODE_NONE)
		level = none;
	else if (shown->mode == STATUS_MODE_GENERIC && strchr(line, ':'))
		level = CHECK_NOTE;
	if (shown->mode == STATUS_MODE_NONE && is_occupied(interface))
		detach_command(interface, command, sizeof(command));
	check_report_add(report, level, interface->name, command, "%s %s", line, what);
}

/* What is worth a row of its own, whatever the mode. */
static void judge_more(const struct check_interface *interface, struct check_report *report)
{
	char command[160];

	if (!interface->ifindex)
		return;
	if (!interface->up) {
		snprintf(command, sizeof(command), "ip link set dev %s up", interface->name);
		check_report_add(report, CHECK_NOTE, interface->name, command,
				 "the interface is down: channels over it are relayed once it is up");
	}
	if (interface->lro && interface->mode == STATUS_MODE_NATIVE) {
		snprintf(command, sizeof(command), "ethtool -K %s lro off", interface->device);
		check_report_add(report, CHECK_NOTE, interface->name, command,
				 "rx-lro is on, with which some drivers refuse the program; the interface would then be generic");
	}
}

void check_network_judge(const struct check_interfaces *all, const struct settings *settings,
			 const struct status *status, struct check_report *report)
{
	enum check_level none;
	bool any = false;

	for (unsigned int i = 0; i < all->count; i++)
		any = any || (status ? status->interface[i].mode : all->interface[i].mode) != STATUS_MODE_NONE;
	none = any && !settings->required ? CHECK_NOTE : CHECK_STOP;
	for (unsigned int i = 0; i < all->count; i++) {
		if (status)
			judge_running(&all->interface[i], &status->interface[i], none, report);
		else
			judge_one(&all->interface[i], none, report);
		judge_more(&all->interface[i], report);
	}
}
