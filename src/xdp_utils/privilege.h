/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process that serves others keeps of its privileges. */
#ifndef OFFLOAD_XDP_UTILS_PRIVILEGE_H
#define OFFLOAD_XDP_UTILS_PRIVILEGE_H

/**
 * Gives up all capabilities but those that looking at servers takes, for good: no other
 * can be had again. Before other threads are made. 0 or -errno.
 */
int privilege_reduce(void);

#endif
