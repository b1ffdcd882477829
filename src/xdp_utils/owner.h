/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which process has a program open. The kernel does not say it, but /proc/PID/fdinfo does. Inspectors have a
 * server's tables open, but not its program. The pid that the server itself has written is that of its own PID namespace.
 */
#ifndef OFFLOAD_XDP_UTILS_OWNER_H
#define OFFLOAD_XDP_UTILS_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/**
 * A process that has the program with this id open: `hint`, if that is one, or the first
 * one found. 0 if none can be seen from here; then *unknown says whether the
 * descriptors of some process could not be read.
 */
uint32_t owner_find(uint32_t program, uint32_t hint, bool *unknown);

#endif
