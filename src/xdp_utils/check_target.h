/* SPDX-License-Identifier: BSD-3-Clause */
/* What a check is of: a turnserver that runs, or a file that one is to be started with. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_TARGET_H
#define OFFLOAD_XDP_UTILS_CHECK_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "arguments.h"
#include "check_config.h"
#include "check_report.h"
#include "check_unit.h"
#include "server.h"
#include "snapshot.h"

struct check_target {
	uint32_t pid;             /* of the server; 0: a file is checked */
	bool running;             /* the offload of this server is on, and `snapshot` is to be freed */
	bool servers_seen;        /* which servers run was seen; takes CAP_SYS_ADMIN */
	struct server_list list;  /* all of them */
	struct snapshot snapshot; /* of the server, if its offload is on */
	struct check_config config;
	struct settings settings;
	struct check_unit unit; /* that starts it; no name: none is known */
	char cgroups[1024];     /* /proc/PID/cgroup of the server; "": not read */
	char program[PATH_MAX]; /* turnserver's own file; "turnserver": not known */
};

/**
 * Finds what is to be checked, and reads its configuration. A server in another network namespace is followed there.
 * Adds rows about what could not be read. 0, to be freed; or an exit status after it has said why.
 */
int check_target_find(const struct arguments *arguments, struct check_target *target, struct check_report *report);

void check_target_free(struct check_target *target);

#endif
