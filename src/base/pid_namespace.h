/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef OFFLOAD_BASE_PID_NAMESPACE_H
#define OFFLOAD_BASE_PID_NAMESPACE_H

#include <stdint.h>

/**
 * The inode number of the PID namespace in which this process has its ID, as no two namespaces have the same at one
 * time (namespaces(7)). 0 if /proc does not tell it. Any thread.
 */
uint64_t pid_namespace_own(void);

#endif
