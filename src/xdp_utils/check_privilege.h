/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether turnserver has the privileges that the offload takes: from its unit, from its file, or from its user. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_PRIVILEGE_H
#define OFFLOAD_XDP_UTILS_CHECK_PRIVILEGE_H

#include <stdint.h>

#include "check_report.h"
#include "check_unit.h"

/** The capabilities that a program's file permits; 0 if it permits none, or if that cannot be read. */
uint64_t check_privilege_of_file(const char *program);

/**
 * Adds the rows of a unit. `file` is as above, `release` is the kernel's, as 5.10 is 0x50a: before 5.11 the tables,
 * `tables` bytes of them, are locked memory. Pure.
 */
void check_privilege_judge_unit(const struct check_unit *unit, uint64_t file, unsigned int release, uint64_t tables,
				struct check_report *report);

/** Adds the rows of a server that this user starts, without a unit: its file is `program`. */
void check_privilege_judge_user(const char *program, struct check_report *report);

/** Adds the rows of a server that runs, whose offload is on. */
void check_privilege_judge_server(uint32_t pid, struct check_report *report);

#endif
