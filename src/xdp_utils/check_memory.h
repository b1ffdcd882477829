/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether there is room for the tables. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_MEMORY_H
#define OFFLOAD_XDP_UTILS_CHECK_MEMORY_H

#include <stdint.h>

#include "check_report.h"

/** Bytes that are available on this host (MemAvailable); UINT64_MAX if that cannot be read. */
uint64_t check_memory_available(void);

/**
 * The lowest memory.max of a control group and of those above it, where `cgroups` is the text of /proc/PID/cgroup.
 * UINT64_MAX: there is none, or it cannot be read. `root` is where control groups are mounted.
 */
uint64_t check_memory_limit(const char *cgroups, const char *root);

/**
 * Adds the row of the tables for so many channels, which take `tables` bytes, where `available` are there and `limit`
 * is what the server's control group may have. Pure.
 */
void check_memory_judge(unsigned int channels, uint64_t tables, uint64_t available, uint64_t limit,
			struct check_report *report);

#endif
