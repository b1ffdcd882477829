/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_privilege.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/capability.h"
#include "netlink/rtnetlink.h"

#define TOPIC "privileges"
#define CAPABILITIES "CAP_BPF CAP_NET_ADMIN CAP_PERFMON"
#define BIT(capability) (UINT64_C(1) << (capability))

/* Linux 5.11 counts the tables as memory of the control group, and no longer as locked memory. */
#define RELEASE_WITHOUT_MEMLOCK 0x50b

/* The capabilities that a unit gives to the program which it starts. `file` are those that the program's file permits. */
static uint64_t of_unit(const struct check_unit *unit, uint64_t file)
{
	if (!unit->user[0])
		return unit->bounding;
	return (unit->ambient | (unit->no_new_privileges ? 0 : file)) & unit->bounding;
}

uint64_t check_privilege_of_file(const char *program)
{
	struct vfs_ns_cap_data data = { 0 };
	ssize_t size = getxattr(program, "security.capability", &data, sizeof(data));

	if (size < (ssize_t)XATTR_CAPS_SZ_2)
		return 0;
	return (uint64_t)le32toh(data.data[1].permitted) << 32 | le32toh(data.data[0].permitted);
}

/* ---- a unit ---- */

static void judge_sandbox(const struct check_unit *unit, const char *command, struct check_report *report)
{
	if (unit->without_netlink)
		check_report_add(report, CHECK_STOP, TOPIC, command,
				 "%s forbids the netlink sockets that tell of links and routes; add "
				 "RestrictAddressFamilies=AF_NETLINK below [Service]",
				 unit->name);
	if (unit->without_bpf)
		check_report_add(report, CHECK_STOP, TOPIC, command,
				 "%s forbids bpf(2); add SystemCallFilter=bpf below [Service]", unit->name);
	if (unit->private_users)
		check_report_add(report, CHECK_STOP, TOPIC, command,
				 "%s has a user namespace of its own, whose capabilities do not hold for BPF; set "
				 "PrivateUsers=no below [Service]",
				 unit->name);
	if (unit->private_network)
		check_report_add(report, CHECK_STOP, TOPIC, command,
				 "%s has a network of its own, without the host's interfaces; set PrivateNetwork=no below "
				 "[Service]",
				 unit->name);
}

static void judge_locked_memory(const struct check_unit *unit, const char *command, unsigned int release,
				uint64_t tables, struct check_report *report)
{
	if (release < RELEASE_WITHOUT_MEMLOCK && unit->locked_memory < tables)
		check_report_add(report, CHECK_STOP, TOPIC, command,
				 "this kernel (before 5.11) counts the tables as locked memory, of which %s may have %llu "
				 "bytes; add LimitMEMLOCK=infinity below [Service]",
				 unit->name, (unsigned long long)unit->locked_memory);
}

void check_privilege_judge_unit(const struct check_unit *unit, uint64_t file, unsigned int release, uint64_t tables,
				struct check_report *report)
{
	uint64_t set = of_unit(unit, file);
	const char *user = unit->user[0] ? unit->user : "root";
	char command[160], names[64];

	snprintf(command, sizeof(command), "systemctl edit %s", unit->name);
	if (capability_missing_in(set, names, sizeof(names)))
		check_report_add(report, CHECK_STOP, TOPIC, command,
				 "%s starts turnserver as %s without %s; add below [Service] the line "
				 "AmbientCapabilities=" CAPABILITIES ", and the same to CapabilityBoundingSet= if it is set",
				 unit->name, user, names);
	else
		check_report_add(report, CHECK_OK, TOPIC, NULL, "%s starts turnserver as %s with all capabilities that the "
								"offload takes",
				 unit->name, user);
	judge_sandbox(unit, command, report);
	judge_locked_memory(unit, command, release, tables, report);
}

/* ---- a user ---- */

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user ? user->pw_name : "this user";
}

static void judge_netlink(struct check_report *report)
{
	struct mnl_socket *socket = rtnetlink_open();

	if (!socket)
		check_report_add(report, CHECK_STOP, TOPIC, NULL,
				 "no netlink socket, which tells of links and routes: %s; a sandbox forbids it", strerror(errno));
	rtnetlink_close(socket);
}

void check_privilege_judge_user(const char *program, struct check_report *report)
{
	char command[160], own[64], names[64];
	bool by_file = !capability_missing_in(check_privilege_of_file(program), names, sizeof(names));

	if (!capability_missing(own, sizeof(own))) {
		check_report_add(report, CHECK_OK, TOPIC, NULL,
				 "%s may start turnserver with the offload; no unit of systemd was looked at", user_name());
	} else if (by_file) {
		check_report_add(report, CHECK_OK, TOPIC, NULL, "%s has the capabilities of its file", program);
	} else if (!geteuid()) {
		check_report_add(report, CHECK_STOP, TOPIC, NULL,
				 "root lacks %s here: what started it, a container for instance, must give them to it (docker run "
				 "--cap-add=BPF --cap-add=NET_ADMIN --cap-add=PERFMON)",
				 own);
	} else {
		snprintf(command, sizeof(command), "setcap cap_bpf,cap_net_admin,cap_perfmon=p %.100s", program);
		check_report_add(report, CHECK_STOP, TOPIC, command,
				 "%s lacks %s; start turnserver as root, or in a unit of systemd with "
				 "AmbientCapabilities=" CAPABILITIES ", or give them to its file; if another user starts it, run "
				 "this check as that user",
				 user_name(), own);
	}
	judge_netlink(report);
}

/* ---- a server that runs ---- */

/* The effective capabilities in a /proc/PID/task/TID/status; 0 if it cannot be read. */
static uint64_t effective_of(const char *path)
{
	char line[256];
	uint64_t set = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "CapEff:", 7))
			set = strtoull(line + 7, NULL, 16);
	}
	fclose(file);
	return set;
}

/* All capabilities that one of its threads at least has in effect. */
static uint64_t effective_of_threads(uint32_t pid)
{
	char path[320];
	const struct dirent *entry;
	uint64_t set = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	folder = opendir(path);
	if (!folder)
		return 0;
	while ((entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%u/task/%.255s/status", pid, entry->d_name);
		set |= effective_of(path);
	}
	closedir(folder);
	return set;
}

void check_privilege_judge_server(uint32_t pid, struct check_report *report)
{
	if (effective_of_threads(pid) & BIT(CAP_NET_ADMIN))
		check_report_add(report, CHECK_OK, TOPIC, NULL,
				 "the server had all capabilities to start the offload, and a thread keeps CAP_NET_ADMIN");
	else
		check_report_add(report, CHECK_NOTE, TOPIC, NULL,
				 "no thread of the server has CAP_NET_ADMIN: packets to a neighbour that is not known go through "
				 "userspace until the kernel has found it, IPsec policies are not seen, and the host counts as one that "
				 "examines and translates packets");
}
